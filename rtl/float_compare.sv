// Maximum, minimum and relations of two numbers by N-FLOAT-PAIR, combinational.
//
// Both are numbers as they go from unit to unit (`ediacara_float_pkg`).
module float_compare (
    input  logic [31:0] a,
    input  logic [31:0] b,
    input  logic [2:0]  relation,
    output logic [31:0] maximum,
    output logic [31:0] minimum,
    output logic        holds
);
  import ediacara_float_pkg::*;

  logic unordered, equal, less;

  assign unordered = is_nan(a) || is_nan(b);
  assign equal = a == b || (a[30:0] == '0 && b[30:0] == '0);
  assign less = is_below(a, b) && !equal;

  assign maximum = larger_of(a, b);
  assign minimum = unordered ? NAN : is_below(a, b) ? a : b;

  always_comb begin
    case (relation)
      RELATION_EQUAL: holds = !unordered && equal;
      RELATION_NOT_EQUAL: holds = unordered || !equal;
      RELATION_LESS: holds = !unordered && less;
      RELATION_LESS_EQUAL: holds = !unordered && (less || equal);
      RELATION_GREATER: holds = !unordered && !less && !equal;
      default: holds = !unordered && !less;
    endcase
  end
endmodule
