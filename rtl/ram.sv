// A memory on chip behind its ports. Its elements have ELEMENT_BYTES bytes, and an access reads or writes
// WIDTH of them from any element on.
//
// Two banks hold the rows (of WIDTH elements) with even and with odd numbers. An access that straddles two
// rows takes one row of each, and a rotation puts them in order. The RAM is synchronous: an address presented
// in cycle t gives its data in t+1, which stays until the next read. Reads presented from t+1 on see a write
// presented in t. With FORWARD, those of t see it too. Every port has its own way into the banks, so that
// engines never conflict inside a RAM.
//
// Element 0 of `write_data` goes to `write_address`. Only `write_count` of its bytes, from byte `write_skip`
// on, are written, and with MASKED only those of them that `write_mask` names. An address may lie before the
// memory (modulo 2^24) or its row end behind it: bytes there are never wanted.
/* verilator lint_off WIDTHCONCAT */  // two rows of the widest memory are wide indeed
module ram #(
    parameter int unsigned ELEMENTS = 1024,
    parameter int unsigned ELEMENT_BYTES = 1,
    parameter int unsigned WIDTH = 64,  // a power of two
    parameter int unsigned READS = 1,
    parameter int unsigned WRITES = 1,
    parameter bit FORWARD = 0,
    parameter bit MASKED = 0
) (
    input  logic                                        clock,
    input  logic [READS-1:0]                            read_valid,
    input  logic [READS-1:0][23:0]                      read_address,
    output logic [READS-1:0][8*ELEMENT_BYTES*WIDTH-1:0] read_data,
    input  logic [WRITES-1:0]                           write_valid,
    input  logic [WRITES-1:0][23:0]                     write_address,
    input  logic [WRITES-1:0][8*ELEMENT_BYTES*WIDTH-1:0] write_data,
    input  logic [WRITES-1:0][15:0]                     write_skip,
    input  logic [WRITES-1:0][15:0]                     write_count,
    input  logic [WRITES-1:0][ELEMENT_BYTES*WIDTH-1:0]  write_mask
);
  localparam int unsigned BYTES = ELEMENT_BYTES * WIDTH;
  localparam int unsigned BITS = 8 * BYTES;
  localparam int unsigned SHIFT = $clog2(WIDTH);
  localparam int unsigned ROWS = (ELEMENTS + WIDTH - 1) / WIDTH;
  localparam int unsigned DEPTH = (ROWS + 1) / 2;
  localparam int unsigned INDEX_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

`ifndef SYNTHESIS
  logic [BITS-1:0] even[DEPTH] /* verilator public_flat_rw */;
  logic [BITS-1:0] odd[DEPTH] /* verilator public_flat_rw */;
`endif

  logic [READS-1:0][BITS-1:0] low, high;  // the two rows of an access
  logic [READS-1:0][15:0] offset;  // of its first element in the first

  // The indices of an access's even row and of its odd row in their banks.
  function automatic logic [INDEX_BITS-1:0] even_index(input logic [23:0] address);
    even_index = INDEX_BITS'((((address >> SHIFT) + 24'd1) & (24'hffffff >> SHIFT)) >> 1);
  endfunction

  function automatic logic [INDEX_BITS-1:0] odd_index(input logic [23:0] address);
    odd_index = INDEX_BITS'((address >> SHIFT) >> 1);
  endfunction

  function automatic logic is_odd(input logic [23:0] address);
    is_odd = address[SHIFT];
  endfunction

  // The first bit of an access within its two rows.
  function automatic logic [31:0] first_bit(input logic [23:0] address);
    first_bit = 8 * ELEMENT_BYTES * {8'd0, address & 24'(WIDTH - 1)};
  endfunction

  // `count` bytes of ones from byte `skip` on.
  function automatic logic [BITS-1:0] wanted(input logic [15:0] skip, input logic [15:0] count);
    wanted = ~({BITS{1'b1}} << {count, 3'd0}) << {skip, 3'd0};
    if (32'(count) >= BYTES) wanted = {BITS{1'b1}} << {skip, 3'd0};
  endfunction

  // Eight bits for each byte that is named.
  function automatic logic [BITS-1:0] spread(input logic [BYTES-1:0] bytes);
    for (int b = 0; b < int'(BYTES); b++) spread[8*b+:8] = {8{bytes[b]}};
  endfunction

  // Most accesses begin a row, and need no rotation.
  always_comb begin
    for (int port = 0; port < READS; port++) begin
      read_data[port] = low[port];
      if (offset[port] != '0) begin
        read_data[port] = BITS'({high[port], low[port]} >> (8 * ELEMENT_BYTES * 32'(offset[port])));
      end
    end
  end

  logic [WRITES-1:0][BITS-1:0] named;
  logic [WRITES-1:0][2*BITS-1:0] placed, mask;

  always_comb begin
    named  = '0;
    placed = '0;
    mask   = '0;
    for (int port = 0; port < WRITES; port++) begin
      if (write_valid[port]) begin
        named[port] = wanted(write_skip[port], write_count[port]);
        if (MASKED) named[port] &= spread(write_mask[port]);
        placed[port] = (2 * BITS)'(write_data[port]) << first_bit(write_address[port]);
        mask[port]   = (2 * BITS)'(named[port]) << first_bit(write_address[port]);
      end
    end
  end

`ifdef SYNTHESIS
  // The same, port for port, with memories that a technology has (`ram_word`).
  logic [READS-1:0][INDEX_BITS-1:0] read_evens, read_odds;
  logic [READS-1:0][BITS-1:0] even_rows, odd_rows;
  logic [READS-1:0] odd_first;
  logic [WRITES-1:0][INDEX_BITS-1:0] write_evens, write_odds;
  logic [WRITES-1:0][BYTES-1:0] even_enable, odd_enable;
  logic [WRITES-1:0][BITS-1:0] even_data, odd_data;

  for (genvar port = 0; port < READS; port++) begin : read_port
    assign read_evens[port] = even_index(read_address[port]);
    assign read_odds[port] = odd_index(read_address[port]);
    assign low[port] = odd_first[port] ? odd_rows[port] : even_rows[port];
    assign high[port] = odd_first[port] ? even_rows[port] : odd_rows[port];
    always_ff @(posedge clock) begin
      if (read_valid[port]) begin
        odd_first[port] <= is_odd(read_address[port]);
        offset[port] <= 16'(read_address[port] & 24'(WIDTH - 1));
      end
    end
  end

  for (genvar port = 0; port < WRITES; port++) begin : write_port
    assign write_evens[port] = even_index(write_address[port]);
    assign write_odds[port] = odd_index(write_address[port]);
    assign {odd_data[port], even_data[port]} = is_odd(write_address[port]) ?
        {placed[port][0+:BITS], placed[port][BITS+:BITS]} : placed[port];
    for (genvar b = 0; b < BYTES; b++) begin : bytes
      assign {odd_enable[port][b], even_enable[port][b]} = is_odd(write_address[port]) ?
          {mask[port][8*b], mask[port][BITS+8*b]} : {mask[port][BITS+8*b], mask[port][8*b]};
    end
  end

  for (genvar k = 0; k < BYTES / 4; k++) begin : words
    logic [READS-1:0][31:0] even_read, odd_read;
    logic [WRITES-1:0][3:0] even_wanted, odd_wanted;
    logic [WRITES-1:0][31:0] even_written, odd_written;
    for (genvar port = 0; port < READS; port++) begin : read_port
      assign even_rows[port][32*k+:32] = even_read[port];
      assign odd_rows[port][32*k+:32] = odd_read[port];
    end
    for (genvar port = 0; port < WRITES; port++) begin : write_port
      assign even_wanted[port] = even_enable[port][4*k+:4];
      assign odd_wanted[port] = odd_enable[port][4*k+:4];
      assign even_written[port] = even_data[port][32*k+:32];
      assign odd_written[port] = odd_data[port][32*k+:32];
    end
    ram_word #(
        .DEPTH(DEPTH),
        .READS(READS),
        .WRITES(WRITES),
        .FORWARD(FORWARD)
    ) even_word (
        .clock(clock),
        .read_valid(read_valid),
        .read_index(read_evens),
        .read_data(even_read),
        .write_index(write_evens),
        .write_enable(even_wanted),
        .write_data(even_written)
    );
    ram_word #(
        .DEPTH(DEPTH),
        .READS(READS),
        .WRITES(WRITES),
        .FORWARD(FORWARD)
    ) odd_word (
        .clock(clock),
        .read_valid(read_valid),
        .read_index(read_odds),
        .read_data(odd_read),
        .write_index(write_odds),
        .write_enable(odd_wanted),
        .write_data(odd_written)
    );
  end
`else
  // All is one process, with the writes in order and the reads before or after them: its place decides what a
  // port sees.
  /* verilator lint_off BLKSEQ */
  always_ff @(posedge clock) begin
    if (!FORWARD) begin
      for (int port = 0; port < READS; port++) begin
        if (read_valid[port]) begin
          low[port]  <= is_odd(read_address[port]) ? odd[odd_index(read_address[port])] : even[even_index(read_address[port])];
          high[port] <= is_odd(read_address[port]) ? even[even_index(read_address[port])] : odd[odd_index(read_address[port])];
          offset[port] <= 16'(read_address[port] & 24'(WIDTH - 1));
        end
      end
    end
    for (int port = 0; port < WRITES; port++) begin
      if (write_valid[port]) begin
        if (is_odd(write_address[port])) begin
          odd[odd_index(write_address[port])] = (odd[odd_index(write_address[port])] & ~mask[port][0+:BITS]) |
              (placed[port][0+:BITS] & mask[port][0+:BITS]);
          if (mask[port][BITS+:BITS] != '0) begin
            even[even_index(write_address[port])] = (even[even_index(write_address[port])] & ~mask[port][BITS+:BITS]) |
                (placed[port][BITS+:BITS] & mask[port][BITS+:BITS]);
          end
        end else begin
          even[even_index(write_address[port])] = (even[even_index(write_address[port])] & ~mask[port][0+:BITS]) |
              (placed[port][0+:BITS] & mask[port][0+:BITS]);
          if (mask[port][BITS+:BITS] != '0) begin
            odd[odd_index(write_address[port])] = (odd[odd_index(write_address[port])] & ~mask[port][BITS+:BITS]) |
                (placed[port][BITS+:BITS] & mask[port][BITS+:BITS]);
          end
        end
      end
    end
    if (FORWARD) begin
      for (int port = 0; port < READS; port++) begin
        if (read_valid[port]) begin
          low[port]  <= is_odd(read_address[port]) ? odd[odd_index(read_address[port])] : even[even_index(read_address[port])];
          high[port] <= is_odd(read_address[port]) ? even[even_index(read_address[port])] : odd[odd_index(read_address[port])];
          offset[port] <= 16'(read_address[port] & 24'(WIDTH - 1));
        end
      end
    end
  end
  /* verilator lint_on BLKSEQ */
`endif
endmodule
/* verilator lint_on WIDTHCONCAT */
