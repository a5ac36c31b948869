// The load engine: rows from DRAM to NRAM, WRAM or PRAM, and from NRAM to WRAM (T-LOAD, T-MOVE, T-DMA-BURSTS).
//
// `start` (cycle s) takes the entry at the queue's head. The first burst is requested in s+1, and the next
// one in the cycle after a grant. `ready` is high again in the cycle after the last grant, while data is
// still on its way. A list holds the purpose of each burst on its way, in order. A `move` waits for the list
// to be empty, reads NRAM in s+1 ..= s+B and writes WRAM a cycle later. `commit` is high in the cycle of an
// instruction's last write.
module load_engine #(
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned BURSTS_IN_FLIGHT = 64,
    parameter int unsigned MOVE_BYTES = 16,
    // A write is as wide as a burst or a beat of `move`, shifted by up to eleven bytes into a record.
    parameter int unsigned WRITE_BYTES = (BURST_BYTES > MOVE_BYTES ? BURST_BYTES : MOVE_BYTES) + 11
) (
    input  logic                         clock,
    input  logic                         reset,
    input  ediacara_core_pkg::load_t     head,
    input  ediacara_core_pkg::ticket_t   head_ticket,
    input  logic                         start,
    output logic                         ready,
    output logic                         idle,
    output logic                         commit,
    output ediacara_core_pkg::ticket_t   commit_ticket,
    output logic                         request,
    output logic [39:0]                  request_address,
    input  logic                         grant,
    input  logic                         respond,
    input  logic [8*BURST_BYTES-1:0]     data,
    output logic                         move_read,
    output logic [23:0]                  move_read_address,
    input  logic [8*MOVE_BYTES-1:0]      move_data,
    output logic                         nram_write,
    output logic                         wram_write,
    output logic                         pram_write,
    output logic [23:0]                  write_address,
    output logic [8*WRITE_BYTES-1:0]     write_data,
    output logic [15:0]                  write_skip,
    output logic [15:0]                  write_count
);
  import ediacara_core_pkg::*;

  localparam int unsigned BURST_SHIFT = $clog2(BURST_BYTES);
  localparam int unsigned PLACE_BITS = BURSTS_IN_FLIGHT > 1 ? $clog2(BURSTS_IN_FLIGHT) : 1;
  localparam int unsigned WRITE_BITS = 8 * WRITE_BYTES;

  // The purpose of a burst on its way.
  typedef struct packed {
    logic [1:0] memory;
    logic [23:0] address;
    logic [BURST_SHIFT:0] offset;  // first wanted byte of the burst
    logic [BURST_SHIFT:0] count;  // wanted bytes
    logic [3:0] phase;  // PRAM: where in its record the first one goes
    logic last;
    ticket_t ticket;
  } piece_t;

  // The transfer that is being requested, or moved.
  logic active;
  logic moving;
  logic [1:0] memory;
  logic [23:0] length;
  ticket_t ticket;
  // Bytes of the row that are done. For PRAM, also the whole records of them and the bytes of the record that
  // is begun.
  logic [23:0] done;
  logic [23:0] records;
  logic [3:0] phase;

  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [39:0] source, destination;
  /* verilator lint_on UNUSEDSIGNAL */
  logic last_row, row_done, advance;
  logic [39:0] from;
  logic [BURST_SHIFT:0] offset, count, space;
  logic [23:0] left;
  logic [15:0] phase_after;

  piece_t pieces[BURSTS_IN_FLIGHT];
  piece_t piece, arrived;
  logic [PLACE_BITS-1:0] oldest, newest;
  logic [15:0] uncommitted;

  // `move`: a beat reads in its cycle and writes in the next.
  logic move_beat, move_writes, move_last;
  logic [23:0] move_address;
  logic [15:0] move_count, move_writes_count;

  function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
    after = place == PLACE_BITS'(BURSTS_IN_FLIGHT - 1) ? '0 : place + 1'b1;
  endfunction

  row_walker rows (
      .clock(clock),
      .start(start),
      .first_source(head.source),
      .first_destination({16'd0, head.destination}),
      .counts(head.counts),
      .source_strides(head.source_strides),
      .destination_strides({8'd0, head.destination_strides[2], 8'd0, head.destination_strides[1], 8'd0, head.destination_strides[0]}),
      .advance(advance),
      .source(source),
      .destination(destination),
      .last(last_row)
  );

  assign left = length - done;

  // The burst to request.
  assign from = source + 40'(done);
  assign offset = {1'b0, from[BURST_SHIFT-1:0]};
  assign space = (BURST_SHIFT + 1)'(BURST_BYTES) - offset;
  assign count = left < 24'(space) ? left[BURST_SHIFT:0] : space;
  assign phase_after = 16'(phase) + 16'(count);
  assign request = active && !moving;
  assign request_address = {from[39:BURST_SHIFT], {BURST_SHIFT{1'b0}}};

  always_comb begin
    piece.memory = memory;
    piece.address = memory == MEMORY_PRAM ? destination[23:0] + records : destination[23:0] + done - 24'(offset);
    piece.offset = offset;
    piece.count = count;
    piece.phase = phase;
    piece.last = row_done && last_row;
    piece.ticket = ticket;
  end

  // The beat of a `move`.
  assign move_beat = active && moving && !move_last;
  assign move_count = left < 24'(MOVE_BYTES) ? left[15:0] : 16'(MOVE_BYTES);
  assign move_read = move_beat;
  assign move_read_address = source[23:0] + done;

  assign row_done = moving ? 24'(move_count) == left : 24'(count) == left;
  assign advance = (grant || move_beat) && row_done;

  assign arrived = pieces[oldest];
  assign ready = !active && !(head.is_move && !idle);
  assign idle = uncommitted == '0;
  assign commit = (respond && arrived.last) || (move_writes && move_last);
  assign commit_ticket = move_writes ? ticket : arrived.ticket;

  assign nram_write = respond && arrived.memory == MEMORY_NRAM;
  assign wram_write = (respond && arrived.memory == MEMORY_WRAM) || move_writes;
  assign pram_write = respond && arrived.memory == MEMORY_PRAM;

  always_comb begin
    write_address = arrived.address;
    write_data = WRITE_BITS'(data);
    write_skip = 16'(arrived.offset);
    write_count = 16'(arrived.count);
    if (move_writes) begin
      write_address = move_address;
      write_data = WRITE_BITS'(move_data);
      write_skip = '0;
      write_count = move_writes_count;
    end else if (arrived.memory == MEMORY_PRAM) begin
      write_data = (WRITE_BITS'(data) >> {arrived.offset, 3'd0}) << {arrived.phase, 3'd0};
      write_skip = 16'(arrived.phase);
    end
  end

  always_ff @(posedge clock) begin
    if (start) begin
      active <= 1'b1;
      moving <= head.is_move;
      memory <= head.memory;
      length <= head.length;
      ticket <= head_ticket;
      done <= '0;
      records <= '0;
      phase <= '0;
    end else if (grant || move_beat) begin
      done <= row_done ? '0 : done + (moving ? 24'(move_count) : 24'(count));
      records <= row_done ? '0 : records + {8'd0, phase_after / 16'd12};
      phase <= row_done ? '0 : 4'(phase_after % 16'd12);
      if (row_done && last_row && !moving) active <= 1'b0;
    end
    if (grant) begin
      pieces[newest] <= piece;
      newest <= after(newest);
    end
    if (respond) oldest <= after(oldest);

    move_writes <= move_beat;
    move_last <= move_beat && row_done && last_row;
    move_address <= destination[23:0] + done;
    move_writes_count <= move_count;
    if (move_writes && move_last) active <= 1'b0;

    uncommitted <= uncommitted + 16'(start) - 16'(commit);
    if (reset) begin
      active <= 1'b0;
      moving <= 1'b0;
      oldest <= '0;
      newest <= '0;
      move_writes <= 1'b0;
      move_last <= 1'b0;
      uncommitted <= '0;
    end
  end
endmodule
