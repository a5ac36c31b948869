// Runs the program at +base, of +length instructions, on the core behind AXI4: before.hex is the memory
// before it, and after.hex the memory after it.
module bench (
    input logic clock
);
  int cycle = 0;
  logic reset;
  longint base, length;
  logic [39:0] code_base;
  logic [24:0] code_length;
  logic register_write;
  logic [3:0] register_number;
  logic [39:0] register_value;
  logic finished, fault_valid, error;
  logic [2:0] fault_kind;
  logic [24:0] fault_instruction;
  logic [63:0] fault_cycle;
  logic m_axi_arvalid, m_axi_arready, m_axi_rvalid, m_axi_rready, m_axi_rlast;
  logic m_axi_awvalid, m_axi_awready, m_axi_wvalid, m_axi_wready, m_axi_wlast, m_axi_bvalid, m_axi_bready;
  logic [39:0] m_axi_araddr, m_axi_awaddr;
  logic [7:0] m_axi_arlen, m_axi_awlen;
  logic [2:0] m_axi_arsize, m_axi_awsize, m_axi_arprot, m_axi_awprot;
  logic [1:0] m_axi_arburst, m_axi_awburst, m_axi_rresp, m_axi_bresp;
  logic [3:0] m_axi_arcache, m_axi_awcache;
  logic [63:0] m_axi_rdata, m_axi_wdata;
  logic [7:0] m_axi_wstrb;
  int eagerness;

  assign reset = cycle < 4;
  assign code_base = 40'(base);
  assign code_length = 25'(length);
  assign register_write = 1'b0;
  assign register_number = '0;
  assign register_value = '0;
  assign eagerness = (cycle >> 8) % 2 == 0 ? 100 : 30;

  ediacara_axi4 #(.DATA_BYTES(8)) dut (.*);

  axi_memory #(
      .NAME("core"),
      .BYTES(32'(ediacara_machine_pkg::DRAM_BYTES)),
      .BURST_BYTES(ediacara_machine_pkg::BURST_BYTES),
      .DATA_BYTES(8)
  ) memory (
      .*
  );

  initial begin
    $readmemh("before.hex", memory.memory);
    void'($value$plusargs("base=%d", base));
    void'($value$plusargs("length=%d", length));
  end

  always @(posedge clock) begin
    cycle <= cycle + 1;
    if (cycle > 4 && finished) begin
      $writememh("after.hex", memory.memory);
      $display("finished: fault %0d, error %0d, %0d reads, %0d writes, %0d reads at once", fault_valid, error, memory.reads,
               memory.writes, memory.deepest);
      $finish;
    end
    if (cycle == 2000000) begin
      $display("core: it does not end");
      $finish;
    end
  end
endmodule
