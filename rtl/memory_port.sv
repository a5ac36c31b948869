// The memory port: fetch, load and store share one stream of bursts (T-DRAM-REQUEST, T-DRAM-GRANT).
//
// Each requester holds `valid`, and what goes with it, until `grant`, which it sees in the same cycle. At
// most one is granted a cycle, round robin after the last one granted. A grant also needs that the memory is
// ready and that fewer than BURSTS_IN_FLIGHT bursts are in flight. `request_ready` must not depend on
// `request_valid`.
// Every burst, a write too, has one response, in order of grant; `respond` says to whom it goes. The memory
// decides when it comes (T-DRAM-LATENCY), at the earliest in the cycle after the grant.
module memory_port #(
    parameter int unsigned BURSTS_IN_FLIGHT = 64
) (
    input  logic             clock,
    input  logic             reset,
    input  logic [2:0]       valid,  // fetch, load, store
    input  logic [2:0][39:0] address,
    output logic [2:0]       grant,
    output logic [2:0]       respond,
    output logic             request_valid,
    input  logic             request_ready,
    output logic             request_write,
    output logic [39:0]      request_address,
    output logic [1:0]       request_requester,
    input  logic             response_valid
);
  localparam int unsigned PLACE_BITS = BURSTS_IN_FLIGHT > 1 ? $clog2(BURSTS_IN_FLIGHT) : 1;
  localparam int unsigned COUNT_BITS = $clog2(BURSTS_IN_FLIGHT + 1);

  logic [1:0] turn;  // the requester that comes first in the round
  logic [1:0] owners[BURSTS_IN_FLIGHT];
  logic [PLACE_BITS-1:0] oldest, newest;
  logic [COUNT_BITS-1:0] in_flight;
  logic granted;

  function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
    after = place == PLACE_BITS'(BURSTS_IN_FLIGHT - 1) ? '0 : place + 1'b1;
  endfunction

  always_comb begin
    request_requester = 2'd0;
    case (turn)
      2'd0: request_requester = valid[0] ? 2'd0 : valid[1] ? 2'd1 : 2'd2;
      2'd1: request_requester = valid[1] ? 2'd1 : valid[2] ? 2'd2 : 2'd0;
      default: request_requester = valid[2] ? 2'd2 : valid[0] ? 2'd0 : 2'd1;
    endcase
  end

  assign request_valid = valid != '0 && in_flight < COUNT_BITS'(BURSTS_IN_FLIGHT);
  assign request_write = request_requester == 2'd2;
  assign request_address = address[request_requester];
  assign granted = request_valid && request_ready;
  assign grant = granted ? 3'b001 << request_requester : 3'b000;
  assign respond = response_valid ? 3'b001 << owners[oldest] : 3'b000;

  always_ff @(posedge clock) begin
    if (granted) begin
      turn <= request_requester == 2'd2 ? 2'd0 : request_requester + 2'd1;
      owners[newest] <= request_requester;
      newest <= after(newest);
    end
    if (response_valid) oldest <= after(oldest);
    in_flight <= in_flight + COUNT_BITS'(granted) - COUNT_BITS'(response_valid);
    if (reset) begin
      turn <= '0;
      newest <= '0;
      oldest <= '0;
      in_flight <= '0;
    end
  end
endmodule
