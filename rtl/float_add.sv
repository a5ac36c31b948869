// The sum of two f32s by N-FLOAT, combinational. A subnormal counts as zero of its sign.
//
// The smaller magnitude is shifted to the larger one's exponent, with two bits behind the last and one that
// says whether any bit fell off. These suffice for a right rounding: a difference loses more than one leading
// bit only where the exponents differ by at most one, and then nothing fell off.
module float_add (
    input  logic [31:0] a,
    input  logic [31:0] b,
    output logic [31:0] sum
);
  import ediacara_float_pkg::*;

  logic [31:0] larger, smaller;
  logic [7:0] distance;
  logic [26:0] larger_significand, smaller_significand, shifted;
  logic fell_off, subtract;
  logic [27:0] exact, aligned;
  logic [4:0] leading;  // zeros of `exact`
  logic signed [11:0] exponent;
  logic [31:0] rounded;

  assign {larger, smaller} = a[30:0] >= b[30:0] ? {a, b} : {b, a};
  assign larger_significand = is_zero(larger) ? '0 : {1'b1, larger[22:0], 3'd0};
  assign smaller_significand = is_zero(smaller) ? '0 : {1'b1, smaller[22:0], 3'd0};
  assign distance = larger[30:23] - smaller[30:23];
  assign shifted = smaller_significand >> distance;
  assign fell_off = (shifted << distance) != smaller_significand;
  assign subtract = larger[31] ^ smaller[31];
  assign exact = subtract ? {1'b0, larger_significand} - {1'b0, shifted[26:1], shifted[0] | fell_off} :
      {1'b0, larger_significand} + {1'b0, shifted[26:1], shifted[0] | fell_off};

  always_comb begin
    leading = 5'd28;
    for (int k = 0; k < 28; k++) begin
      if (exact[k]) leading = 5'(27 - k);
    end
  end

  assign aligned = exact << leading;
  assign exponent = $signed({4'd0, larger[30:23]}) + 12'sd1 - $signed({7'd0, leading});

  float_round round (
      .sign(larger[31]),
      .exponent(exponent),
      .significand(aligned[27:4]),
      .guard(aligned[3]),
      .sticky(aligned[2:0] != '0),
      .result(rounded)
  );

  always_comb begin
    sum = rounded;
    if (is_nan(a) || is_nan(b) || (is_infinity(a) && is_infinity(b) && subtract)) sum = NAN;
    else if (is_infinity(larger)) sum = {larger[31], INFINITY};
    else if (exact == '0) sum = {a[31] && b[31], 31'd0};
  end
endmodule
