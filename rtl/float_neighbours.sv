// One level of the tree of N-FLOAT-ROW, combinational: neighbours become their sum, or their maximum.
module float_neighbours #(
    parameter int unsigned PAIRS = 8
) (
    input  logic                        is_maximum,
    input  logic [2*PAIRS-1:0][31:0]    numbers,
    output logic [PAIRS-1:0][31:0]      results
);
  import ediacara_float_pkg::*;

  logic [PAIRS-1:0][31:0] sums;

  for (genvar k = 0; k < PAIRS; k++) begin : pairs
    float_add adder (
        .a(numbers[2*k]),
        .b(numbers[2*k+1]),
        .sum(sums[k])
    );
    assign results[k] = is_maximum ? larger_of(numbers[2*k], numbers[2*k+1]) : sums[k];
  end
endmodule
