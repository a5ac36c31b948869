// A number as an element of the destination, by N-FLOAT-WRITE, combinational.
//
// `bits` has the element in its lowest bits, and zeros above. For an i8, `value` has already met the inverse
// scale. `value` is a number as it goes from unit to unit (`ediacara_float_pkg`).
module float_to (
    input  logic [2:0]  code,
    input  logic [31:0] value,
    input  logic [7:0]  zero,
    input  logic [7:0]  low,
    input  logic [7:0]  high,
    output logic [31:0] bits
);
  import ediacara_float_pkg::*;

  logic sign;
  logic [7:0] exponent;
  logic [23:0] significand;

  assign sign = value[31];
  assign exponent = value[30:23];
  assign significand = {1'b1, value[22:0]};

  // i8: from a magnitude of 512 on, its value no longer matters, whatever the zero point.
  logic [32:0] fixed;  // the magnitude, in units of 2^-24
  logic [9:0] magnitude;
  logic signed [11:0] nearest, placed;
  logic [7:0] clamped;

  always_comb begin
    fixed = exponent < 8'd126 ? '0 : {9'd0, significand} << 4'(exponent - 8'd126);
    magnitude = {1'b0, fixed[32:24]} + 10'(fixed[23] && (fixed[22:0] != '0 || fixed[24]));
    if (exponent > 8'd135) magnitude = 10'd512;
    nearest = sign ? -$signed({2'd0, magnitude}) : $signed({2'd0, magnitude});
    if (is_nan(value)) nearest = '0;
    placed = nearest + 12'($signed(zero));
    clamped = placed[7:0];
    if (placed < 12'($signed(low))) clamped = low;
    else if (placed > 12'($signed(high))) clamped = high;
  end

  // f16: a normal number keeps eleven bits, a subnormal those from 2^-24 on. A carry goes to the exponent.
  logic [3:0] shift;
  logic [35:0] shifted;
  logic [14:0] half_magnitude;
  logic [15:0] half;

  always_comb begin
    shift = exponent >= 8'd113 ? 4'd0 : exponent < 8'd102 ? 4'd12 : 4'(8'd113 - exponent);
    shifted = {significand, 12'd0} >> shift;
    half_magnitude = {4'd0, shifted[35:25]} + 15'(shifted[24] && (shifted[23:0] != '0 || shifted[25]));
    // The significand's first bit adds the last one to the exponent.
    if (exponent >= 8'd113) half_magnitude = half_magnitude + {5'(exponent - 8'd113), 10'd0};
    half = {sign, half_magnitude};
    if (is_nan(value)) half = 16'h7e00;
    else if (exponent >= 8'd143) half = {sign, 15'h7c00};
  end

  // bf16: a number without subnormals does not round to one.
  logic [15:0] brief;

  assign brief = value[31:16] + 16'(value[15] && (value[14:0] != '0 || value[16]));

  always_comb begin
    case (code)
      TYPE_I8: bits = {24'd0, clamped};
      TYPE_F16: bits = {16'd0, half};
      TYPE_BF16: bits = {16'd0, brief};
      default: bits = value;
    endcase
  end
endmodule
