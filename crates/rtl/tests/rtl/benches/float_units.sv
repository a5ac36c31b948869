// The float units, one vector a cycle: each line of vectors.txt has a unit, a code, operands and what must come
// out (`float/units.rs`).
module bench (
    input logic clock
);
  localparam int ADD = 0, MULTIPLY = 1, MAXIMUM = 2, MINIMUM = 3, COMPARE = 4, FROM = 5, FROM_NARROW = 6, TO = 7;

  int file = 0, unit, fields = 0;
  logic [7:0] code;
  logic [31:0] a, b, more, expected, found;
  logic [31:0] sum, product, maximum, minimum, from, from_narrow, to, result;
  logic holds;
  int compared = 0, wrong = 0;

  float_add adder (.a(a), .b(b), .sum(sum));
  float_multiply multiplier (.a(a), .b(b), .product(product));
  float_compare comparer (.a(a), .b(b), .relation(code[2:0]), .maximum(maximum), .minimum(minimum), .holds(holds));
  float_from #(.I32(1)) reader (.code(code[2:0]), .bits(a), .zero(b[7:0]), .value(from));
  float_from #(.I32(0)) narrow_reader (.code(code[2:0]), .bits(a), .zero(b[7:0]), .value(from_narrow));
  float_to writer (
      .code(code[2:0]), .value(a), .zero(b[7:0]), .low(more[7:0]), .high(more[15:8]), .bits(to)
  );
  float_function functions (.opcode(code), .x(a), .result(result));

  always_comb begin
    case (unit)
      ADD: found = sum;
      MULTIPLY: found = product;
      MAXIMUM: found = maximum;
      MINIMUM: found = minimum;
      COMPARE: found = 32'(holds);
      FROM: found = from;
      FROM_NARROW: found = from_narrow;
      TO: found = to;
      default: found = result;
    endcase
  end

  always @(posedge clock) begin
    if (file == 0) file = $fopen("vectors.txt", "r");
    fields = $fscanf(file, "%x %x %x %x %x %x", unit, code, a, b, more, expected);
    if (fields != 6) begin
      $display("compared: %0d, wrong: %0d", compared, wrong);
      $finish;
    end
  end

  always @(negedge clock) begin
    if (fields == 6) begin
      compared++;
      if (found != expected) begin
        wrong++;
        if (wrong <= 20) begin
          $display("unit %0d, code %h: %h, %h, %h: %h, not %h", unit, code, a, b, more, found, expected);
        end
      end
    end
  end
endmodule
