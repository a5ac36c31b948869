// The matrix engine: inner products of NRAM windows with rows of WRAM into ARAM (T-DOT, N-DOT, N-FLOAT-DOT).
//
// `start` (cycle s) takes the entry at the queue's head. The first beat is in s itself, when the RAMs get the
// addresses. `ready` is low while beats are left, so that the next instruction follows without a bubble.
// For a beat in b, the operands arrive in b+1, and the dot unit multiplies and adds them. LATENCY-3 cycles
// follow, into which the tree can be retimed. Then the sum of the window so far takes them in, and ARAM is
// read with the window's last beat. In b+LATENCY ARAM is written, and the instruction commits with its last
// window. ARAM forwards a write to a read of the same cycle, so that windows that share accumulators add up
// in order.
// In floating point ARAM is read with the window's first beat, where its sum begins, and the sum takes the beat in in
// b+LATENCY itself, in which it is written after the window's last. So the next window, whose first beat may follow in
// the next cycle, reads in the cycle of that write. Without F16, BF16 and F32 there is none of this.
module matrix_engine #(
    parameter int unsigned ROWS = 16,
    parameter int unsigned COLUMNS = 16,
    parameter int unsigned LATENCY = 8,
    parameter bit F16 = 0,
    parameter bit BF16 = 0,
    parameter bit F32 = 0
) (
    input  logic                              clock,
    input  logic                              reset,
    input  ediacara_core_pkg::dot_t           head,
    /* verilator lint_off UNUSEDSIGNAL */  // nothing, on a machine without floating point
    input  ediacara_core_pkg::float_dot_t     head_floating,
    /* verilator lint_on UNUSEDSIGNAL */
    input  ediacara_core_pkg::ticket_t        head_ticket,
    input  logic                              start,
    output logic                              ready,
    output logic                              idle,
    output logic                              commit,
    output ediacara_core_pkg::ticket_t        commit_ticket,
    output logic                              operand_read,
    output logic [23:0]                       x_address,
    output logic [23:0]                       w_row,
    input  logic [ROWS-1:0][7:0]              x,
    input  logic [COLUMNS-1:0][ROWS-1:0][7:0] w,
    output logic                              acc_read,
    output logic [23:0]                       acc_read_address,
    input  logic [COLUMNS-1:0][31:0]          acc,
    output logic                              acc_write,
    output logic [23:0]                       acc_write_address,
    output logic [COLUMNS-1:0][31:0]          acc_written
);
  import ediacara_core_pkg::*;

  // A beat between its addresses and its sum.
  typedef struct packed {
    logic valid;
    logic first;  // of its window
    logic last;  // of its window
    logic done;  // the instruction's last
    logic accumulate;
    logic [23:0] acc;
    ticket_t ticket;
  } beat_t;

  localparam int unsigned DELAY = LATENCY - 3;

  logic beat, first, last, done;
  logic [8:0] lanes;
  logic [23:0] acc_address;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  dot_t dot;
  /* verilator lint_on UNUSEDSIGNAL */
  ticket_t ticket;

  matrix_address #(
      .ROWS(ROWS)
  ) address (
      .clock(clock),
      .reset(reset),
      .head(head),
      .head_ticket(head_ticket),
      .start(start),
      .ready(ready),
      .dot(dot),
      .ticket(ticket),
      .beat(beat),
      .first(first),
      .last(last),
      .done(done),
      .lanes(lanes),
      .x(x_address),
      .w_row(w_row),
      .acc(acc_address)
  );

  assign operand_read = beat;

  // Operands arrive.
  beat_t operands;
  logic [8:0] operand_lanes;
  logic [7:0] x_zero, w_zero;
  logic [COLUMNS-1:0][31:0] products;
  // Whether the beat there is one of floating point, and what its window's sum is with it.
  logic operands_float, summed_float, result_float;
  logic [COLUMNS-1:0][31:0] float_sums;

  dot_unit #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS)
  ) unit (
      .valid(operands.valid && !operands_float),
      .lanes(operand_lanes),
      .x_zero(x_zero),
      .w_zero(w_zero),
      .x(x),
      .w(w),
      .sums(products)
  );

  // Stage 0 holds what the dot unit gave in the cycle before; the last stage's partial sums are taken in.
  beat_t beats[DELAY+1];
  logic [COLUMNS-1:0][31:0] partial[DELAY+1];
  beat_t summed;
  logic [COLUMNS-1:0][31:0] window, sums;

  assign summed = beats[DELAY];

  always_comb begin
    for (int c = 0; c < COLUMNS; c++) begin
      sums[c] = partial[DELAY][c] + (summed.first ? 32'd0 : window[c]);
    end
  end

  assign acc_read = summed.valid && (summed_float ? summed.first : summed.last) && summed.accumulate;
  assign acc_read_address = summed.acc;

  // The window's result meets what ARAM held.
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  beat_t result;
  /* verilator lint_on UNUSEDSIGNAL */

  always_comb begin
    for (int c = 0; c < COLUMNS; c++) begin
      acc_written[c] = window[c] + (result.accumulate ? acc[c] : 32'd0);
      if (result_float) acc_written[c] = float_sums[c];
    end
  end

  if (F16 || BF16 || F32) begin : g_float
    float_dot_t floating, floating_register;
    logic [2:0] code;
    logic [LATENCY-1:0] floats;  // by the cycles after the addresses, less one
    logic [COLUMNS-1:0][31:0] trees, running;

    assign floating = start ? head_floating : floating_register;
    assign operands_float = floats[0];
    assign summed_float = floats[LATENCY-2];
    assign result_float = floats[LATENCY-1];

    float_dot #(
        .ROWS(ROWS),
        .COLUMNS(COLUMNS),
        .STAGES(LATENCY - 1),
        .F16(F16),
        .BF16(BF16),
        .F32(F32)
    ) unit (
        .clock(clock),
        .valid(operands.valid && operands_float),
        .code(code),
        .lanes(operand_lanes),
        .x(x),
        .w(w),
        .sums(trees)
    );

    for (genvar c = 0; c < COLUMNS; c++) begin : column
      logic [31:0] start_sum;
      always_comb begin
        start_sum = running[c];
        if (result.first) start_sum = result.accumulate ? acc[c] : '0;
      end
      float_add adder (
          .a(start_sum),
          .b(trees[c]),
          .sum(float_sums[c])
      );
    end

    always_ff @(posedge clock) begin
      if (start) floating_register <= head_floating;
      if (beat) code <= floating.code;
      floats <= {floats[LATENCY-2:0], floating.valid};
      if (result.valid && result_float) running <= float_sums;
    end
  end else begin : g_no_float
    assign operands_float = 1'b0;
    assign summed_float = 1'b0;
    assign result_float = 1'b0;
    assign float_sums = '0;
  end

  assign acc_write = result.valid && result.last;
  assign acc_write_address = result.acc;
  assign commit = result.valid && result.done;
  assign commit_ticket = result.ticket;

  logic [15:0] uncommitted;
  assign idle = uncommitted == '0;

  always_ff @(posedge clock) begin
    operands <= '{
        valid: beat,
        first: first,
        last: last,
        done: done,
        accumulate: dot.accumulate,
        acc: acc_address,
        ticket: ticket
    };
    if (beat) begin
      operand_lanes <= lanes;
      x_zero <= dot.x_zero;
      w_zero <= dot.w_zero;
    end
    beats[0] <= operands;
    if (operands.valid) partial[0] <= products;
    for (int stage = 1; stage <= DELAY; stage++) begin
      beats[stage] <= beats[stage-1];
      if (beats[stage-1].valid) partial[stage] <= partial[stage-1];
    end
    if (summed.valid) window <= sums;
    result <= summed;
    uncommitted <= uncommitted + 16'(start) - 16'(commit);
    if (reset) begin
      operands.valid <= 1'b0;
      for (int stage = 0; stage <= DELAY; stage++) beats[stage].valid <= 1'b0;
      result.valid <= 1'b0;
      uncommitted <= '0;
    end
  end
endmodule
