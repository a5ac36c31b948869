// A `ram` twice, as it is simulated (`ram_plain`) and as it is synthesized (`ram_mapped`), under the same
// random accesses of every port. Every byte that a read may want must be the same in both, in every cycle.
//
// First both writers write every row. Then anything happens, at any element. An access may begin before the
// memory or end behind it: only its bytes inside are compared and written.
module ram_pair #(
    parameter string NAME = "",
    parameter int unsigned ELEMENTS = 100,
    parameter int unsigned ELEMENT_BYTES = 1,
    parameter int unsigned WIDTH = 8,
    parameter int unsigned READS = 1,
    parameter int unsigned WRITES = 1,
    parameter bit FORWARD = 0,
    parameter bit MASKED = 0,
    parameter int unsigned CYCLES = 1000
) (
    input logic clock,
    input int   cycle
);
  localparam int BYTES = ELEMENT_BYTES * WIDTH;
  localparam int ROWS = (ELEMENTS + WIDTH - 1) / WIDTH;

  logic [READS-1:0] read_valid;
  logic [READS-1:0][23:0] read_address;
  logic [READS-1:0][8*BYTES-1:0] plain, mapped;
  logic [WRITES-1:0] write_valid;
  logic [WRITES-1:0][23:0] write_address;
  logic [WRITES-1:0][8*BYTES-1:0] write_data;
  logic [WRITES-1:0][15:0] write_skip, write_count;
  logic [WRITES-1:0][BYTES-1:0] write_mask;

  ram_plain #(
      .ELEMENTS(ELEMENTS),
      .ELEMENT_BYTES(ELEMENT_BYTES),
      .WIDTH(WIDTH),
      .READS(READS),
      .WRITES(WRITES),
      .FORWARD(FORWARD),
      .MASKED(MASKED)
  ) simulated (
      .read_data(plain),
      .*
  );

  ram_mapped #(
      .ELEMENTS(ELEMENTS),
      .ELEMENT_BYTES(ELEMENT_BYTES),
      .WIDTH(WIDTH),
      .READS(READS),
      .WRITES(WRITES),
      .FORWARD(FORWARD),
      .MASKED(MASKED)
  ) synthesized (
      .read_data(mapped),
      .*
  );

  int last_read[READS];  // where each port read last
  int address, skip, count, room;
  int compared = 0, met = 0;

  always @(negedge clock) begin
    for (int r = 0; r < READS; r++) begin
      if (cycle > ROWS + 1) begin
        for (int b = 0; b < BYTES; b++) begin
          if (ELEMENT_BYTES * last_read[r] + b >= 0 && ELEMENT_BYTES * last_read[r] + b < int'(ELEMENT_BYTES * ELEMENTS)) begin
            compared++;
            if (plain[r][8*b+:8] !== mapped[r][8*b+:8]) begin
              $display("%s: cycle %0d, port %0d, byte %0d of element %0d: %h and %h", NAME, cycle, r, b, last_read[r],
                       plain[r][8*b+:8], mapped[r][8*b+:8]);
              $finish;
            end
          end
        end
      end
      read_valid[r] = cycle == ROWS || (cycle > ROWS && $urandom_range(3) != 0);
      address = $urandom_range(ELEMENTS + WIDTH - 2) - int'(WIDTH) + 1;
      // Half of the reads are at a place that was just written, or is written in this cycle.
      if ($urandom_range(1) == 0) address = $signed({{8{write_address[0][23]}}, write_address[0]});
      if (read_valid[r]) last_read[r] = address;
      read_address[r] = 24'(address);
    end
    for (int w = 0; w < WRITES; w++) begin
      if (cycle < ROWS) begin
        write_valid[w] = 1'b1;
        address = int'(WIDTH) * cycle;
        skip = 0;
        count = BYTES;
      end else begin
        write_valid[w] = $urandom_range(3) != 0;
        address = $urandom_range(ELEMENTS + WIDTH - 2) - int'(WIDTH) + 1;
        // Writers meet each other, and readers, more often than chance has it.
        if (w > 0 && $urandom_range(1) == 0) address = $signed({{8{write_address[0][23]}}, write_address[0]});
        if (w == 0 && $urandom_range(2) == 0) address = last_read[0];
        skip = $urandom_range(BYTES - 1);
        if (skip < -ELEMENT_BYTES * address) skip = -ELEMENT_BYTES * address;
        room = ELEMENT_BYTES * (int'(ELEMENTS) - address) - skip;
        if (room < 0) room = 0;
        count = $urandom_range(3) == 0 ? BYTES : $urandom_range(BYTES);
        if (count > room) count = room;
      end
      // Without MASKED the mask must not matter.
      for (int b = 0; b < BYTES; b++) write_mask[w][b] = cycle < ROWS || $urandom_range(3) != 0;
      write_address[w] = 24'(address);
      write_skip[w] = 16'(skip);
      write_count[w] = 16'(count);
      for (int b = 0; b < BYTES; b++) write_data[w][8*b+:8] = 8'($urandom);
    end
    if (WRITES > 1 && write_valid == '1 && write_address[0] == write_address[WRITES-1]) met++;
    if (cycle == CYCLES) $display("%s: %0d bytes agree, writers met %0d times", NAME, compared, met);
  end
endmodule
