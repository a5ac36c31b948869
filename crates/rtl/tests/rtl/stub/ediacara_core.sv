// Not a core: the least that has its ports, for tests of what surrounds a core. It reads the first burst of
// the code, writes it 4,096 bytes behind with every other byte disabled, and ends with a made-up fault.
module ediacara_core
  import ediacara_machine_pkg::*;
(
    input  logic                      clock,
    input  logic                      reset,
    input  logic [              39:0] code_base,
    input  logic [              24:0] code_length,
    input  logic                      register_write,
    input  logic [               3:0] register_number,
    input  logic [              39:0] register_value,
    output logic                      request_valid,
    input  logic                      request_ready,
    output logic                      request_write,
    output logic [              39:0] request_address,
    output logic [ 8*BURST_BYTES-1:0] request_data,
    output logic [   BURST_BYTES-1:0] request_enable,
    output logic [               1:0] request_requester,
    input  logic                      response_valid,
    input  logic [ 8*BURST_BYTES-1:0] response_data,
    output logic                      finished,
    output logic                      fault_valid,
    output logic [               2:0] fault_kind,
    output logic [              24:0] fault_instruction,
    output logic [              63:0] fault_cycle,
    output logic                      issue_valid,
    output logic [               2:0] issue_engine,
    output logic [              23:0] issue_instruction,
    output logic [               3:0] start_valid,
    output logic [         3:0][23:0] start_instruction,
    output logic [               3:0] commit_valid,
    output logic [         3:0][23:0] commit_instruction
);

  // 0 asks to read, 1 waits, 2 asks to write, 3 waits, 4 ends.
  logic [2:0] state;
  logic [63:0] cycle;

  always_ff @(posedge clock) begin
    if (reset) begin
      state <= 0;
      cycle <= 0;
    end else begin
      cycle <= cycle + 1;
      case (state)
        0, 2: if (request_ready) state <= state + 1;
        1, 3: if (response_valid) state <= state + 1;
        default: ;
      endcase
      if (response_valid) request_data <= response_data;
    end
  end

  assign request_valid = state == 0 || state == 2;
  assign request_write = state == 2;
  assign request_address = state == 2 ? code_base + 4096 : code_base;
  assign request_enable = {BURST_BYTES / 2{2'b01}};
  assign request_requester = state == 2 ? 2 : 0;
  assign finished = state == 4;
  assign fault_valid = 1;
  assign fault_kind = 5;
  assign fault_instruction = 25'h1000001;
  assign fault_cycle = cycle;
  assign issue_valid = cycle == 1;
  assign issue_engine = 2;
  assign issue_instruction = 24'habcdef;
  assign start_valid = cycle == 1 ? 4'b1010 : 0;
  assign start_instruction = {24'h33, 24'h22, 24'h11, 24'h00};
  assign commit_valid = cycle == 1 ? 4'b0101 : 0;
  assign commit_instruction = {24'hd3, 24'hd2, 24'hd1, 24'hd0};

  stub_ram #(LANES, NRAM_BYTES / LANES) nram (.*);
  stub_ram #(ROWS * COLUMNS, WRAM_BYTES / (ROWS * COLUMNS)) wram (.*);
  stub_ram #(4 * COLUMNS, ARAM_ACCUMULATORS / COLUMNS) aram (.*);
  stub_ram #(12, PRAM_RECORDS) pram (.*);

endmodule

module stub_ram #(
    parameter int unsigned WIDTH = 1,
    parameter int unsigned ROWS = 1
) (
    input logic clock,
    input logic reset
);

  logic [8*WIDTH-1:0] even[(ROWS + 1) / 2] /* verilator public_flat_rw */;
  logic [8*WIDTH-1:0] odd[(ROWS + 1) / 2] /* verilator public_flat_rw */;

  // A row of ones beside the old contents is something to look for.
  always_ff @(posedge clock) if (!reset) odd[0] <= '1;

endmodule
