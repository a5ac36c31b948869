// Four bytes of every row of a bank, as synthesis sees a `ram`. Its memories have one writer and one reader,
// as those of a technology do.
//
// The core is not simulated with it, since `ram` keeps plain arrays there. Both do the same, port for port. A
// read presented in t gives its bytes in t+1, which stay until the port's next read. It sees the writes
// before t, and with FORWARD also those of t. Of two writes to a byte in the same cycle the one with the
// higher number stands.
//
// Every reader has a copy of its own of what every writer wrote. With two writers, a live-value table says
// which writer's copy of a byte is valid. It has two bits a byte, one written by each writer, and their
// exclusive or is the answer. Writer 0 makes the bits equal, and writer 1 makes them differ. Each needs the
// other's bit, read in the same cycle (distributed RAM).
module ram_word #(
    parameter int unsigned DEPTH = 16,
    parameter int unsigned READS = 1,
    parameter int unsigned WRITES = 1,  // 1 or 2
    parameter bit FORWARD = 0,
    localparam int unsigned INDEX_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  logic                              clock,
    input  logic [READS-1:0]                  read_valid,
    input  logic [READS-1:0][INDEX_BITS-1:0]  read_index,
    output logic [READS-1:0][31:0]            read_data,
    input  logic [WRITES-1:0][INDEX_BITS-1:0] write_index,
    input  logic [WRITES-1:0][3:0]            write_enable,
    input  logic [WRITES-1:0][31:0]           write_data
);
  // The content of each writer's copy, and for two writers whether a byte's valid copy is the second one's.
  logic [READS-1:0][WRITES-1:0][31:0] copies;
  logic [READS-1:0][3:0] newest;

  for (genvar r = 0; r < READS; r++) begin : reader
    for (genvar w = 0; w < WRITES; w++) begin : writer
      logic [31:0] words[DEPTH];
      logic [31:0] word;
      always_ff @(posedge clock) begin
        for (int b = 0; b < 4; b++) begin
          if (write_enable[w][b]) words[write_index[w]][8*b+:8] <= write_data[w][8*b+:8];
        end
        if (read_valid[r]) word <= words[read_index[r]];
      end
      if (FORWARD) begin : forward
        logic [3:0] met;
        logic [31:0] written;
        always_ff @(posedge clock) begin
          if (read_valid[r]) begin
            met <= write_index[w] == read_index[r] ? write_enable[w] : '0;
            written <= write_data[w];
          end
        end
        for (genvar b = 0; b < 4; b++) begin : bytes
          assign copies[r][w][8*b+:8] = met[b] ? written[8*b+:8] : word[8*b+:8];
        end
      end else begin : plain
        assign copies[r][w] = word;
      end
    end
    for (genvar b = 0; b < 4; b++) begin : bytes
      assign read_data[r][8*b+:8] = newest[r][b] ? copies[r][WRITES-1][8*b+:8] : copies[r][0][8*b+:8];
    end
  end

  if (WRITES == 2) begin : live
    logic [3:0] zero[DEPTH];
    logic [3:0] one[DEPTH];
    // Writer 1 stands where both write a byte, and writer 0 must then leave its bit alone. A bit that stays
    // is written again, so that four bytes share a memory.
    logic [1:0][3:0] enable;
    assign enable[1] = write_enable[1];
    assign enable[0] = write_enable[0] & ~(write_index[0] == write_index[1] ? write_enable[1] : '0);
    always_ff @(posedge clock) begin
      if (enable[0] != '0) begin
        zero[write_index[0]] <= (enable[0] & one[write_index[0]]) | (~enable[0] & zero[write_index[0]]);
      end
      if (enable[1] != '0) begin
        one[write_index[1]] <= (enable[1] & ~zero[write_index[1]]) | (~enable[1] & one[write_index[1]]);
      end
    end
    for (genvar r = 0; r < READS; r++) begin : reader
      always_ff @(posedge clock) begin
        if (read_valid[r]) newest[r] <= zero[read_index[r]] ^ one[read_index[r]];
      end
    end
  end else begin : single
    assign newest = '0;
  end
endmodule
