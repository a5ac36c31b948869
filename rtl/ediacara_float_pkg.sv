// What the float units share: the types of operands and the particular values of N-FLOAT (docs/numerics.md).
//
// Between the units a number is an f32 that N-FLOAT can write: no subnormal, and no NaN but NAN.
package ediacara_float_pkg;

  /* verilator lint_off UNUSEDPARAM */  // a machine without floating point has no use for them
  // Types of operands, by their code in a configuration register.
  localparam logic [2:0] TYPE_I8 = 3'd0;
  localparam logic [2:0] TYPE_I32 = 3'd1;
  localparam logic [2:0] TYPE_F16 = 3'd2;
  localparam logic [2:0] TYPE_BF16 = 3'd3;
  localparam logic [2:0] TYPE_F32 = 3'd4;

  localparam logic [31:0] NAN = 32'h7fc00000;
  localparam logic [30:0] INFINITY = 31'h7f800000;
  localparam logic [31:0] ONE = 32'h3f800000;

  // Codes of `relation`.
  localparam logic [2:0] RELATION_EQUAL = 3'd0;
  localparam logic [2:0] RELATION_NOT_EQUAL = 3'd1;
  localparam logic [2:0] RELATION_LESS = 3'd2;
  localparam logic [2:0] RELATION_LESS_EQUAL = 3'd3;
  localparam logic [2:0] RELATION_GREATER = 3'd4;
  /* verilator lint_on UNUSEDPARAM */

  // The logarithm to base 2 of the bytes of an element in NRAM.
  function automatic logic [1:0] type_shift(input logic [2:0] code);
    case (code)
      TYPE_I8: type_shift = 2'd0;
      TYPE_F16, TYPE_BF16: type_shift = 2'd1;
      default: type_shift = 2'd2;
    endcase
  endfunction

  /* verilator lint_off UNUSEDSIGNAL */  // a function looks at parts of a number
  function automatic logic is_nan(input logic [31:0] x);
    is_nan = x[30:23] == '1 && x[22:0] != '0;
  endfunction

  function automatic logic is_infinity(input logic [31:0] x);
    is_infinity = x[30:0] == INFINITY;
  endfunction

  // Zero or subnormal, which N-FLOAT reads as zero.
  function automatic logic is_zero(input logic [31:0] x);
    is_zero = x[30:23] == '0;
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  // An f32 as N-FLOAT reads it.
  function automatic logic [31:0] as_read(input logic [31:0] x);
    as_read = is_zero(x) ? {x[31], 31'd0} : is_nan(x) ? NAN : x;
  endfunction

  // Whether a comes before b in the order in which -0 comes before +0; neither is NaN.
  function automatic logic is_below(input logic [31:0] a, input logic [31:0] b);
    is_below = a[31] != b[31] ? a[31] : a[31] ? a[30:0] > b[30:0] : a[30:0] < b[30:0];
  endfunction

  // The maximum of N-FLOAT-PAIR.
  function automatic logic [31:0] larger_of(input logic [31:0] a, input logic [31:0] b);
    larger_of = is_nan(a) || is_nan(b) ? NAN : is_below(a, b) ? b : a;
  endfunction

endpackage
