// A memory behind AXI4 that does everything that a master must bear. It takes addresses and beats when it
// likes, and answers after any time. It performs writes at any time before it answers them, and reads at any
// time before it gives a beat. It stops the bench at the first breach of the protocol: a valid that is
// withdrawn, a payload that changes while it waits, a last beat that is not the last, a burst that is not
// BURST_BYTES long and aligned, or a burst that crosses 4 KiB.
module axi_memory #(
    parameter string NAME = "",
    parameter int unsigned BYTES = 4096,
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned DATA_BYTES = 8,
    parameter int unsigned LATENCY = 30  // at most, of each answer
) (
    input  logic                    clock,
    input  logic                    reset,
    input  int                      eagerness,  // percent of cycles in which the memory is ready
    input  logic                    m_axi_arvalid,
    output logic                    m_axi_arready,
    input  logic [39:0]             m_axi_araddr,
    input  logic [7:0]              m_axi_arlen,
    input  logic [2:0]              m_axi_arsize,
    input  logic [1:0]              m_axi_arburst,
    output logic                    m_axi_rvalid,
    input  logic                    m_axi_rready,
    output logic [8*DATA_BYTES-1:0] m_axi_rdata,
    output logic [1:0]              m_axi_rresp,
    output logic                    m_axi_rlast,
    input  logic                    m_axi_awvalid,
    output logic                    m_axi_awready,
    input  logic [39:0]             m_axi_awaddr,
    input  logic [7:0]              m_axi_awlen,
    input  logic [2:0]              m_axi_awsize,
    input  logic [1:0]              m_axi_awburst,
    input  logic                    m_axi_wvalid,
    output logic                    m_axi_wready,
    input  logic [8*DATA_BYTES-1:0] m_axi_wdata,
    input  logic [DATA_BYTES-1:0]   m_axi_wstrb,
    input  logic                    m_axi_wlast,
    output logic                    m_axi_bvalid,
    input  logic                    m_axi_bready,
    output logic [1:0]              m_axi_bresp
);
  localparam int BEATS = BURST_BYTES / DATA_BYTES;

  logic [7:0] memory[BYTES];

  int now = 0;
  int reads = 0, writes = 0, deepest = 0;  // bursts answered, and reads under way at most
  int read_address[$], read_due[$], write_address[$], write_due[$], answer_due[$];
  logic [8*DATA_BYTES-1:0] write_data[$];
  logic [DATA_BYTES-1:0] write_enable[$];
  int read_beat = 0, write_beat = 0;
  int address;

  // What waited in the cycle before.
  logic ar_waited = 0, aw_waited = 0, w_waited = 0;
  logic [52:0] ar_before, aw_before;
  logic [8*DATA_BYTES:0] w_data_before;
  logic [DATA_BYTES-1:0] w_enable_before;

  function automatic logic likes();
    likes = $urandom_range(99) < eagerness;
  endfunction

  task automatic breach(input string what);
    $display("%s: cycle %0d: %s", NAME, now, what);
    $finish;
  endtask

  task automatic check_address(input logic [52:0] payload);
    if (payload[12:5] != 8'(BEATS - 1)) breach("a burst of another length");
    if (payload[4:2] != 3'($clog2(DATA_BYTES)) || payload[1:0] != 2'b01) breach("a burst of another kind");
    if (payload[52:13] % 40'(BURST_BYTES) != 0) breach("an address that is not aligned");
    if ((payload[52:13] & 40'hfff) + 40'(BURST_BYTES) > 40'd4096) breach("a burst across 4 KiB");
    if (payload[52:13] + 40'(BURST_BYTES) > 40'(BYTES)) breach("an address outside the memory");
  endtask

  always @(posedge clock) begin
    now++;
    if (ar_waited && (!m_axi_arvalid || {m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst} != ar_before)) breach("AR changed");
    if (aw_waited && (!m_axi_awvalid || {m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst} != aw_before)) breach("AW changed");
    if (w_waited && (!m_axi_wvalid || {m_axi_wlast, m_axi_wdata} != w_data_before || m_axi_wstrb != w_enable_before)) breach("W changed");
    ar_waited = !reset && m_axi_arvalid && !m_axi_arready;
    aw_waited = !reset && m_axi_awvalid && !m_axi_awready;
    w_waited = !reset && m_axi_wvalid && !m_axi_wready;
    ar_before = {m_axi_araddr, m_axi_arlen, m_axi_arsize, m_axi_arburst};
    aw_before = {m_axi_awaddr, m_axi_awlen, m_axi_awsize, m_axi_awburst};
    w_data_before = {m_axi_wlast, m_axi_wdata};
    w_enable_before = m_axi_wstrb;

    // What the memory takes in this cycle.
    if (!reset && m_axi_arvalid && m_axi_arready) begin
      check_address(ar_before);
      read_address.push_back(int'(m_axi_araddr));
      read_due.push_back(now + $urandom_range(LATENCY));
      if (read_address.size() > deepest) deepest = read_address.size();
    end
    if (!reset && m_axi_awvalid && m_axi_awready) begin
      check_address(aw_before);
      write_address.push_back(int'(m_axi_awaddr));
      write_due.push_back(now + $urandom_range(LATENCY));
    end
    if (!reset && m_axi_wvalid && m_axi_wready) begin
      if (m_axi_wlast != (write_beat == BEATS - 1)) breach("WLAST is wrong");
      write_beat = (write_beat + 1) % BEATS;
      write_data.push_back(m_axi_wdata);
      write_enable.push_back(m_axi_wstrb);
    end

    // A write whose address and beats are here is performed after some time, and answered after some more.
    if (write_address.size() != 0 && write_data.size() >= BEATS && write_due[0] <= now) begin
      void'(write_due.pop_front());
      address = write_address.pop_front();
      for (int beat = 0; beat < BEATS; beat++) begin
        for (int b = 0; b < DATA_BYTES; b++) begin
          if (write_enable[0][b]) memory[address+DATA_BYTES*beat+b] = write_data[0][8*b+:8];
        end
        void'(write_data.pop_front());
        void'(write_enable.pop_front());
      end
      answer_due.push_back(now + $urandom_range(LATENCY));
    end

    // What the memory offers in the next cycle.
    m_axi_arready <= likes();
    m_axi_awready <= likes();
    m_axi_wready <= likes();
    if (m_axi_rvalid && m_axi_rready) m_axi_rvalid <= 1'b0;
    if ((!m_axi_rvalid || m_axi_rready) && read_address.size() != 0 && read_due[0] <= now && likes()) begin
      m_axi_rvalid <= 1'b1;
      for (int b = 0; b < DATA_BYTES; b++) m_axi_rdata[8*b+:8] <= memory[read_address[0]+DATA_BYTES*read_beat+b];
      m_axi_rlast <= read_beat == BEATS - 1;
      read_beat = read_beat + 1;
      if (read_beat == BEATS) begin
        read_beat = 0;
        reads++;
        void'(read_address.pop_front());
        void'(read_due.pop_front());
      end
    end
    if (m_axi_bvalid && m_axi_bready) m_axi_bvalid <= 1'b0;
    if ((!m_axi_bvalid || m_axi_bready) && answer_due.size() != 0 && answer_due[0] <= now && likes()) begin
      m_axi_bvalid <= 1'b1;
      writes++;
      void'(answer_due.pop_front());
    end
    if (reset) begin
      m_axi_rvalid <= 1'b0;
      m_axi_bvalid <= 1'b0;
    end
  end

  assign m_axi_rresp = 2'b00;
  assign m_axi_bresp = 2'b00;
endmodule
