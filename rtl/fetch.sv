// The instruction prefetcher and its FIFO (T-FETCH-FIFO, T-FETCH-DATA, T-FETCH-REDIRECT).
//
// It reads the code segment burst by burst, straight on, as long as a whole burst fits behind what is in the
// FIFO and on its way. `pop` takes the head and may be high only while `head_valid` is. `redirect` empties
// everything and turns to instruction `target`. Bursts on their way are dropped when they return. Responses
// come in order of request, so that two counters tell the stale ones from the live.
module fetch #(
    parameter int unsigned BURST_BYTES = 64,
    parameter int unsigned ENTRIES = 16  // a power of two, at least a burst
) (
    input  logic                     clock,
    input  logic                     reset,
    input  logic [39:0]              code_base,
    input  logic [24:0]              code_length,
    output logic                     head_valid,
    output logic [255:0]             head,
    input  logic                     pop,
    input  logic                     redirect,
    input  logic [24:0]              target,
    output logic                     request,
    output logic [39:0]              request_address,
    input  logic                     grant,
    input  logic                     respond,
    input  logic [8*BURST_BYTES-1:0] data
);
  localparam int unsigned PER_BURST = BURST_BYTES / 32;
  localparam int unsigned BURST_SHIFT = $clog2(PER_BURST);
  localparam int unsigned PLACE_BITS = ENTRIES > 1 ? $clog2(ENTRIES) : 1;

  logic [255:0] entries[ENTRIES];
  logic [PLACE_BITS-1:0] first;
  logic [15:0] occupancy;
  logic [15:0] live;  // bursts requested and wanted
  logic [15:0] stale;  // bursts requested and no longer wanted
  logic presenting;
  logic [25:0] next_burst;
  // The next burst to return, and the first instruction of it that is wanted.
  logic [25:0] arriving_burst;
  logic [25:0] wanted;

  logic fits;
  logic accept;
  logic [25:0] burst_end, end_index;
  logic [15:0] arrived;
  logic [8*BURST_BYTES-1:0] kept;

  assign head_valid = occupancy != '0;
  assign head = entries[first];

  assign fits = (next_burst << BURST_SHIFT) < 26'(code_length) &&
      occupancy + ((live + 16'd1) << BURST_SHIFT) <= 16'(ENTRIES);
  assign request = presenting || fits;
  assign request_address = code_base + ({14'd0, next_burst} << $clog2(BURST_BYTES));

  assign accept = respond && stale == '0;
  assign burst_end = (arriving_burst + 26'd1) << BURST_SHIFT;
  assign end_index = burst_end < 26'(code_length) ? burst_end : 26'(code_length);
  assign arrived = end_index > wanted ? 16'(end_index - wanted) : 16'd0;
  // Instructions before the wanted one are shifted out.
  assign kept = data >> {wanted - (arriving_burst << BURST_SHIFT), 8'd0};

  always_ff @(posedge clock) begin
    presenting <= request && !grant;
    if (grant) next_burst <= next_burst + 26'd1;
    if (accept) begin
      for (int k = 0; k < PER_BURST; k++) begin
        if (16'(k) < arrived) begin
          entries[PLACE_BITS'(16'(first) + occupancy + 16'(k))] <= kept[256*k+:256];
        end
      end
      arriving_burst <= arriving_burst + 26'd1;
      wanted <= burst_end;
    end
    if (pop) first <= ENTRIES > 1 ? first + 1'b1 : '0;
    occupancy <= occupancy - 16'(pop) + (accept ? arrived : 16'd0);
    live <= live + 16'(grant) - 16'(accept);
    stale <= stale - 16'(respond && !accept);
    if (redirect) begin
      presenting <= 1'b0;
      next_burst <= 26'(target) >> BURST_SHIFT;
      arriving_burst <= 26'(target) >> BURST_SHIFT;
      wanted <= 26'(target);
      occupancy <= '0;
      live <= '0;
      stale <= stale + live + 16'(grant) - 16'(respond);
    end
    if (reset) begin
      first <= '0;
      occupancy <= '0;
      live <= '0;
      stale <= '0;
      presenting <= 1'b0;
      next_burst <= '0;
      arriving_burst <= '0;
      wanted <= '0;
    end
  end
endmodule
