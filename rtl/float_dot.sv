// COLUMNS inner products of a beat in floating point (N-FLOAT-DOT), without the running sum.
//
// Operands come with `valid`, and their sums are there STAGES cycles later. A stage each, with registers behind
// it: elements become f32s and are multiplied; every level of the tree adds neighbours. What is left is delay,
// into which the levels can be retimed. `code` is the type of x and w, one of those that F16, BF16 and F32 say
// are there; `lanes` is the number of bytes that the stretch fills.
//
// Lane k multiplies the element k, which has two bytes or four. An array of both has as many lanes as elements of
// two bytes. Those of four bytes fill the left half of the tree, whose sum is taken a level before the root: the +0
// of the right half would turn -0 into +0.
module float_dot #(
    parameter int unsigned ROWS = 16,
    parameter int unsigned COLUMNS = 16,
    parameter int unsigned STAGES = 7,  // at least 2, and one more than the tree has levels
    parameter bit F16 = 1,
    parameter bit BF16 = 1,
    parameter bit F32 = 1
) (
    input  logic                              clock,
    input  logic                              valid,
    input  logic [2:0]                        code,
    input  logic [8:0]                        lanes,
    input  logic [ROWS-1:0][7:0]              x,
    input  logic [COLUMNS-1:0][ROWS-1:0][7:0] w,
    output logic [COLUMNS-1:0][31:0]          sums
);
  import ediacara_float_pkg::*;

  localparam bit NARROW = F16 || BF16;
  localparam int unsigned WIDE_LANES = F32 ? ROWS / 4 : 0;
  localparam int unsigned LANES = NARROW ? ROWS / 2 : WIDE_LANES;
  localparam int unsigned LEVELS = $clog2(LANES);

  logic is_wide;
  logic [LANES-1:0] present;
  logic [LANES-1:0][31:0] x_values;
  logic [COLUMNS-1:0][LANES-1:0][31:0] products;

  assign is_wide = F32 && (!NARROW || code == TYPE_F32);

  // The bits of element k, as far as a lane has one in a type.
  function automatic logic [31:0] element(input logic [ROWS-1:0][7:0] bytes, input int k);
    element = '0;
    if (is_wide && k < int'(WIDE_LANES)) element = {bytes[4*k+3], bytes[4*k+2], bytes[4*k+1], bytes[4*k]};
    if (!is_wide && NARROW) element[15:0] = {bytes[2*k+1], bytes[2*k]};
  endfunction

  for (genvar k = 0; k < LANES; k++) begin : lane
    assign present[k] = is_wide ? 10'(4 * k) < {1'b0, lanes} : 10'(2 * k) < {1'b0, lanes};

    float_from #(
        .I32(0),
        .I8(0)
    ) x_reader (
        .code(code),
        .bits(element(x, k)),
        .zero('0),
        .value(x_values[k])
    );

    for (genvar c = 0; c < COLUMNS; c++) begin : column
      logic [31:0] w_value, product;

      float_from #(
          .I32(0),
          .I8(0)
      ) w_reader (
          .code(code),
          .bits(element(w[c], k)),
          .zero('0),
          .value(w_value)
      );

      float_multiply multiplier (
          .a(x_values[k]),
          .b(w_value),
          .product(product)
      );

      assign products[c][k] = present[k] ? product : '0;
    end
  end

  // Bit k: of the beat whose results stage k is about to hold.
  /* verilator lint_off UNUSEDSIGNAL */  // the last stages need no type
  logic [STAGES-1:0] valids, wides;
  /* verilator lint_on UNUSEDSIGNAL */

  logic [STAGES-2:0] valid_before, wide_before;

  assign valids = {valid_before, valid};
  assign wides = {wide_before, is_wide};

  always_ff @(posedge clock) begin
    valid_before <= valids[STAGES-2:0];
    wide_before  <= wides[STAGES-2:0];
  end

  for (genvar k = 0; k < STAGES; k++) begin : stage
    localparam int unsigned COUNT = k < int'(LEVELS) ? LANES >> k : 1;
    logic [COLUMNS-1:0][COUNT-1:0][31:0] results, held;

    if (k == 0) begin : g_products
      assign results = products;
    end else if (k <= int'(LEVELS)) begin : g_level
      for (genvar c = 0; c < COLUMNS; c++) begin : column
        logic [COUNT-1:0][31:0] added;
        float_neighbours #(
            .PAIRS(COUNT)
        ) level (
            .is_maximum(1'b0),
            .numbers(stage[k-1].held[c]),
            .results(added)
        );
        if (k == int'(LEVELS) && NARROW && F32) begin : g_root
          assign results[c] = wides[k] ? stage[k-1].held[c][0] : added;
        end else begin : g_inner
          assign results[c] = added;
        end
      end
    end else begin : g_delay
      assign results = stage[k-1].held;
    end

    always_ff @(posedge clock) begin
      if (valids[k]) held <= results;
    end
  end

  assign sums = stage[STAGES-1].held;
endmodule
