// `axi4_bridge` between random bursts and `axi_memory`. A burst is asked for only while none to the same
// place is under way, as in a program without races. So the data of each burst is known when it is granted.
// Responses come in order.
module axi_pair #(
    parameter string NAME = "",
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned DATA_BYTES = 8,
    parameter int unsigned BURSTS_IN_FLIGHT = 8,
    parameter int unsigned CYCLES = 1000
) (
    input logic clock,
    input logic reset,
    input int   cycle
);
  localparam int BURSTS = 40;

  logic request_valid, request_ready, request_write, response_valid, error;
  logic [39:0] request_address;
  logic [8*BURST_BYTES-1:0] request_data, response_data;
  logic [BURST_BYTES-1:0] request_enable;
  logic m_axi_arvalid, m_axi_arready, m_axi_rvalid, m_axi_rready, m_axi_rlast;
  logic m_axi_awvalid, m_axi_awready, m_axi_wvalid, m_axi_wready, m_axi_wlast, m_axi_bvalid, m_axi_bready;
  logic [39:0] m_axi_araddr, m_axi_awaddr;
  logic [7:0] m_axi_arlen, m_axi_awlen;
  logic [2:0] m_axi_arsize, m_axi_awsize, m_axi_arprot, m_axi_awprot;
  logic [1:0] m_axi_arburst, m_axi_awburst, m_axi_rresp, m_axi_bresp;
  logic [3:0] m_axi_arcache, m_axi_awcache;
  logic [8*DATA_BYTES-1:0] m_axi_rdata, m_axi_wdata;
  logic [DATA_BYTES-1:0] m_axi_wstrb;

  axi4_bridge #(
      .BURST_BYTES(BURST_BYTES),
      .DATA_BYTES(DATA_BYTES),
      .BURSTS_IN_FLIGHT(BURSTS_IN_FLIGHT)
  ) bridge (
      .*
  );

  // Each phase of 512 cycles has a memory of another eagerness.
  int eagerness;
  assign eagerness = (cycle >> 9) % 3 == 0 ? 100 : (cycle >> 9) % 3 == 1 ? 50 : 10;

  axi_memory #(
      .NAME(NAME),
      .BYTES(BURSTS * BURST_BYTES),
      .BURST_BYTES(BURST_BYTES),
      .DATA_BYTES(DATA_BYTES)
  ) memory (
      .*
  );

  logic [8*BURST_BYTES-1:0] model[BURSTS];
  logic [8*BURST_BYTES-1:0] expected[$];
  logic expected_write[$];
  int place[$];
  int busy[BURSTS];  // bursts to a place that are under way
  int reads = 0, writes = 0, wanted = 0;
  logic open;

  initial begin
    for (int k = 0; k < BURSTS; k++) begin
      busy[k] = 0;
      for (int b = 0; b < BURST_BYTES; b++) begin
        model[k][8*b+:8] = 8'($urandom);
        memory.memory[BURST_BYTES*k+b] = model[k][8*b+:8];
      end
    end
  end

  // A request stands until it is granted; between requests anything stands there.
  always @(posedge clock) begin
    if (response_valid && !reset) begin
      if (expected.size() == 0) begin
        $display("%s: cycle %0d: a response to nothing", NAME, cycle);
        $finish;
      end else begin
        if (!expected_write[0] && response_data !== expected[0]) begin
          $display("%s: cycle %0d: place %0d holds %h, not %h", NAME, cycle, place[0], response_data, expected[0]);
          $finish;
        end
        if (expected_write[0]) writes++;
        else reads++;
        busy[place[0]]--;
        void'(expected.pop_front());
        void'(expected_write.pop_front());
        void'(place.pop_front());
      end
    end
    if (request_valid && request_ready && !reset) begin
      if (request_write) begin
        for (int b = 0; b < BURST_BYTES; b++) begin
          if (request_enable[b]) model[wanted][8*b+:8] = request_data[8*b+:8];
        end
      end
      expected.push_back(model[wanted]);
      expected_write.push_back(request_write);
      place.push_back(wanted);
      busy[wanted]++;
    end
    if (!request_valid || request_ready || reset) begin
      // Often it wants the same place again, as soon as that is allowed.
      if ($urandom_range(1) == 0) wanted = $urandom_range(BURSTS - 1);
      open = !reset && busy[wanted] == 0 && expected.size() < int'(BURSTS_IN_FLIGHT) && $urandom_range(3) != 0;
      request_valid <= open;
      request_write <= 1'($urandom);
      request_address <= 40'(BURST_BYTES * wanted);
      for (int b = 0; b < BURST_BYTES; b++) begin
        request_data[8*b+:8] <= 8'($urandom);
        request_enable[b] <= $urandom_range(3) != 0;
      end
    end
    if (error && !reset) begin
      $display("%s: cycle %0d: an error", NAME, cycle);
      $finish;
    end
    if (cycle == CYCLES) begin
      $display("%s: %0d reads and %0d writes agree, %0d reads at once", NAME, reads, writes, memory.deepest);
    end
  end
endmodule
