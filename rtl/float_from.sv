// An element of an operand as an f32, by the first step of N-FLOAT-READ, combinational.
//
// `bits` has the element in its lowest bits. An i8 comes without its zero point. What the scale does to it is
// not done here. Without I32 no element is of that type, and without I8 none is an integer.
module float_from #(
    parameter bit I32 = 1,
    parameter bit I8 = 1
) (
    input  logic [2:0]  code,
    input  logic [31:0] bits,
    input  logic [7:0]  zero,
    output logic [31:0] value
);
  import ediacara_float_pkg::*;

  localparam int unsigned BITS = I32 ? 32 : 9;

  logic [31:0] from_integer, from_half;

  if (I32 || I8) begin : g_integers
    logic [8:0] difference;
    logic [BITS-1:0] integer_value, magnitude;
    logic [31:0] aligned;
    logic negative;
    logic [5:0] leading;  // zeros of the magnitude, as a number of 32 bits

    assign difference = {bits[7], bits[7:0]} - {zero[7], zero};
    if (I32) begin : wide
      assign integer_value = code == TYPE_I32 ? bits : {{23{difference[8]}}, difference};
    end else begin : narrow
      assign integer_value = difference;
    end
    assign negative = integer_value[BITS-1];
    assign magnitude = negative ? -integer_value : integer_value;

    always_comb begin
      leading = 6'd32;
      for (int k = 0; k < int'(BITS); k++) begin
        if (magnitude[k]) leading = 6'(31 - k);
      end
    end

    assign aligned = 32'(magnitude) << leading;

    float_round round (
        .sign(negative),
        .exponent(12'sd158 - $signed({6'd0, leading})),
        .significand(aligned[31:8]),
        .guard(aligned[7]),
        .sticky(aligned[6:0] != '0),
        .result(from_integer)
    );
  end else begin : g_no_integers
    /* verilator lint_off UNUSEDSIGNAL */  // there is nothing that it would be of
    logic [7:0] unused;
    assign unused = zero;
    /* verilator lint_on UNUSEDSIGNAL */
    assign from_integer = '0;
  end

  // A subnormal f16 is a normal f32.
  logic [3:0] half_leading;  // zeros of the fraction
  logic [9:0] half_fraction;

  always_comb begin
    half_leading = 4'd10;
    for (int k = 0; k < 10; k++) begin
      if (bits[k]) half_leading = 4'(9 - k);
    end
  end

  assign half_fraction = bits[9:0] << (half_leading + 4'd1);

  always_comb begin
    if (bits[14:10] == '1) from_half = bits[9:0] != '0 ? NAN : {bits[15], INFINITY};
    else if (bits[14:10] != '0) from_half = {bits[15], 8'd112 + 8'(bits[14:10]), bits[9:0], 13'd0};
    else if (bits[9:0] != '0) from_half = {bits[15], 8'd112 - 8'(half_leading), half_fraction, 13'd0};
    else from_half = {bits[15], 31'd0};
  end

  always_comb begin
    case (code)
      TYPE_I8, TYPE_I32: value = from_integer;
      TYPE_F16: value = from_half;
      TYPE_BF16: value = as_read({bits[15:0], 16'd0});
      default: value = as_read(bits);
    endcase
  end
endmodule
