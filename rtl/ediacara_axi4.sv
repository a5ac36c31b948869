// The core behind AXI4, which a system on chip instantiates: `ediacara_core` and `axi4_bridge`.
//
// It starts when `reset` falls, as the core does. `code_base` and `code_length` must stay as they are while
// it runs. `register_*` set scalar registers during reset, as for the core. Its reads and writes have one identifier, so that a bus with identifiers ties them to zero.
// `fault_*` are valid with `finished`.
module ediacara_axi4 #(
    parameter int unsigned DATA_BYTES = 8  // of the bus: a power of two, at most a burst
) (
    input  logic                    clock,
    input  logic                    reset,
    input  logic [39:0]             code_base,
    input  logic [24:0]             code_length,
    input  logic                    register_write,
    input  logic [3:0]              register_number,
    input  logic [39:0]             register_value,
    output logic                    finished,
    output logic                    fault_valid,
    output logic [2:0]              fault_kind,
    output logic [24:0]             fault_instruction,
    output logic [63:0]             fault_cycle,
    output logic                    error,
    output logic                    m_axi_arvalid,
    input  logic                    m_axi_arready,
    output logic [39:0]             m_axi_araddr,
    output logic [7:0]              m_axi_arlen,
    output logic [2:0]              m_axi_arsize,
    output logic [1:0]              m_axi_arburst,
    output logic [3:0]              m_axi_arcache,
    output logic [2:0]              m_axi_arprot,
    input  logic                    m_axi_rvalid,
    output logic                    m_axi_rready,
    input  logic [8*DATA_BYTES-1:0] m_axi_rdata,
    input  logic [1:0]              m_axi_rresp,
    input  logic                    m_axi_rlast,
    output logic                    m_axi_awvalid,
    input  logic                    m_axi_awready,
    output logic [39:0]             m_axi_awaddr,
    output logic [7:0]              m_axi_awlen,
    output logic [2:0]              m_axi_awsize,
    output logic [1:0]              m_axi_awburst,
    output logic [3:0]              m_axi_awcache,
    output logic [2:0]              m_axi_awprot,
    output logic                    m_axi_wvalid,
    input  logic                    m_axi_wready,
    output logic [8*DATA_BYTES-1:0] m_axi_wdata,
    output logic [DATA_BYTES-1:0]   m_axi_wstrb,
    output logic                    m_axi_wlast,
    input  logic                    m_axi_bvalid,
    output logic                    m_axi_bready,
    input  logic [1:0]              m_axi_bresp
);
  import ediacara_machine_pkg::*;

  logic request_valid, request_ready, request_write, response_valid;
  logic [39:0] request_address;
  logic [8*BURST_BYTES-1:0] request_data, response_data;
  logic [BURST_BYTES-1:0] request_enable;

  ediacara_core core (
      .clock(clock),
      .reset(reset),
      .code_base(code_base),
      .code_length(code_length),
      .register_write(register_write),
      .register_number(register_number),
      .register_value(register_value),
      .request_valid(request_valid),
      .request_ready(request_ready),
      .request_write(request_write),
      .request_address(request_address),
      .request_data(request_data),
      .request_enable(request_enable),
      .response_valid(response_valid),
      .response_data(response_data),
      .finished(finished),
      .fault_valid(fault_valid),
      .fault_kind(fault_kind),
      .fault_instruction(fault_instruction),
      .fault_cycle(fault_cycle),
      // Only simulations of the core alone use the trace.
      /* verilator lint_off PINCONNECTEMPTY */
      .request_requester(),
      .issue_valid(),
      .issue_engine(),
      .issue_instruction(),
      .start_valid(),
      .start_instruction(),
      .commit_valid(),
      .commit_instruction()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  axi4_bridge #(
      .BURST_BYTES(BURST_BYTES),
      .DATA_BYTES(DATA_BYTES),
      .BURSTS_IN_FLIGHT(BURSTS_IN_FLIGHT)
  ) bridge (
      .clock(clock),
      .reset(reset),
      .request_valid(request_valid),
      .request_ready(request_ready),
      .request_write(request_write),
      .request_address(request_address),
      .request_data(request_data),
      .request_enable(request_enable),
      .response_valid(response_valid),
      .response_data(response_data),
      .error(error),
      .m_axi_arvalid(m_axi_arvalid),
      .m_axi_arready(m_axi_arready),
      .m_axi_araddr(m_axi_araddr),
      .m_axi_arlen(m_axi_arlen),
      .m_axi_arsize(m_axi_arsize),
      .m_axi_arburst(m_axi_arburst),
      .m_axi_arcache(m_axi_arcache),
      .m_axi_arprot(m_axi_arprot),
      .m_axi_rvalid(m_axi_rvalid),
      .m_axi_rready(m_axi_rready),
      .m_axi_rdata(m_axi_rdata),
      .m_axi_rresp(m_axi_rresp),
      .m_axi_rlast(m_axi_rlast),
      .m_axi_awvalid(m_axi_awvalid),
      .m_axi_awready(m_axi_awready),
      .m_axi_awaddr(m_axi_awaddr),
      .m_axi_awlen(m_axi_awlen),
      .m_axi_awsize(m_axi_awsize),
      .m_axi_awburst(m_axi_awburst),
      .m_axi_awcache(m_axi_awcache),
      .m_axi_awprot(m_axi_awprot),
      .m_axi_wvalid(m_axi_wvalid),
      .m_axi_wready(m_axi_wready),
      .m_axi_wdata(m_axi_wdata),
      .m_axi_wstrb(m_axi_wstrb),
      .m_axi_wlast(m_axi_wlast),
      .m_axi_bvalid(m_axi_bvalid),
      .m_axi_bready(m_axi_bready),
      .m_axi_bresp(m_axi_bresp)
  );
endmodule
