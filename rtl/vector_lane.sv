// One lane of the vector engine: the arithmetic of docs/numerics.md, in two combinational halves.
//
// In the `gather` half, operands come in, and the term of this beat joins what the window has gathered so
// far. The gathered value and what the second half needs go out. The `settle` half, a cycle later,
// multiplies, rounds (N-ROUND), adds the zero point and clamps. Records are taken as they are: 31 bits of
// multiplier, 6 bits of shift, and a shift of 0 rounds nothing.
/* verilator lint_off UNUSEDSIGNAL */  // parts of bundles that one half has no use for
module vector_lane (
    // gather
    input  ediacara_core_pkg::arithmetic_t gather,
    input  logic                           gather_first,
    input  logic        [ 7:0]             a,
    input  logic        [ 7:0]             b,
    input  logic        [ 7:0]             looked_up,
    input  logic        [31:0]             acc,
    input  logic        [95:0]             record,
    input  logic        [31:0]             window,  // gathered before this beat
    output logic        [31:0]             gathered,  // with this beat
    output logic signed [40:0]             term,
    output logic        [30:0]             multiplier,
    output logic        [ 5:0]             shift,
    // settle
    input  ediacara_core_pkg::arithmetic_t settle,
    input  logic signed [40:0]             settle_term,
    input  logic        [30:0]             settle_multiplier,
    input  logic        [ 5:0]             settle_shift,
    output logic        [ 7:0]             result
);
  import ediacara_isa_pkg::*;

  logic signed [8:0] a_difference, b_difference;
  logic signed [17:0] product;
  logic signed [7:0] larger;
  logic signed [31:0] biased;

  assign a_difference = $signed({a[7], a}) - $signed({gather.a_zero[7], gather.a_zero});
  assign b_difference = $signed({b[7], b}) - $signed({gather.b_zero[7], gather.b_zero});

  always_comb begin
    gathered = '0;
    term = '0;
    multiplier = gather.a_multiplier;
    shift = gather.shift;
    product = '0;
    larger = '0;
    biased = '0;
    case (gather.opcode)
      OPCODE_FILL: term = 41'($signed(gather.value));
      OPCODE_COPY: term = 41'($signed(a));
      OPCODE_TABLE: term = 41'($signed(looked_up));
      OPCODE_REQUANTISE: begin
        biased = acc + record[31:0];
        term = 41'(biased);
        multiplier = record[62:32];
        shift = record[69:64];
      end
      OPCODE_DEPTHWISE: begin
        product = a_difference * b_difference;
        gathered = (gather_first ? 32'd0 : window) + 32'(product);
        biased = gathered + record[31:0];
        term = 41'(biased);
        multiplier = record[62:32];
        shift = record[69:64];
      end
      OPCODE_MAX_POOL: begin
        larger = gather_first || $signed(a) > $signed(window[7:0]) ? $signed(a) : $signed(window[7:0]);
        gathered = 32'(larger);
        term = 41'(larger);
      end
      OPCODE_AVERAGE_POOL: begin
        gathered = (gather_first ? 32'd0 : window) + 32'(a_difference);
        term = 41'($signed(gathered));
      end
      OPCODE_ADD: begin
        term = 41'(a_difference) * $signed({10'd0, gather.a_multiplier}) +
            41'(b_difference) * $signed({10'd0, gather.b_multiplier});
      end
      OPCODE_MULTIPLY: begin
        product = a_difference * b_difference;
        term = 41'(product);
      end
      OPCODE_MAXIMUM: begin
        larger = $signed(a) > $signed(b) ? $signed(a) : $signed(b);
        term = 41'(larger);
      end
      default: ;
    endcase
  end

  logic signed [63:0] scaled, rounded;
  logic signed [63:0] placed;

  always_comb begin
    scaled = 64'(settle_term);
    rounded = '0;
    placed = 64'(settle_term);
    case (settle.opcode)
      OPCODE_REQUANTISE, OPCODE_DEPTHWISE, OPCODE_AVERAGE_POOL, OPCODE_MULTIPLY, OPCODE_ADD: begin
        if (settle.opcode != OPCODE_ADD) scaled = 64'(settle_term) * $signed({33'd0, settle_multiplier});
        rounded = settle_shift == '0 ? scaled : (scaled + (64'sd1 <<< (settle_shift - 6'd1))) >>> settle_shift;
        placed = rounded + 64'($signed(settle.d_zero));
      end
      default: ;
    endcase
    result = placed[7:0];
    case (settle.opcode)
      OPCODE_FILL, OPCODE_COPY, OPCODE_TABLE: ;
      default: begin
        if (placed < 64'($signed(settle.low))) result = settle.low;
        else if (placed > 64'($signed(settle.high))) result = settle.high;
      end
    endcase
  end
endmodule
/* verilator lint_on UNUSEDSIGNAL */
