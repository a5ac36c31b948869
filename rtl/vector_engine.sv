// The vector engine: ARAM or NRAM to NRAM, LANES elements a beat (T-VECTOR, T-VECTOR-ORDER).
//
// `start` (cycle s) takes the entry at the queue's head, and the first beat is in s itself. `ready` is low
// while beats are left. For an instruction that reads NRAM it is also low while any instruction before it has
// not committed.
// For a beat in b, the RAMs get its addresses in b. In b+1 the operands arrive and join the window
// (`vector_lane`, gather). In b+2 the result of a window's last beat settles. LATENCY-3 cycles follow, into
// which the multipliers can be retimed. In b+LATENCY NRAM is written, and the instruction commits with its
// last beat. `transpose` keeps a tile in registers, of as many elements each way as LANES bytes hold.
//
// With FLOAT_LANES, a beat of a float instruction goes through `vector_float` instead of the lanes. Its results
// join those of the others in b+8 and share the rest of the way, so that both kinds have one write port.
module vector_engine #(
    parameter int unsigned LANES = 32,
    parameter int unsigned FLOAT_LANES = 0,
    parameter int unsigned LATENCY = 8
) (
    input  logic                         clock,
    input  logic                         reset,
    input  ediacara_core_pkg::vector_t   head,
    input  ediacara_core_pkg::floating_t head_floating,
    input  ediacara_core_pkg::ticket_t   head_ticket,
    input  logic                         start,
    output logic                         ready,
    output logic                         idle,
    output logic                         commit,
    output ediacara_core_pkg::ticket_t   commit_ticket,
    output logic                         a_read,
    output logic [23:0]                  a_address,
    input  logic [LANES-1:0][7:0]        a,
    output logic                         b_read,
    output logic [23:0]                  b_address,
    input  logic [LANES-1:0][7:0]        b,
    output logic                         acc_read,
    input  logic [LANES-1:0][31:0]       acc,
    output logic                         record_read,
    output logic [15:0]                  record_address,
    input  logic [LANES-1:0][95:0]       records,
    output logic                         write,
    output logic [23:0]                  write_address,
    output logic [LANES-1:0][7:0]        written,
    output logic [LANES-1:0]             write_enable,  // which of the bytes
    output logic [15:0]                  write_count
);
  import ediacara_core_pkg::*;
  import ediacara_isa_pkg::*;

  localparam int unsigned DELAY = LATENCY - 3;
  // The place in the delay where results of `vector_float` come in.
  localparam int unsigned JOIN = 5;

  if (FLOAT_LANES > 0 && DELAY < JOIN) begin : g_latency
    $error("float instructions need a latency of 8 cycles");
  end

  typedef struct packed {
    logic valid;
    logic writes;
    logic done;  // the instruction's last
    logic [23:0] d;
    logic [10:0] bytes;
    ticket_t ticket;
  } beat_t;

  logic available, beat, first, done, writes, column;
  logic [10:0] bytes, line;
  logic [23:0] d;
  /* verilator lint_off UNUSEDSIGNAL */  // parts that are of no use here, or to integers
  vector_t vector;
  floating_t floating;
  logic [10:0] lanes;
  /* verilator lint_on UNUSEDSIGNAL */
  ticket_t ticket;

  vector_address #(
      .LANES(LANES),
      .FLOAT_LANES(FLOAT_LANES)
  ) address (
      .clock(clock),
      .reset(reset),
      .head(head),
      .head_floating(head_floating),
      .head_ticket(head_ticket),
      .start(start),
      .ready(available),
      .vector(vector),
      .floating(floating),
      .ticket(ticket),
      .beat(beat),
      .first(first),
      .done(done),
      .writes(writes),
      .lanes(lanes),
      .bytes(bytes),
      .line(line),
      .column(column),
      .a(a_address),
      .b(b_address),
      .d(d),
      .p(record_address)
  );

  logic reads_nram;
  assign reads_nram = vector_reads_nram(vector.arithmetic.opcode);

  always_comb begin
    a_read = beat && reads_nram;
    b_read = beat && reads_nram;
    acc_read = beat && vector.arithmetic.opcode == OPCODE_REQUANTISE;
    // The same records serve every beat of a window.
    record_read = beat && vector_reads_records(vector.arithmetic.opcode);
    if (floating.valid) begin
      a_read = beat && floating.reads_a;
      b_read = beat && (floating.reads_b || (floating.accumulate && first));
      acc_read = beat && floating.reads_acc;
      record_read = beat && floating.reads_records;
    end
  end

  // T-VECTOR-ORDER concerns the head that wants to start.
  assign ready = available &&
      (idle || !(FLOAT_LANES > 0 && head_floating.valid ? head_floating.reads_nram : vector_reads_nram(head.arithmetic.opcode)));

  // Operands arrive.
  beat_t gather;
  arithmetic_t gather_arithmetic;
  logic gather_first, gather_column;
  logic [10:0] gather_line;

  // Results settle.
  beat_t settle;
  arithmetic_t settle_arithmetic;
  logic settle_column;
  logic [LANES-1:0][7:0] settle_tile;

  logic [LANES-1:0][31:0] window, gathered;
  logic [LANES-1:0][40:0] term, settle_term;
  logic [LANES-1:0][30:0] multiplier, settle_multiplier;
  logic [LANES-1:0][5:0] shift, settle_shift;
  logic [LANES-1:0][7:0] looked_up, result;

  logic [255:0][7:0] table_entries;
  logic [LANES-1:0][LANES-1:0][7:0] tile;
  logic [LANES-1:0][7:0] tile_column;

  for (genvar lane = 0; lane < LANES; lane++) begin : lane_units
    vector_lane unit (
        .gather(gather_arithmetic),
        .gather_first(gather_first),
        .a(a[lane]),
        .b(b[lane]),
        .looked_up(looked_up[lane]),
        .acc(acc[lane]),
        .record(records[lane]),
        .window(window[lane]),
        .gathered(gathered[lane]),
        .term(term[lane]),
        .multiplier(multiplier[lane]),
        .shift(shift[lane]),
        .settle(settle_arithmetic),
        .settle_term(settle_term[lane]),
        .settle_multiplier(settle_multiplier[lane]),
        .settle_shift(settle_shift[lane]),
        .result(result[lane])
    );
  end

  always_comb begin
    looked_up = '0;
    if (gather_arithmetic.opcode == OPCODE_TABLE) begin
      for (int lane = 0; lane < LANES; lane++) looked_up[lane] = table_entries[a[lane]^8'h80];
    end
  end

  always_comb begin
    tile_column = '0;
    if (gather_column) begin
      for (int lane = 0; lane < int'(LANES); lane++) begin
        case (gather_arithmetic.element)
          2'd0: tile_column[lane] = tile[lane][gather_line];
          2'd1: tile_column[lane] = tile[lane/2][(gather_line<<1)+11'(lane%2)];
          default: tile_column[lane] = tile[lane/4][(gather_line<<2)+11'(lane%4)];
        endcase
      end
    end
  end

  // Settled results on their way to NRAM.
  beat_t beats[DELAY+1];
  logic [LANES-1:0][7:0] results[DELAY+1];

  assign write = beats[DELAY].valid && beats[DELAY].writes;
  assign write_address = beats[DELAY].d;
  assign written = results[DELAY];
  assign write_count = 16'(beats[DELAY].bytes);
  assign commit = beats[DELAY].valid && beats[DELAY].done;
  assign commit_ticket = beats[DELAY].ticket;

  logic [15:0] uncommitted;
  assign idle = uncommitted == '0;

  // Float results, in the cycle before they join the others.
  logic float_valid;
  logic [LANES-1:0][7:0] float_written;
  logic [LANES-1:0] float_enable;

  if (FLOAT_LANES > 0) begin : g_float
    floating_t gather_floating;
    logic [4:0] gather_lanes;
    float_beat_t float_beat;
    logic [LANES-1:0] enables[JOIN:DELAY];

    assign float_beat = '{
            valid: gather.valid && gather_floating.valid,
            first: gather_first,
            lanes: gather_lanes,
            arithmetic: gather_arithmetic,
            floating: gather_floating
        };

    vector_float #(
        .LANES(LANES),
        .FLOAT_LANES(FLOAT_LANES)
    ) float_half (
        .clock(clock),
        .reset(reset),
        .beat(float_beat),
        .a(a),
        .b(b),
        .acc(acc[FLOAT_LANES-1:0]),
        .records(records[FLOAT_LANES-1:0]),
        .valid(float_valid),
        .written(float_written),
        .enable(float_enable)
    );

    assign write_enable = enables[DELAY];

    always_ff @(posedge clock) begin
      if (beat) begin
        gather_floating <= floating;
        gather_lanes <= lanes[4:0];
      end
      enables[JOIN] <= float_valid ? float_enable : '1;
      for (int stage = JOIN + 1; stage <= int'(DELAY); stage++) enables[stage] <= enables[stage-1];
    end
  end else begin : g_no_float
    assign float_valid = 1'b0;
    assign float_written = '0;
    assign float_enable = '1;
    assign write_enable = float_enable;
  end

  always_ff @(posedge clock) begin
    gather <= '{valid: beat, writes: writes, done: done, d: d, bytes: bytes, ticket: ticket};
    // Without a beat the lanes rest: no opcode is 0.
    if (beat) begin
      gather_arithmetic <= vector.arithmetic;
      gather_first <= first;
    end else begin
      gather_arithmetic.opcode <= '0;
    end
    gather_column <= beat && column;
    gather_line <= line;

    settle <= gather;
    if (gather.valid) window <= gathered;
    settle_arithmetic.opcode <= '0;
    if (gather.valid && gather.writes) begin
      settle_arithmetic <= gather_arithmetic;
      settle_term <= term;
      settle_multiplier <= multiplier;
      settle_shift <= shift;
    end
    settle_column <= gather_column;
    settle_tile   <= tile_column;
    if (gather.valid && gather_arithmetic.opcode == OPCODE_TRANSPOSE && !gather_column) begin
      for (int lane = 0; lane < LANES; lane++) begin
        if (11'(lane) == gather_line) tile[lane] <= a;
      end
    end
    if (gather.valid && gather_arithmetic.opcode == OPCODE_LOAD_TABLE) begin
      for (int lane = 0; lane < LANES; lane++) begin
        if (11'(lane) < gather.bytes) table_entries[8'(gather.d)+8'(lane)] <= a[lane];
      end
    end

    beats[0] <= settle;
    if (settle.valid) results[0] <= settle_column ? settle_tile : result;
    for (int stage = 1; stage <= DELAY; stage++) begin
      beats[stage] <= beats[stage-1];
      if (beats[stage-1].valid) results[stage] <= stage == JOIN && float_valid ? float_written : results[stage-1];
    end
    uncommitted <= uncommitted + 16'(start) - 16'(commit);
    if (reset) begin
      gather.valid <= 1'b0;
      settle.valid <= 1'b0;
      for (int stage = 0; stage <= DELAY; stage++) beats[stage].valid <= 1'b0;
      uncommitted <= '0;
    end
  end
endmodule
