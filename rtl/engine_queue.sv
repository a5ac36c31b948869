// The queue in front of an engine (T-CONTROL-QUEUE): a bounded FIFO of resolved instructions.
//
// `push` may be high only while `full` is low. An entry that is pushed in cycle t is at the head from t+1 at
// the earliest. `pop` takes the head, and may be high only while `empty` is low. `full` and `empty` are those
// of the cycle's beginning.
module engine_queue #(
    parameter int unsigned ENTRIES = 16,  // a power of two
    parameter int unsigned BITS = 8
) (
    input  logic            clock,
    input  logic            reset,
    input  logic            push,
    input  logic [BITS-1:0] pushed,
    input  logic            pop,
    output logic            empty,
    output logic            full,
    output logic [BITS-1:0] head
);
  localparam int unsigned PLACE_BITS = ENTRIES > 1 ? $clog2(ENTRIES) : 1;

  logic [BITS-1:0] entries[ENTRIES];
  logic [PLACE_BITS-1:0] first, next;
  logic [$clog2(ENTRIES+1)-1:0] count;

  function automatic logic [PLACE_BITS-1:0] after(input logic [PLACE_BITS-1:0] place);
    after = ENTRIES > 1 ? place + 1'b1 : '0;
  endfunction

  assign empty = count == '0;
  assign full  = count == ($bits(count))'(ENTRIES);
  assign head  = entries[first];

  always_ff @(posedge clock) begin
    if (push) begin
      entries[next] <= pushed;
      next <= after(next);
    end
    if (pop) first <= after(first);
    if (push != pop) count <= push ? count + 1'b1 : count - 1'b1;
    if (reset) begin
      first <= '0;
      next  <= '0;
      count <= '0;
    end
  end
endmodule
