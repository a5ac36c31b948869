// The sixteen semaphores, and which queue heads start (T-SEMAPHORE, T-START).
//
// In each cycle the heads are asked in the order load, matrix, vector, store. A head starts if its engine is
// ready and each of its waits finds a counter above zero, and takes one from each. Posts of the instructions
// that commit in the cycle, and of `signal`, are added at its end. `overflow` is high in the cycle in which a
// sum is above 255. Its instruction is the first poster of the lowest-numbered such semaphore, whose counter
// then stays at 255.
module semaphores (
    input  logic              clock,
    input  logic              reset,
    input  logic [3:0]        head_valid,
    input  logic [3:0]        engine_ready,
    input  logic [3:0][15:0]  head_waits,
    output logic [3:0]        starts,
    input  logic [3:0]        commits,
    input  logic [3:0][15:0]  commit_posts,
    input  logic [3:0][23:0]  commit_instructions,
    input  logic              signal,
    input  logic [15:0]       signal_posts,
    input  logic [23:0]       signal_instruction,
    output logic              overflow,
    output logic [23:0]       overflow_instruction
);
  logic [15:0][7:0] values;
  logic [15:0][7:0] left;  // after the takes of this cycle
  logic [15:0] over;
  logic [15:0][8:0] totals;
  logic [15:0][7:0] sums;
  logic satisfied;

  always_comb begin
    left = values;
    starts = '0;
    satisfied = 1'b0;
    for (int engine = 0; engine < 4; engine++) begin
      satisfied = 1'b1;
      for (int s = 0; s < 16; s++) begin
        if (head_waits[engine][s] && left[s] == 8'd0) satisfied = 1'b0;
      end
      if (head_valid[engine] && engine_ready[engine] && satisfied) begin
        starts[engine] = 1'b1;
        for (int s = 0; s < 16; s++) begin
          if (head_waits[engine][s]) left[s] = left[s] - 8'd1;
        end
      end
    end
  end

  always_comb begin
    overflow = 1'b0;
    overflow_instruction = '0;
    over = '0;
    sums = left;
    totals = '0;
    if (commits != '0 || signal) begin
      for (int s = 15; s >= 0; s--) begin
        totals[s] = {1'b0, left[s]} + 9'(signal && signal_posts[s]);
        for (int engine = 0; engine < 4; engine++) begin
          totals[s] = totals[s] + 9'(commits[engine] && commit_posts[engine][s]);
        end
        over[s] = totals[s][8];
        sums[s] = totals[s][8] ? 8'd255 : totals[s][7:0];
        if (over[s]) begin
          overflow = 1'b1;
          // The last assignment stands: the lowest semaphore, the first poster.
          if (signal && signal_posts[s]) overflow_instruction = signal_instruction;
          for (int engine = 3; engine >= 0; engine--) begin
            if (commits[engine] && commit_posts[engine][s]) begin
              overflow_instruction = commit_instructions[engine];
            end
          end
        end
      end
    end
  end

  always_ff @(posedge clock) begin
    values <= reset ? '0 : sums;
  end
endmodule
