// Connects the core's memory port to an AXI4 bus as its master. Every burst of the port is one INCR burst of
// BURST_BYTES bytes.
//
// The port's side is that of `memory_port`: `request_ready` does not depend on `request_valid`, and every
// burst has one response, a write too. Responses come in the order of the grants, whatever the bus makes of
// reads and writes. The core keeps no more than BURSTS_IN_FLIGHT bursts without a response. A write's
// response is given after its B, so that whoever waits for a store to complete reads what it wrote. AXI knows
// no order between a read and a write if neither waits for the other. Programs without races have no such
// pairs (docs/isa.md).
//
// On AXI's side all transactions have one identifier, so that answers of a kind come in order. Any number of
// reads may be under way. An address waits in a register until it is taken, so that a request can be granted
// every other cycle. The beats of a write leave one after another, and nothing is granted meanwhile. Bursts
// are aligned to their size, a power of two of at most 4096, and never cross a boundary of 4 KiB. Memory is
// "normal non-cacheable non-bufferable": a B is given where reads look. `error` is high from the first
// response that is not OKAY. A core knows no such fault, and what it computes from then on is worth nothing.
module axi4_bridge #(
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned DATA_BYTES = 8,  // a power of two, at most BURST_BYTES
    parameter int unsigned BURSTS_IN_FLIGHT = 64
) (
    input  logic                     clock,
    input  logic                     reset,
    // the core
    input  logic                     request_valid,
    output logic                     request_ready,
    input  logic                     request_write,
    input  logic [39:0]              request_address,
    input  logic [8*BURST_BYTES-1:0] request_data,
    input  logic [BURST_BYTES-1:0]   request_enable,
    output logic                     response_valid,
    output logic [8*BURST_BYTES-1:0] response_data,
    output logic                     error,
    // read addresses
    output logic                     m_axi_arvalid,
    input  logic                     m_axi_arready,
    output logic [39:0]              m_axi_araddr,
    output logic [7:0]               m_axi_arlen,
    output logic [2:0]               m_axi_arsize,
    output logic [1:0]               m_axi_arburst,
    output logic [3:0]               m_axi_arcache,
    output logic [2:0]               m_axi_arprot,
    // read data
    input  logic                     m_axi_rvalid,
    output logic                     m_axi_rready,
    input  logic [8*DATA_BYTES-1:0]  m_axi_rdata,
    input  logic [1:0]               m_axi_rresp,
    input  logic                     m_axi_rlast,
    // write addresses
    output logic                     m_axi_awvalid,
    input  logic                     m_axi_awready,
    output logic [39:0]              m_axi_awaddr,
    output logic [7:0]               m_axi_awlen,
    output logic [2:0]               m_axi_awsize,
    output logic [1:0]               m_axi_awburst,
    output logic [3:0]               m_axi_awcache,
    output logic [2:0]               m_axi_awprot,
    // write data
    output logic                     m_axi_wvalid,
    input  logic                     m_axi_wready,
    output logic [8*DATA_BYTES-1:0]  m_axi_wdata,
    output logic [DATA_BYTES-1:0]    m_axi_wstrb,
    output logic                     m_axi_wlast,
    // write responses
    input  logic                     m_axi_bvalid,
    output logic                     m_axi_bready,
    input  logic [1:0]               m_axi_bresp
);
  localparam int unsigned BEATS = BURST_BYTES / DATA_BYTES;
  localparam int unsigned PLACE_BITS = BURSTS_IN_FLIGHT > 1 ? $clog2(BURSTS_IN_FLIGHT) : 1;
  localparam int unsigned COUNT_BITS = $clog2(BURSTS_IN_FLIGHT + 1);

  // For each burst without a response, in order, whether it is a write.
  logic [BURSTS_IN_FLIGHT-1:0] writes;
  logic [PLACE_BITS-1:0] oldest, newest;
  logic [COUNT_BITS-1:0] in_flight;
  logic [COUNT_BITS-1:0] written;  // writes that were performed and have had no response yet
  // The burst that arrives, its latest beat at the top, and whether all of it is there.
  logic [8*BURST_BYTES-1:0] arriving;
  logic complete;
  // The burst that leaves, its next beat at the bottom.
  logic [8*BURST_BYTES-1:0] leaving;
  logic [BURST_BYTES-1:0] leaving_enable;
  logic [7:0] left;  // beats after the next one

  logic granted, of_write;

  function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
    after = place == PLACE_BITS'(BURSTS_IN_FLIGHT - 1) ? '0 : place + 1'b1;
  endfunction

  assign request_ready = !m_axi_arvalid && !m_axi_awvalid && !m_axi_wvalid;
  assign granted = request_valid && request_ready;

  assign of_write = writes[oldest];
  assign response_valid = in_flight != '0 && (of_write ? written != '0 : complete);
  assign response_data = arriving;

  assign m_axi_arlen = 8'(BEATS - 1);
  assign m_axi_arsize = 3'($clog2(DATA_BYTES));
  assign m_axi_arburst = 2'b01;
  assign m_axi_arcache = 4'b0010;
  assign m_axi_arprot = 3'b000;
  assign m_axi_awlen = 8'(BEATS - 1);
  assign m_axi_awsize = 3'($clog2(DATA_BYTES));
  assign m_axi_awburst = 2'b01;
  assign m_axi_awcache = 4'b0010;
  assign m_axi_awprot = 3'b000;
  assign m_axi_wdata = leaving[8*DATA_BYTES-1:0];
  assign m_axi_wstrb = leaving_enable[DATA_BYTES-1:0];
  assign m_axi_wlast = left == '0;
  // A burst that the core takes in this cycle makes room for the next one's first beat.
  assign m_axi_rready = !complete || (response_valid && !of_write);
  assign m_axi_bready = 1'b1;

  always_ff @(posedge clock) begin
    if (m_axi_arready) m_axi_arvalid <= 1'b0;
    if (m_axi_awready) m_axi_awvalid <= 1'b0;
    if (m_axi_wvalid && m_axi_wready) begin
      leaving <= leaving >> (8 * DATA_BYTES);
      leaving_enable <= leaving_enable >> DATA_BYTES;
      left <= left - 8'd1;
      if (m_axi_wlast) m_axi_wvalid <= 1'b0;
    end
    if (granted) begin
      writes[newest] <= request_write;
      newest <= after(newest);
      if (request_write) begin
        m_axi_awvalid <= 1'b1;
        m_axi_wvalid <= 1'b1;
        m_axi_awaddr <= request_address;
        leaving <= request_data;
        leaving_enable <= request_enable;
        left <= 8'(BEATS - 1);
      end else begin
        m_axi_arvalid <= 1'b1;
        m_axi_araddr  <= request_address;
      end
    end

    if (response_valid) begin
      oldest <= after(oldest);
      if (!of_write) complete <= 1'b0;
    end
    if (m_axi_rvalid && m_axi_rready) begin
      arriving <= (8 * BURST_BYTES)'({m_axi_rdata, arriving} >> (8 * DATA_BYTES));
      complete <= m_axi_rlast;
    end
    written <= written + COUNT_BITS'(m_axi_bvalid) - COUNT_BITS'(response_valid && of_write);
    in_flight <= in_flight + COUNT_BITS'(granted) - COUNT_BITS'(response_valid);
    if ((m_axi_rvalid && m_axi_rready && m_axi_rresp != 2'b00) || (m_axi_bvalid && m_axi_bresp != 2'b00)) error <= 1'b1;

    if (reset) begin
      m_axi_arvalid <= 1'b0;
      m_axi_awvalid <= 1'b0;
      m_axi_wvalid <= 1'b0;
      oldest <= '0;
      newest <= '0;
      in_flight <= '0;
      written <= '0;
      complete <= 1'b0;
      error <= 1'b0;
    end
  end
endmodule
