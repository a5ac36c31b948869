// One lane of the float half of the vector engine: the arithmetic of docs/numerics.md, "Floating point".
//
// `beats[k]` is the beat that the lane works on in the k-th cycle after its addresses were presented, so that
// each stage below has a register behind it. What goes on between lanes is done outside: in cycle 4 `running`
// comes in and `joined` goes out, and in cycle 5 `reduced` stands for the lane's own result where a row has
// one result. In cycle 7 `bits` is the element to write, and `keeps` says that it is not to be written.
/* verilator lint_off UNUSEDSIGNAL */  // parts of bundles that one stage has no use for
module float_lane (
    input  logic                                  clock,
    input  ediacara_core_pkg::float_beat_t [7:1]  beats,
    // cycle 1
    input  logic                           [31:0] a,
    input  logic                           [31:0] b,
    input  logic                           [31:0] acc,
    input  logic                           [95:0] record,
    // cycle 4
    input  logic                           [31:0] running,
    output logic                           [31:0] joined,
    // cycle 5
    input  logic                           [31:0] reduced,
    // cycle 7
    output logic                           [31:0] bits,
    output logic                                  keeps
);
  import ediacara_core_pkg::*;
  import ediacara_float_pkg::*;
  import ediacara_isa_pkg::*;

  // 1: elements become f32s and meet their scale (N-FLOAT-READ).
  logic [2:0] a_code, b_code;
  logic [31:0] a_bits, b_bits, a_scale;
  logic [31:0] a_value, b_value, a_scaled, b_scaled;

  always_comb begin
    a_code = beats[1].floating.a_type;
    a_bits = a;
    a_scale = beats[1].floating.scaled_by_records ? record[63:32] : beats[1].floating.a_scale;
    if (beats[1].floating.reads_acc) begin
      a_bits = acc;
      if (beats[1].floating.scaled_by_records && a_code == TYPE_I32) a_bits = acc + record[31:0];
    end
    b_code = beats[1].floating.accumulate ? beats[1].floating.d_type : beats[1].floating.b_type;
    b_bits = b;
    if (beats[1].floating.constant) begin
      b_code = TYPE_F32;
      b_bits = beats[1].floating.constant_value;
    end
  end

  float_from #(
      .I32(1)
  ) a_reader (
      .code(a_code),
      .bits(a_bits),
      .zero(beats[1].arithmetic.a_zero),
      .value(a_value)
  );

  float_from #(
      .I32(0)
  ) b_reader (
      .code(b_code),
      .bits(b_bits),
      .zero(beats[1].arithmetic.b_zero),
      .value(b_value)
  );

  float_multiply a_scaler (
      .a(a_value),
      .b(a_scale),
      .product(a_scaled)
  );

  float_multiply b_scaler (
      .a(b_value),
      .b(beats[1].floating.b_scale),
      .product(b_scaled)
  );

  logic [31:0] a_read, b_read, bias_read, factor_read;

  always_ff @(posedge clock) begin
    if (beats[1].valid) begin
      a_read <= beats[1].floating.reads_acc || a_code == TYPE_I8 ? a_scaled : a_value;
      b_read <= b_code == TYPE_I8 ? b_scaled : b_value;
      bias_read <= record[31:0];
      factor_read <= record[63:32];
    end
  end

  // 2: an f32 accumulator gets the bias of its record.
  logic [31:0] a_sum;

  float_add biaser (
      .a(a_read),
      .b(bias_read),
      .sum(a_sum)
  );

  logic [31:0] a_biased, b_biased, bias_biased, factor_biased;

  always_ff @(posedge clock) begin
    if (beats[2].valid) begin
      a_biased <= beats[2].floating.scaled_by_records && beats[2].floating.a_type == TYPE_F32 ? a_sum : a_read;
      b_biased <= b_read;
      bias_biased <= bias_read;
      factor_biased <= factor_read;
    end
  end

  // 3: the pair (N-FLOAT-PAIR), and the product of N-FLOAT-SCALE.
  logic [31:0] pair_sum, pair_product, pair_maximum, pair_minimum, pair, kept;
  logic pair_subtracts, pair_holds;

  assign pair_subtracts = beats[3].arithmetic.opcode == OPCODE_FLOAT_SUBTRACT || beats[3].arithmetic.opcode == OPCODE_FLOAT_EXP2;

  float_add pair_adder (
      .a(a_biased),
      .b({b_biased[31] ^ pair_subtracts, b_biased[30:0]}),
      .sum(pair_sum)
  );

  float_multiply pair_multiplier (
      .a(a_biased),
      .b(beats[3].arithmetic.opcode == OPCODE_FLOAT_SCALE ? factor_biased : b_biased),
      .product(pair_product)
  );

  float_compare pair_comparer (
      .a(a_biased),
      .b(b_biased),
      .relation(beats[3].floating.relation),
      .maximum(pair_maximum),
      .minimum(pair_minimum),
      .holds(pair_holds)
  );

  always_comb begin
    case (beats[3].arithmetic.opcode)
      OPCODE_FLOAT_FILL, OPCODE_FLOAT_SELECT: pair = b_biased;
      OPCODE_FLOAT_ADD, OPCODE_FLOAT_SUBTRACT, OPCODE_FLOAT_EXP2: pair = pair_sum;
      OPCODE_FLOAT_MULTIPLY, OPCODE_FLOAT_SCALE, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_WINDOW_DOT: pair = pair_product;
      OPCODE_FLOAT_MAXIMUM: pair = pair_maximum;
      OPCODE_FLOAT_MINIMUM: pair = pair_minimum;
      OPCODE_FLOAT_COMPARE: pair = pair_holds ? ONE : '0;
      default: pair = a_biased;
    endcase
  end

  // What is added to the pair, where it does not join what is running.
  assign kept = beats[3].arithmetic.opcode == OPCODE_FLOAT_SCALE ? bias_biased : b_biased;

  logic [31:0] paired, paired_kept;
  logic [7:4] keeping;

  always_ff @(posedge clock) begin
    if (beats[3].valid) begin
      paired <= pair;
      paired_kept <= kept;
    end
  end

  // 4: the pair joins a window or a row, or the second half of N-FLOAT-SCALE is added.
  logic [31:0] join_with, join_sum;

  always_comb begin
    join_with = running;
    if (beats[4].arithmetic.opcode == OPCODE_FLOAT_SCALE || (beats[4].floating.accumulate && beats[4].first)) begin
      join_with = paired_kept;
    end
  end

  float_add joiner (
      .a(paired),
      .b(join_with),
      .sum(join_sum)
  );

  always_comb begin
    case (beats[4].arithmetic.opcode)
      OPCODE_FLOAT_SCALE, OPCODE_FLOAT_ROW_SUM, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_WINDOW_SUM, OPCODE_FLOAT_WINDOW_DOT:
      joined = join_sum;
      OPCODE_FLOAT_ROW_MAXIMUM, OPCODE_FLOAT_WINDOW_MAXIMUM: joined = larger_of(paired, join_with);
      default: joined = paired;
    endcase
  end

  logic [31:0] own;

  always_ff @(posedge clock) begin
    if (beats[4].valid) own <= joined;
  end

  // 5: the function (N-FUNCTION).
  logic [31:0] function_result, computed;

  float_function functions (
      .opcode(beats[5].arithmetic.opcode),
      .x(own),
      .result(function_result)
  );

  always_ff @(posedge clock) begin
    if (beats[5].valid) begin
      case (beats[5].arithmetic.opcode)
        OPCODE_FLOAT_EXP2, OPCODE_FLOAT_LOG2, OPCODE_FLOAT_RECIPROCAL, OPCODE_FLOAT_RECIPROCAL_ROOT, OPCODE_FLOAT_ROOT:
        computed <= function_result;
        default: computed <= beats[5].floating.reduces ? reduced : own;
      endcase
    end
  end

  // 6 and 7: N-FLOAT-WRITE.
  logic [31:0] shrunk, stored;

  float_multiply shrinker (
      .a(computed),
      .b(beats[6].floating.d_inverse_scale),
      .product(shrunk)
  );

  always_ff @(posedge clock) begin
    if (beats[6].valid) stored <= beats[6].floating.d_type == TYPE_I8 ? shrunk : computed;
  end

  float_to writer (
      .code(beats[7].floating.d_type),
      .value(stored),
      .zero(beats[7].arithmetic.d_zero),
      .low(beats[7].arithmetic.low),
      .high(beats[7].arithmetic.high),
      .bits(bits)
  );

  // `float_select` keeps what stands where a is zero.
  assign keeps = keeping[7];

  always_ff @(posedge clock) begin
    keeping <= {keeping[6:4], beats[3].arithmetic.opcode == OPCODE_FLOAT_SELECT && is_zero(a_biased)};
  end
endmodule
/* verilator lint_on UNUSEDSIGNAL */
