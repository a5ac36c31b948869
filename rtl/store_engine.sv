// The store engine: rows from NRAM to DRAM (T-STORE, T-DMA-BURSTS).
//
// `start` (cycle s) takes the entry at the queue's head. In s+1 NRAM is read. In s+2 the first burst is
// requested with its data, and each further one in the cycle after a grant. While a burst waits for its
// grant, its data stays in the RAM's output, and the grant's cycle reads the next. NRAM is read from where
// the burst would begin, so that its bytes come in place. `ready` is high again in the cycle after the last
// grant, and `commit` when the last write has been performed.
module store_engine #(
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned BURSTS_IN_FLIGHT = 64
) (
    input  logic                       clock,
    input  logic                       reset,
    input  ediacara_core_pkg::store_t  head,
    input  ediacara_core_pkg::ticket_t head_ticket,
    input  logic                       start,
    output logic                       ready,
    output logic                       idle,
    output logic                       commit,
    output ediacara_core_pkg::ticket_t commit_ticket,
    output logic                       request,
    output logic [39:0]                request_address,
    output logic [BURST_BYTES-1:0]     request_enable,
    input  logic                       grant,
    input  logic                       respond,
    output logic                       read,
    output logic [23:0]                read_address
);
  import ediacara_core_pkg::*;

  localparam int unsigned BURST_SHIFT = $clog2(BURST_BYTES);
  localparam int unsigned PLACE_BITS = BURSTS_IN_FLIGHT > 1 ? $clog2(BURSTS_IN_FLIGHT) : 1;

  typedef struct packed {
    logic last;
    ticket_t ticket;
  } piece_t;

  logic active;
  logic reading;  // bursts are left to be read
  logic [23:0] length;
  ticket_t ticket;
  logic [23:0] done;  // bytes of the row that are done

  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [39:0] source, destination;
  /* verilator lint_on UNUSEDSIGNAL */
  logic last_row, row_done, advance;
  logic [39:0] to;
  logic [BURST_SHIFT:0] offset, count, space;
  logic [23:0] left;

  // The burst that is requested.
  logic presented_last;

  piece_t pieces[BURSTS_IN_FLIGHT];
  piece_t finished;
  logic [PLACE_BITS-1:0] oldest, newest;
  logic [15:0] uncommitted;

  function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
    after = place == PLACE_BITS'(BURSTS_IN_FLIGHT - 1) ? '0 : place + 1'b1;
  endfunction

  row_walker rows (
      .clock(clock),
      .start(start),
      .first_source({16'd0, head.source}),
      .first_destination(head.destination),
      .counts(head.counts),
      .source_strides({8'd0, head.source_strides[2], 8'd0, head.source_strides[1], 8'd0, head.source_strides[0]}),
      .destination_strides(head.destination_strides),
      .advance(advance),
      .source(source),
      .destination(destination),
      .last(last_row)
  );

  assign left = length - done;
  assign to = destination + 40'(done);
  assign offset = {1'b0, to[BURST_SHIFT-1:0]};
  assign space = (BURST_SHIFT + 1)'(BURST_BYTES) - offset;
  assign count = left < 24'(space) ? left[BURST_SHIFT:0] : space;
  assign row_done = 24'(count) == left;
  assign read = reading && (!request || grant);
  assign read_address = source[23:0] + done - 24'(offset);
  assign advance = read && row_done;

  assign finished = pieces[oldest];
  assign ready = !active;
  assign idle = uncommitted == '0;
  assign commit = respond && finished.last;
  assign commit_ticket = finished.ticket;

  always_ff @(posedge clock) begin
    if (start) begin
      active <= 1'b1;
      reading <= 1'b1;
      length <= head.length;
      ticket <= head_ticket;
      done <= '0;
    end
    if (grant) begin
      request <= 1'b0;
      if (presented_last) active <= 1'b0;
      pieces[newest] <= '{last: presented_last, ticket: ticket};
      newest <= after(newest);
    end
    if (read) begin
      request <= 1'b1;
      request_address <= {to[39:BURST_SHIFT], {BURST_SHIFT{1'b0}}};
      request_enable <= ~({BURST_BYTES{1'b1}} << count) << offset;
      presented_last <= row_done && last_row;
      done <= row_done ? '0 : done + 24'(count);
      if (row_done && last_row) reading <= 1'b0;
    end
    if (respond) oldest <= after(oldest);
    uncommitted <= uncommitted + 16'(start) - 16'(commit);
    if (reset) begin
      active <= 1'b0;
      reading <= 1'b0;
      request <= 1'b0;
      oldest <= '0;
      newest <= '0;
      uncommitted <= '0;
    end
  end
endmodule
