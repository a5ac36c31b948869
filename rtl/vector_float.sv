// The float half of the vector engine: FLOAT_LANES lanes, and what they do together (T-VECTOR-WIDTH).
//
// `beat` is a beat of a float instruction in the cycle in which its operands arrive, the first after its
// addresses were presented. Six cycles later, in the seventh, `valid` is high and `written` has its elements in
// the order of memory; `enable` names the bytes to write among them.
// `partial` holds what is running: of a window a number for each lane, of a row the sixteen partial sums of
// N-FLOAT-ROW. A beat of a row begins at `place` among these. They start afresh with the first beat, while the
// tree still adds up the row before.
module vector_float #(
    parameter int unsigned LANES = 32,
    parameter int unsigned FLOAT_LANES = 8
) (
    input  logic                               clock,
    input  logic                               reset,
    input  ediacara_core_pkg::float_beat_t     beat,
    input  logic [LANES-1:0][7:0]              a,
    input  logic [LANES-1:0][7:0]              b,
    input  logic [FLOAT_LANES-1:0][31:0]       acc,
    input  logic [FLOAT_LANES-1:0][95:0]       records,
    output logic                               valid,
    output logic [LANES-1:0][7:0]              written,
    output logic [LANES-1:0]                   enable
);
  import ediacara_core_pkg::*;
  import ediacara_float_pkg::*;
  import ediacara_isa_pkg::*;

  localparam int PARTIALS = 16;

  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that the later stages have no use for
  float_beat_t [7:1] beats;
  /* verilator lint_on UNUSEDSIGNAL */
  float_beat_t [7:2] delayed;

  assign beats = {delayed, beat};

  always_ff @(posedge clock) begin
    for (int stage = 2; stage <= 7; stage++) begin
      delayed[stage].valid <= beats[stage-1].valid;
      if (beats[stage-1].valid) delayed[stage] <= beats[stage-1];
      if (reset) delayed[stage].valid <= 1'b0;
    end
  end

  // Elements of the operands. One of b may stand for all.
  function automatic logic [31:0] element(input logic [LANES-1:0][7:0] bytes, input logic [1:0] shift, input int lane);
    element = '0;
    for (int k = 0; k < 4; k++) begin
      if (shift == 2'd0 && k < 1) element[8*k+:8] = bytes[lane];
      if (shift == 2'd1 && k < 2 && 2 * lane + 1 < int'(LANES)) element[8*k+:8] = bytes[2*lane+k];
      if (shift == 2'd2 && 4 * lane + 3 < int'(LANES)) element[8*k+:8] = bytes[4*lane+k];
    end
  endfunction

  logic [1:0] a_shift, b_shift, d_shift;
  logic [FLOAT_LANES-1:0][31:0] a_elements, b_elements, bits;
  logic [FLOAT_LANES-1:0] keeps;

  assign a_shift = type_shift(beats[1].floating.a_type);
  assign b_shift = type_shift(beats[1].floating.accumulate ? beats[1].floating.d_type : beats[1].floating.b_type);
  assign d_shift = type_shift(beats[7].floating.d_type);

  always_comb begin
    for (int lane = 0; lane < int'(FLOAT_LANES); lane++) begin
      a_elements[lane] = element(a, a_shift, lane);
      b_elements[lane] = element(b, b_shift, beats[1].floating.scalar ? 0 : lane);
    end
  end

  // Which partial result a lane joins, and which lane joins a partial result (modulo 16).
  function automatic logic [3:0] partial_of(input logic [3:0] lane, input logic [3:0] first_place);
    partial_of = first_place + lane;
  endfunction

  function automatic logic [3:0] lane_of(input logic [3:0] index, input logic [3:0] first_place);
    lane_of = index - first_place;
  endfunction

  // What is running.
  logic [PARTIALS-1:0][31:0] partial, started, joined;
  logic [3:0] place, next_place;
  logic joins, is_maximum, tree_is_maximum;
  logic [31:0] start, reduced;

  assign is_maximum = beats[4].arithmetic.opcode == OPCODE_FLOAT_ROW_MAXIMUM ||
      beats[4].arithmetic.opcode == OPCODE_FLOAT_WINDOW_MAXIMUM;
  // Any number is larger than this one, or equal.
  assign start = is_maximum ? {1'b1, INFINITY} : '0;
  assign joins = beats[4].floating.reduces || vector_windowed(beats[4].arithmetic.opcode);
  assign place = beats[4].first ? '0 : next_place;

  always_comb begin
    for (int k = 0; k < PARTIALS; k++) started[k] = beats[4].first ? start : partial[k];
  end

  always_ff @(posedge clock) begin
    if (beats[4].valid && joins) begin
      for (int k = 0; k < PARTIALS; k++) begin
        partial[k] <= {1'b0, lane_of(4'(k), place)} < beats[4].lanes ? joined[lane_of(4'(k), place)] : started[k];
      end
      next_place <= beats[4].floating.reduces ? place + 4'(5'd1 << beats[4].floating.width) : '0;
    end
  end

  // The tree adds neighbours, of these again neighbours, and so on.
  logic [7:0][31:0] eight;
  logic [3:0][31:0] four;
  logic [1:0][31:0] two;

  assign tree_is_maximum = beats[5].arithmetic.opcode == OPCODE_FLOAT_ROW_MAXIMUM;

  float_neighbours #(
      .PAIRS(8)
  ) level_8 (
      .is_maximum(tree_is_maximum),
      .numbers(partial),
      .results(eight)
  );

  float_neighbours #(
      .PAIRS(4)
  ) level_4 (
      .is_maximum(tree_is_maximum),
      .numbers(eight),
      .results(four)
  );

  float_neighbours #(
      .PAIRS(2)
  ) level_2 (
      .is_maximum(tree_is_maximum),
      .numbers(four),
      .results(two)
  );

  float_neighbours #(
      .PAIRS(1)
  ) level_1 (
      .is_maximum(tree_is_maximum),
      .numbers(two),
      .results(reduced)
  );

  for (genvar lane = 0; lane < PARTIALS; lane++) begin : lanes
    if (lane < FLOAT_LANES) begin : present
      float_lane unit (
          .clock(clock),
          .beats(beats),
          .a(a_elements[lane]),
          .b(b_elements[lane]),
          .acc(acc[lane]),
          .record(records[lane]),
          .running(started[partial_of(4'(lane), place)]),
          .joined(joined[lane]),
          .reduced(lane == 0 ? reduced : '0),
          .bits(bits[lane]),
          .keeps(keeps[lane])
      );
    end else begin : absent
      assign joined[lane] = '0;
    end
  end

  // Results in the order of memory.
  assign valid = beats[7].valid;

  always_comb begin
    written = '0;
    enable = '0;
    for (int lane = 0; lane < int'(FLOAT_LANES); lane++) begin
      for (int k = 0; k < 4; k++) begin
        if (d_shift == 2'd0 && k < 1) begin
          written[lane] = bits[lane][7:0];
          enable[lane] = !keeps[lane];
        end
        if (d_shift == 2'd1 && k < 2 && 2 * lane + 1 < int'(LANES)) begin
          written[2*lane+k] = bits[lane][8*k+:8];
          enable[2*lane+k] = !keeps[lane];
        end
        if (d_shift == 2'd2 && 4 * lane + 3 < int'(LANES)) begin
          written[4*lane+k] = bits[lane][8*k+:8];
          enable[4*lane+k] = !keeps[lane];
        end
      end
    end
  end
endmodule
