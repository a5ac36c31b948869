// COLUMNS inner products of ROWS lanes, in one combinational sweep (N-DOT).
//
// Both operands lose their zero point in 9 bits at the array's edge. Lanes from `lanes` on count as zero,
// whatever they hold. Sums of at most 256 products of 17 bits fit in 32 bits without wrapping.
module dot_unit #(
    parameter int unsigned ROWS = 16,
    parameter int unsigned COLUMNS = 16
) (
    input  logic                              valid,
    input  logic [8:0]                        lanes,
    input  logic [7:0]                        x_zero,
    input  logic [7:0]                        w_zero,
    input  logic [ROWS-1:0][7:0]              x,
    input  logic [COLUMNS-1:0][ROWS-1:0][7:0] w,
    output logic [COLUMNS-1:0][31:0]          sums
);
  logic [ROWS-1:0][8:0] differences;

  function automatic logic [31:0] inner_product(input logic [ROWS-1:0][8:0] u, input logic [ROWS-1:0][7:0] v,
                                                input logic [7:0] v_zero);
    inner_product = '0;
    for (int r = 0; r < ROWS; r++) begin
      inner_product = inner_product + 32'($signed(u[r])) * (32'($signed(v[r])) - 32'($signed(v_zero)));
    end
  endfunction

  always_comb begin
    for (int r = 0; r < ROWS; r++) begin
      differences[r] = 9'(r) < lanes ? $signed({x[r][7], x[r]}) - $signed({x_zero[7], x_zero}) : 9'sd0;
    end
  end

  always_comb begin
    sums = '0;
    if (valid) begin
      for (int c = 0; c < COLUMNS; c++) sums[c] = inner_product(differences, w[c], w_zero);
    end
  end
endmodule
