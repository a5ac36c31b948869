// The product of two f32s by N-FLOAT, combinational. A subnormal counts as zero of its sign.
module float_multiply (
    input  logic [31:0] a,
    input  logic [31:0] b,
    output logic [31:0] product
);
  import ediacara_float_pkg::*;

  logic sign;
  logic [47:0] exact, aligned;
  logic signed [11:0] exponent;
  logic [31:0] rounded;

  assign sign = a[31] ^ b[31];
  assign exact = {24'd0, 1'b1, a[22:0]} * {24'd0, 1'b1, b[22:0]};
  // The product of two numbers in [1, 2) lies in [1, 4).
  assign aligned = exact[47] ? exact : exact << 1;
  assign exponent = $signed({4'd0, a[30:23]}) + $signed({4'd0, b[30:23]}) - (exact[47] ? 12'sd126 : 12'sd127);

  float_round round (
      .sign(sign),
      .exponent(exponent),
      .significand(aligned[47:24]),
      .guard(aligned[23]),
      .sticky(aligned[22:0] != '0),
      .result(rounded)
  );

  always_comb begin
    product = rounded;
    if (is_nan(a) || is_nan(b) || (is_infinity(a) && is_zero(b)) || (is_zero(a) && is_infinity(b))) product = NAN;
    else if (is_infinity(a) || is_infinity(b)) product = {sign, INFINITY};
    else if (is_zero(a) || is_zero(b)) product = {sign, 31'd0};
  end
endmodule
