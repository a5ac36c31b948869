// The one rounding of a result of N-FLOAT: to nearest, ties to even, on the grid with subnormals; then a
// subnormal becomes zero. It is combinational.
//
// The exact magnitude is `significand` with its point behind the first bit, times 2^(exponent - 127). `guard`
// is the bit after the last, and `sticky` says whether anything follows it. The first bit is one, except that
// a significand of 0 stands for zero.
// On the grid the last binade below 2^-126 has one bit less than a normal number. There only a significand of
// ones reaches 2^-126: the bit that it has too many is then the one that rounds it up.
module float_round (
    input  logic               sign,
    input  logic signed [11:0] exponent,
    input  logic        [23:0] significand,
    input  logic               guard,
    input  logic               sticky,
    output logic        [31:0] result
);
  import ediacara_float_pkg::*;

  logic [30:0] rounded;

  // A carry out of the fraction goes to the exponent.
  assign rounded = {exponent[7:0], significand[22:0]} + 31'(guard && (sticky || significand[0]));

  always_comb begin
    if (!significand[23] || exponent < 12'sd0) result = {sign, 31'd0};
    else if (exponent == 12'sd0) result = {sign, significand == '1 ? 31'h00800000 : 31'd0};
    else if (exponent > 12'sd254 || rounded[30:23] == '1) result = {sign, INFINITY};
    else result = {sign, rounded};
  end
endmodule
