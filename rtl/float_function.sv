// The function unit: 2 to a power, logarithm, reciprocal, reciprocal root and root by N-FUNCTION,
// combinational.
//
// All five choose a segment by some bits of the operand, compute its quadratic in integers, and round once.
// They share the quadratic and the rounding. `opcode` is that of an instruction with a function; `x` is a
// number as it goes from unit to unit (`ediacara_float_pkg`).
module float_function (
    input  logic [7:0]  opcode,
    input  logic [31:0] x,
    output logic [31:0] result
);
  import ediacara_float_pkg::*;
  import ediacara_function_pkg::*;
  import ediacara_isa_pkg::*;

  logic sign;
  logic [22:0] fraction;
  logic signed [11:0] exponent;

  assign sign = x[31];
  assign fraction = x[22:0];
  assign exponent = $signed({4'd0, x[30:23]}) - 12'sd127;

  // The operand of 2 to a power in units of 2^-27, towards minus infinity. It has that many bits where the
  // result is neither zero nor infinite.
  logic signed [34:0] power;
  logic [5:0] power_shift;

  always_comb begin
    power_shift = exponent < -12'sd28 ? 6'd34 : 6'(12'sd6 - exponent);
    power = $signed({2'b01, fraction, 10'd0});
    power = (sign ? -power : power) >>> power_shift;
  end

  // The logarithm is that of a significand around 1, times the distance from 1. One of 1.5 or more is halved.
  logic is_high;
  logic signed [24:0] distance;

  assign is_high = fraction[22];
  assign distance = is_high ? $signed({2'b01, fraction}) - 25'sh1000000 : $signed({1'b0, fraction, 1'b0});

  // The segment's quadratic at the offset, between 2^27 and 2^28.
  row_t row;
  logic [19:0] offset;
  logic signed [28:0] bend;
  logic signed [22:0] slope;
  logic signed [43:0] rise;
  logic [27:0] value;

  always_comb begin
    case (opcode)
      OPCODE_FLOAT_EXP2: begin
        row = exp2_row(power[26:20]);
        offset = power[19:0];
      end
      OPCODE_FLOAT_LOG2: begin
        row = log2_row(fraction[22:16]);
        offset = {fraction[15:0], 4'd0};
      end
      OPCODE_FLOAT_RECIPROCAL: begin
        row = reciprocal_row(fraction[22:15]);
        offset = {fraction[14:0], 5'd0};
      end
      default: begin
        row = reciprocal_root_row({exponent[0], fraction[22:16]});
        offset = {fraction[15:0], 4'd0};
      end
    endcase
  end

  assign bend = $signed({18'd0, row.c2}) * $signed({13'd0, offset[19:4]}) + 29'sd8192;
  assign slope = 23'(row.c1) + 23'(bend >>> 14);
  assign rise = 44'(slope) * $signed({24'd0, offset}) + 44'sd524288;
  assign value = row.c0 + 28'(rise >>> 20);

  // The result, exact: a magnitude of so many units, which are powers of two.
  logic [58:0] exact, aligned;
  logic signed [59:0] logarithm;
  logic negative;
  logic signed [11:0] unit, half_exponent, whole;
  logic [5:0] leading;  // zeros of `exact`
  logic [31:0] rounded;

  assign half_exponent = exponent >>> 1;
  assign whole = exponent + $signed({11'd0, is_high});
  assign logarithm = (60'(whole) <<< 51) + 60'(distance) * $signed({32'd0, value});

  always_comb begin
    exact = {31'd0, value};
    negative = 1'b0;
    case (opcode)
      OPCODE_FLOAT_EXP2: unit = 12'($signed(power[34:27])) - 12'sd27;
      OPCODE_FLOAT_LOG2: begin
        negative = logarithm[59];
        exact = 59'(negative ? -logarithm : logarithm);
        unit = -12'sd51;
      end
      OPCODE_FLOAT_RECIPROCAL: begin
        negative = sign;
        unit = -12'sd28 - exponent;
      end
      OPCODE_FLOAT_RECIPROCAL_ROOT: unit = -12'sd28 - half_exponent;
      default: begin
        exact = {35'd0, 1'b1, fraction} * {31'd0, value};
        unit = exponent - half_exponent - 12'sd51;
      end
    endcase
  end

  always_comb begin
    leading = 6'd59;
    for (int k = 0; k < 59; k++) begin
      if (exact[k]) leading = 6'(58 - k);
    end
  end

  assign aligned = exact << leading;

  float_round round (
      .sign(negative),
      .exponent(unit + 12'sd185 - $signed({6'd0, leading})),
      .significand(aligned[58:35]),
      .guard(aligned[34]),
      .sticky(aligned[33:0] != '0),
      .result(rounded)
  );

  always_comb begin
    result = rounded;
    case (opcode)
      OPCODE_FLOAT_EXP2: begin
        if (!sign && exponent >= 12'sd7) result = {1'b0, INFINITY};
        else if (sign && x[30:0] > 31'h42fc0000) result = '0;  // below -126
      end
      OPCODE_FLOAT_LOG2: begin
        if (is_infinity(x)) result = {1'b0, INFINITY};
        if (sign) result = NAN;
        if (is_zero(x)) result = {1'b1, INFINITY};
      end
      OPCODE_FLOAT_RECIPROCAL: begin
        if (x[30:0] > 31'h7e800000) result = {sign, 31'd0};  // above 2^126
        if (is_zero(x)) result = {sign, INFINITY};
      end
      OPCODE_FLOAT_RECIPROCAL_ROOT: begin
        if (is_infinity(x)) result = '0;
        if (sign) result = NAN;
        if (is_zero(x)) result = {sign, INFINITY};
      end
      default: begin
        if (is_infinity(x)) result = {1'b0, INFINITY};
        if (sign) result = NAN;
        if (is_zero(x)) result = x;
      end
    endcase
    if (is_nan(x)) result = NAN;
  end
endmodule
