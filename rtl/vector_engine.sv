// The vector engine: ARAM or NRAM to NRAM, LANES elements a beat (T-VECTOR, T-VECTOR-ORDER).
//
// `start` (cycle s) takes the entry at the queue's head, and the first beat is in s itself. `ready` is low
// while beats are left. For an instruction that reads NRAM it is also low while any instruction before it has
// not committed.
// For a beat in b, the RAMs get its addresses in b. In b+1 the operands arrive and join the window
// (`vector_lane`, gather). In b+2 the result of a window's last beat settles. LATENCY-3 cycles follow, into
// which the multipliers can be retimed. In b+LATENCY NRAM is written, and the instruction commits with its
// last beat. `transpose` keeps a tile of LANES x LANES in registers.
module vector_engine #(
    parameter int unsigned LANES = 32,
    parameter int unsigned LATENCY = 8
) (
    input  logic                         clock,
    input  logic                         reset,
    input  ediacara_core_pkg::vector_t   head,
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
    output logic [15:0]                  write_count
);
  import ediacara_core_pkg::*;
  import ediacara_isa_pkg::*;

  localparam int unsigned DELAY = LATENCY - 3;

  typedef struct packed {
    logic valid;
    logic writes;
    logic done;  // the instruction's last
    logic [23:0] d;
    logic [10:0] lanes;
    ticket_t ticket;
  } beat_t;

  logic available, beat, first, done, writes, column;
  logic [10:0] lanes, line;
  logic [23:0] d;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  vector_t vector;
  /* verilator lint_on UNUSEDSIGNAL */
  ticket_t ticket;

  vector_address #(
      .LANES(LANES)
  ) address (
      .clock(clock),
      .reset(reset),
      .head(head),
      .head_ticket(head_ticket),
      .start(start),
      .ready(available),
      .vector(vector),
      .ticket(ticket),
      .beat(beat),
      .first(first),
      .done(done),
      .writes(writes),
      .lanes(lanes),
      .line(line),
      .column(column),
      .a(a_address),
      .b(b_address),
      .d(d),
      .p(record_address)
  );

  logic reads_nram, reads_records;
  assign reads_nram = vector_reads_nram(vector.arithmetic.opcode);
  assign reads_records = vector_reads_records(vector.arithmetic.opcode);
  assign a_read = beat && reads_nram;
  assign b_read = beat && reads_nram;
  assign acc_read = beat && vector.arithmetic.opcode == OPCODE_REQUANTISE;
  // The same records serve every beat of a window.
  assign record_read = beat && reads_records;

  // T-VECTOR-ORDER concerns the head that wants to start.
  assign ready = available && (idle || !vector_reads_nram(head.arithmetic.opcode));

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
      for (int lane = 0; lane < LANES; lane++) tile_column[lane] = tile[lane][gather_line];
    end
  end

  // Settled results on their way to NRAM.
  beat_t beats[DELAY+1];
  logic [LANES-1:0][7:0] results[DELAY+1];

  assign write = beats[DELAY].valid && beats[DELAY].writes;
  assign write_address = beats[DELAY].d;
  assign written = results[DELAY];
  assign write_count = 16'(beats[DELAY].lanes);
  assign commit = beats[DELAY].valid && beats[DELAY].done;
  assign commit_ticket = beats[DELAY].ticket;

  logic [15:0] uncommitted;
  assign idle = uncommitted == '0;

  always_ff @(posedge clock) begin
    gather <= '{valid: beat, writes: writes, done: done, d: d, lanes: lanes, ticket: ticket};
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
        if (11'(lane) < gather.lanes) table_entries[8'(gather.d)+8'(lane)] <= a[lane];
      end
    end

    beats[0] <= settle;
    if (settle.valid) results[0] <= settle_column ? settle_tile : result;
    for (int stage = 1; stage <= DELAY; stage++) begin
      beats[stage] <= beats[stage-1];
      if (beats[stage-1].valid) results[stage] <= results[stage-1];
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
