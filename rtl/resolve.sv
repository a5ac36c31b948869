// Resolves every operand of the instruction at the FIFO's head, with registers and configuration. It gives a
// queue entry, or the fault that the instruction is (docs/isa.md, "Faults"). It is combinational: an
// instruction for which `valid` is high is decided in the same cycle, so that a fault is found at issue, in
// program order.
//
// An access is checked by its reach, the offset of its last element from its first. The reach is a sum of
// (count - 1) x stride. Each term is cut at 2^48, which is outside every memory, so that 64 bits hold every
// sum.
module resolve (
    input  logic                               valid,
    input  logic [255:0]                       word,
    input  logic [15:0][39:0]                  registers,
    input  logic [ediacara_isa_pkg::CONFIG_COUNT-1:0][31:0] configuration,
    input  logic [39:0]                        code_base,
    input  logic [24:0]                        code_length,
    output ediacara_core_pkg::load_t           load,
    output ediacara_core_pkg::store_t          store,
    output ediacara_core_pkg::dot_t            dot,
    output ediacara_core_pkg::float_dot_t      float_dot,
    output ediacara_core_pkg::vector_t         vector,
    output ediacara_core_pkg::floating_t       floating,
    output logic                               operand_fault,
    output logic                               address_fault
);
  import ediacara_core_pkg::*;
  import ediacara_float_pkg::*;
  import ediacara_isa_pkg::*;
  import ediacara_machine_pkg::*;

  // A field that several instructions have is read once, under the name of one of them.
  if (!(LOAD_FIELDS_AGREE && STORE_FIELDS_AGREE && MATRIX_FIELDS_AGREE && VECTOR_FIELDS_AGREE)) begin : g_fields
    $error("the instructions of an engine do not have a field of one name at one place");
  end

  localparam int unsigned ROW_BYTES = ROWS * COLUMNS;
  localparam int unsigned WRAM_ROWS = WRAM_BYTES / ROW_BYTES;
  localparam int unsigned ROW_SHIFT = $clog2(ROW_BYTES);
  localparam int unsigned STEP_SHIFT = $clog2(ROWS);

  // (offset + register) mod 2^40.
  function automatic logic [39:0] address(input logic [39:0] offset, input logic [3:0] register);
    address = offset + registers[register];
  endfunction

  function automatic logic [63:0] term(input logic [31:0] count, input logic [31:0] stride);
    logic [63:0] product;
    product = {32'd0, count - 32'd1} * {32'd0, stride};
    term = product[63:48] != '0 ? 64'd1 << 48 : product;
  endfunction

  function automatic logic outside(input logic [39:0] first, input logic [63:0] reach, input logic [40:0] size);
    outside = {24'd0, first} + reach >= {23'd0, size};
  endfunction

  function automatic logic [31:0] c(input int index);
    c = configuration[index];
  endfunction

  logic operand_of_dot, operand_of_vector;
  logic address_of_load, address_of_store, address_of_dot, address_of_vector;

  // load, move
  logic [39:0] load_source, load_destination;
  logic [63:0] load_source_reach, load_destination_reach;
  logic [23:0] load_units;

  always_comb begin
    load = '0;
    load_source = '0;
    load_destination = '0;
    load_source_reach = '0;
    load_destination_reach = '0;
    load_units = '0;
    address_of_load = 1'b0;
    if (valid && engine_of(word[7:0]) == 3'd1) begin
      load.is_move = word[7:0] == OPCODE_MOVE;
      load.memory = word[LOAD_MEMORY_LSB+:2];
      load.length = word[LOAD_LENGTH_LSB+:24];
      load.counts[0] = word[LOAD_COUNT_1_LSB+:16];
      load.counts[1] = word[LOAD_COUNT_2_LSB+:16];
      load.counts[2] = word[LOAD_COUNT_3_LSB+:16];
      for (int k = 0; k < 3; k++) begin
        load.source_strides[k] = c(CONFIG_LOAD_SOURCE_STRIDE_1_INDEX + k);
        load.destination_strides[k] = 24'(c(CONFIG_LOAD_DESTINATION_STRIDE_1_INDEX + k));
        load_source_reach = load_source_reach + term(32'(load.counts[k]), c(CONFIG_LOAD_SOURCE_STRIDE_1_INDEX + k));
        load_destination_reach = load_destination_reach +
            term(32'(load.counts[k]), c(CONFIG_LOAD_DESTINATION_STRIDE_1_INDEX + k));
      end
      load_source = load.is_move ?
          address({16'd0, word[MOVE_SOURCE_OFFSET_LSB+:24]}, word[MOVE_SOURCE_REGISTER_LSB+:4]) :
          address(word[LOAD_SOURCE_OFFSET_LSB+:40], word[LOAD_SOURCE_REGISTER_LSB+:4]);
      load_destination = address({16'd0, word[LOAD_DESTINATION_OFFSET_LSB+:24]}, word[LOAD_DESTINATION_REGISTER_LSB+:4]);
      load.source = load_source;
      load.destination = load_destination[23:0];
      load_units = load.memory == MEMORY_PRAM ? load.length / 24'd12 : load.length;
      load_source_reach = load_source_reach + 64'(load.length) - 64'd1;
      load_destination_reach = load_destination_reach + 64'(load_units) - 64'd1;
      address_of_load = outside(load_source, load_source_reach, load.is_move ? 41'(NRAM_BYTES) : DRAM_BYTES);
      case (load.memory)
        MEMORY_NRAM: address_of_load |= outside(load_destination, load_destination_reach, 41'(NRAM_BYTES));
        MEMORY_WRAM: address_of_load |= outside(load_destination, load_destination_reach, 41'(WRAM_BYTES));
        default: address_of_load |= outside(load_destination, load_destination_reach, 41'(PRAM_RECORDS));
      endcase
    end
  end

  // store
  logic [39:0] store_source, store_destination;
  logic [63:0] store_source_reach, store_destination_reach;
  logic [40:0] code_end;

  assign code_end = {1'b0, code_base} + {11'd0, code_length, 5'd0};

  always_comb begin
    store = '0;
    store_source = '0;
    store_destination = '0;
    store_source_reach = '0;
    store_destination_reach = '0;
    address_of_store = 1'b0;
    if (valid && engine_of(word[7:0]) == 3'd4) begin
      store.length = word[STORE_LENGTH_LSB+:24];
      store.counts[0] = word[STORE_COUNT_1_LSB+:16];
      store.counts[1] = word[STORE_COUNT_2_LSB+:16];
      store.counts[2] = word[STORE_COUNT_3_LSB+:16];
      for (int k = 0; k < 3; k++) begin
        store.source_strides[k] = 24'(c(CONFIG_STORE_SOURCE_STRIDE_1_INDEX + k));
        store.destination_strides[k] = c(CONFIG_STORE_DESTINATION_STRIDE_1_INDEX + k);
        store_source_reach = store_source_reach + term(32'(store.counts[k]), c(CONFIG_STORE_SOURCE_STRIDE_1_INDEX + k));
        store_destination_reach = store_destination_reach +
            term(32'(store.counts[k]), c(CONFIG_STORE_DESTINATION_STRIDE_1_INDEX + k));
      end
      store_source = address({16'd0, word[STORE_SOURCE_OFFSET_LSB+:24]}, word[STORE_SOURCE_REGISTER_LSB+:4]);
      store_destination = address(word[STORE_DESTINATION_OFFSET_LSB+:40], word[STORE_DESTINATION_REGISTER_LSB+:4]);
      store.source = store_source[23:0];
      store.destination = store_destination;
      store_source_reach = store_source_reach + 64'(store.length) - 64'd1;
      store_destination_reach = store_destination_reach + 64'(store.length) - 64'd1;
      address_of_store = outside(store_source, store_source_reach, 41'(NRAM_BYTES)) ||
          outside(store_destination, store_destination_reach, DRAM_BYTES);
      // A store must stay clear of the code from its first byte to its last.
      if ({24'd0, store_destination} + store_destination_reach >= {24'd0, code_base} && {1'b0, store_destination} < code_end) begin
        address_of_store = 1'b1;
      end
    end
  end

  // dot
  logic [39:0] dot_x, dot_w, dot_acc;
  logic [63:0] dot_x_reach, dot_w_reach, dot_acc_reach, dot_rows;
  logic [23:0] dot_steps;
  logic operand_of_float_dot;

  always_comb begin
    float_dot = '0;
    operand_of_float_dot = 1'b0;
    if (FLOAT_DOT > 0 && valid && word[7:0] == OPCODE_FLOAT_DOT) begin
      float_dot.valid = 1'b1;
      float_dot.code = 3'(c(CONFIG_MATRIX_TYPE_INDEX));
      case (float_dot.code)
        TYPE_F16: operand_of_float_dot = MATRIX_F16 == 0;
        TYPE_BF16: operand_of_float_dot = MATRIX_BF16 == 0;
        TYPE_F32: operand_of_float_dot = MATRIX_F32 == 0;
        default: operand_of_float_dot = 1'b1;
      endcase
      // A stretch is a whole number of elements.
      operand_of_float_dot |= (c(CONFIG_MATRIX_STRETCH_INDEX) & ((32'd1 << type_shift(float_dot.code)) - 32'd1)) != '0;
    end
  end

  always_comb begin
    dot = '0;
    dot_x = '0;
    dot_w = '0;
    dot_acc = '0;
    dot_x_reach = '0;
    dot_w_reach = '0;
    dot_acc_reach = '0;
    dot_rows = '0;
    dot_steps = '0;
    operand_of_dot = 1'b0;
    address_of_dot = 1'b0;
    if (valid && engine_of(word[7:0]) == 3'd2) begin
      dot.pixels_x = word[DOT_PIXELS_X_LSB+:16];
      dot.pixels_y = word[DOT_PIXELS_Y_LSB+:16];
      dot.blocks = word[DOT_BLOCKS_LSB+:12];
      dot.accumulate = word[DOT_ACCUMULATE_LSB];
      dot.x_stride_x = 24'(c(CONFIG_MATRIX_X_STRIDE_X_INDEX));
      dot.x_stride_y = 24'(c(CONFIG_MATRIX_X_STRIDE_Y_INDEX));
      dot.stretch = 24'(c(CONFIG_MATRIX_STRETCH_INDEX));
      dot.window_count_x = 16'(c(CONFIG_MATRIX_WINDOW_COUNT_X_INDEX));
      dot.window_count_y = 16'(c(CONFIG_MATRIX_WINDOW_COUNT_Y_INDEX));
      dot.window_stride_x = 24'(c(CONFIG_MATRIX_WINDOW_STRIDE_X_INDEX));
      dot.window_stride_y = 24'(c(CONFIG_MATRIX_WINDOW_STRIDE_Y_INDEX));
      dot.w_block_stride = 24'(c(CONFIG_MATRIX_W_BLOCK_STRIDE_INDEX));
      dot.acc_stride_pixel = 24'(c(CONFIG_MATRIX_ACC_STRIDE_PIXEL_INDEX));
      dot.acc_stride_block = 24'(c(CONFIG_MATRIX_ACC_STRIDE_BLOCK_INDEX));
      dot.x_zero = 8'(c(CONFIG_MATRIX_X_ZERO_INDEX));
      dot.w_zero = 8'(c(CONFIG_MATRIX_W_ZERO_INDEX));
      dot_x = address({16'd0, word[DOT_X_OFFSET_LSB+:24]}, word[DOT_X_REGISTER_LSB+:4]);
      dot_w = address({16'd0, word[DOT_W_OFFSET_LSB+:24]}, word[DOT_W_REGISTER_LSB+:4]);
      dot_acc = address({16'd0, word[DOT_ACC_OFFSET_LSB+:24]}, word[DOT_ACC_REGISTER_LSB+:4]);
      dot.x = dot_x[23:0];
      dot.w_row = 24'(dot_w >> ROW_SHIFT);
      dot.acc = dot_acc[23:0];
      dot_steps = 24'((25'(dot.stretch) + 25'(ROWS - 1)) >> STEP_SHIFT);
      operand_of_dot = dot.stretch == '0 || (dot_w & (40'(ROW_BYTES) - 40'd1)) != '0 || operand_of_float_dot;
      dot_x_reach = term(32'(dot.pixels_x), c(CONFIG_MATRIX_X_STRIDE_X_INDEX)) +
          term(32'(dot.pixels_y), c(CONFIG_MATRIX_X_STRIDE_Y_INDEX)) +
          term(32'(dot.window_count_x), c(CONFIG_MATRIX_WINDOW_STRIDE_X_INDEX)) +
          term(32'(dot.window_count_y), c(CONFIG_MATRIX_WINDOW_STRIDE_Y_INDEX)) + 64'(dot.stretch) - 64'd1;
      dot_rows = 64'(dot.window_count_x) * 64'(dot.window_count_y) * 64'(dot_steps) - 64'd1;
      dot_w_reach = term(32'(dot.blocks), c(CONFIG_MATRIX_W_BLOCK_STRIDE_INDEX)) + dot_rows;
      dot_acc_reach = term(32'(dot.pixels_x) * 32'(dot.pixels_y), c(CONFIG_MATRIX_ACC_STRIDE_PIXEL_INDEX)) +
          term(32'(dot.blocks), c(CONFIG_MATRIX_ACC_STRIDE_BLOCK_INDEX)) + 64'(COLUMNS) - 64'd1;
      address_of_dot = outside(dot_x, dot_x_reach, 41'(NRAM_BYTES)) ||
          outside(dot_w >> ROW_SHIFT, dot_w_reach, 41'(WRAM_ROWS)) ||
          outside(dot_acc, dot_acc_reach, 41'(ARAM_ACCUMULATORS));
    end
  end

  // vector: what float instructions have beside
  logic operand_of_float;
  logic [1:0] widest;  // the logarithm of the bytes of the widest element that counts (T-VECTOR-WIDTH)

  function automatic logic [2:0] least(input int unsigned a, input int unsigned b);
    least = 3'(a < b ? a : b);
  endfunction

  always_comb begin
    floating = '0;
    widest = '0;
    operand_of_float = 1'b0;
    if (FLOAT_LANES > 0 && valid && vector_is_float(word[7:0])) begin
      floating.valid = 1'b1;
      // Whoever may read NRAM has an operand a.
      floating.reads_acc = vector_reads_nram(word[7:0]) && word[FLOAT_COPY_MEMORY_LSB+:2] == MEMORY_ARAM;
      floating.reads_a = vector_reads_nram(word[7:0]) && !floating.reads_acc;
      floating.constant = word[FLOAT_ADD_CONSTANT_LSB] || word[7:0] == OPCODE_FLOAT_FILL;
      floating.scalar = word[FLOAT_ADD_SCALAR_LSB];
      floating.reads_b = vector_reads_b(word[7:0]) && !floating.constant;
      floating.scaled_by_records = word[FLOAT_COPY_RECORDS_LSB];
      floating.reads_records = floating.scaled_by_records || word[7:0] == OPCODE_FLOAT_SCALE;
      floating.reduces = vector_reduces(word[7:0]);
      floating.accumulate = word[FLOAT_WINDOW_SUM_ACCUMULATE_LSB];
      floating.moves = word[FLOAT_WINDOW_DOT_MOVES_LSB];
      floating.reads_nram = floating.reads_a || floating.reads_b || floating.accumulate || vector_keeps(word[7:0]);
      floating.relation = word[FLOAT_COMPARE_RELATION_LSB+:3];
      floating.a_type = 3'(c(CONFIG_VECTOR_A_TYPE_INDEX));
      floating.b_type = 3'(c(CONFIG_VECTOR_B_TYPE_INDEX));
      floating.d_type = 3'(c(CONFIG_VECTOR_D_TYPE_INDEX));
      floating.a_scale = c(CONFIG_VECTOR_A_SCALE_INDEX);
      floating.b_scale = c(CONFIG_VECTOR_B_SCALE_INDEX);
      floating.d_inverse_scale = c(CONFIG_VECTOR_D_INVERSE_SCALE_INDEX);
      floating.constant_value = c(CONFIG_VECTOR_CONSTANT_INDEX);

      if (floating.reads_a) widest = type_shift(floating.a_type);
      if (floating.reads_b && !floating.scalar && type_shift(floating.b_type) > widest) widest = type_shift(floating.b_type);
      if (!floating.reduces && type_shift(floating.d_type) > widest) widest = type_shift(floating.d_type);
      case (widest)
        2'd0: floating.width = least($clog2(FLOAT_LANES), $clog2(LANES));
        2'd1: floating.width = least($clog2(FLOAT_LANES), $clog2(LANES / 2));
        default: floating.width = least($clog2(FLOAT_LANES), $clog2(LANES / 4));
      endcase

      operand_of_float = floating.d_type == TYPE_I32 ||
          (floating.reads_b && floating.b_type == TYPE_I32) ||
          (floating.reads_a && floating.a_type == TYPE_I32) ||
          (floating.reads_acc && floating.a_type != TYPE_I32 && floating.a_type != TYPE_F32) ||
          (floating.scaled_by_records && !floating.reads_acc) ||
          (floating.scalar && word[FLOAT_ADD_CONSTANT_LSB]) ||
          (floating.d_type == TYPE_I8 &&
              (floating.accumulate || $signed(c(CONFIG_VECTOR_LOW_INDEX)) > $signed(c(CONFIG_VECTOR_HIGH_INDEX))));
    end
  end

  // vector
  logic [39:0] vector_d, vector_a, vector_b, vector_p;
  logic [63:0] vector_d_reach, vector_a_reach, vector_b_reach, vector_b_window;
  // The logarithm of the units that an element takes; that of a in a window, which `transpose` does not have.
  logic [1:0] a_shift, b_shift, d_shift, window_shift;
  logic is_windowed;

  always_comb begin
    vector = '0;
    vector_d = '0;
    vector_a = '0;
    vector_b = '0;
    vector_p = '0;
    vector_d_reach = '0;
    vector_a_reach = '0;
    vector_b_reach = '0;
    vector_b_window = '0;
    a_shift = '0;
    b_shift = '0;
    d_shift = '0;
    window_shift = '0;
    is_windowed = 1'b0;
    operand_of_vector = 1'b0;
    address_of_vector = 1'b0;
    if (valid && engine_of(word[7:0]) == 3'd3) begin
      vector.arithmetic.opcode = word[7:0];
      vector.arithmetic.value = word[FILL_VALUE_LSB+:8];
      if (word[7:0] == OPCODE_TRANSPOSE) vector.arithmetic.element = word[TRANSPOSE_ELEMENT_LSB+:2];
      a_shift = vector.arithmetic.element;
      d_shift = vector.arithmetic.element;
      if (floating.valid) begin
        a_shift = floating.reads_acc ? 2'd0 : type_shift(floating.a_type);
        b_shift = type_shift(floating.b_type);
        d_shift = type_shift(floating.d_type);
        window_shift = a_shift;
      end
      vector.arithmetic.a_zero = 8'(c(CONFIG_VECTOR_A_ZERO_INDEX));
      vector.arithmetic.b_zero = 8'(c(CONFIG_VECTOR_B_ZERO_INDEX));
      vector.arithmetic.d_zero = 8'(c(CONFIG_VECTOR_D_ZERO_INDEX));
      vector.arithmetic.low = 8'(c(CONFIG_VECTOR_LOW_INDEX));
      vector.arithmetic.high = 8'(c(CONFIG_VECTOR_HIGH_INDEX));
      vector.arithmetic.a_multiplier = 31'(c(CONFIG_VECTOR_A_MULTIPLIER_INDEX));
      vector.arithmetic.b_multiplier = 31'(c(CONFIG_VECTOR_B_MULTIPLIER_INDEX));
      vector.arithmetic.shift = 6'(c(CONFIG_VECTOR_SHIFT_INDEX));
      vector.length = word[COPY_LENGTH_LSB+:24];
      vector.counts[0] = word[COPY_COUNT_1_LSB+:16];
      vector.counts[1] = word[COPY_COUNT_2_LSB+:16];
      vector.window_counts[0] = 16'(c(CONFIG_VECTOR_WINDOW_COUNT_1_INDEX));
      vector.window_counts[1] = 16'(c(CONFIG_VECTOR_WINDOW_COUNT_2_INDEX));
      vector.window_strides[0] = 24'(c(CONFIG_VECTOR_WINDOW_STRIDE_1_INDEX)) << window_shift;
      vector.window_strides[1] = 24'(c(CONFIG_VECTOR_WINDOW_STRIDE_2_INDEX)) << window_shift;
      vector.b_window_stride = 24'(c(CONFIG_VECTOR_B_WINDOW_STRIDE_INDEX)) << b_shift;
      for (int k = 0; k < 2; k++) begin
        vector.a_strides[k] = 24'(c(CONFIG_VECTOR_A_STRIDE_1_INDEX + k)) << a_shift;
        vector.b_strides[k] = 24'(c(CONFIG_VECTOR_B_STRIDE_1_INDEX + k)) << b_shift;
        vector.d_strides[k] = 24'(c(CONFIG_VECTOR_D_STRIDE_1_INDEX + k)) << d_shift;
        vector_a_reach = vector_a_reach + term(32'(vector.counts[k]), c(CONFIG_VECTOR_A_STRIDE_1_INDEX + k));
        vector_b_reach = vector_b_reach + term(32'(vector.counts[k]), c(CONFIG_VECTOR_B_STRIDE_1_INDEX + k));
        vector_d_reach = vector_d_reach + term(32'(vector.counts[k]), c(CONFIG_VECTOR_D_STRIDE_1_INDEX + k));
      end
      vector_d = address({16'd0, word[COPY_D_OFFSET_LSB+:24]}, word[COPY_D_REGISTER_LSB+:4]);
      vector_a = address({16'd0, word[COPY_A_OFFSET_LSB+:24]}, word[COPY_A_REGISTER_LSB+:4]);
      vector_b = address({16'd0, word[ADD_B_OFFSET_LSB+:24]}, word[ADD_B_REGISTER_LSB+:4]);
      vector_p = address({24'd0, word[REQUANTISE_P_OFFSET_LSB+:16]}, word[REQUANTISE_P_REGISTER_LSB+:4]);
      vector.d = vector_d[23:0];
      vector.a = vector_a[23:0];
      vector.b = vector_b[23:0];
      vector.p = vector_p[15:0];

      // The elements of `transpose` must fit into a beat.
      operand_of_vector = (vector_clamps(word[7:0]) && $signed(vector.arithmetic.low) > $signed(vector.arithmetic.high)) ||
          32'd1 << vector.arithmetic.element > LANES || operand_of_float;
      is_windowed = vector_windowed(word[7:0]);

      // Reaches are counted in elements, then in units: of the last unit of the last element.
      vector_a_reach = vector_a_reach + 64'(vector.length);
      if (is_windowed) begin
        vector_a_reach = vector_a_reach +
            term(32'(vector.window_counts[0]), c(CONFIG_VECTOR_WINDOW_STRIDE_1_INDEX)) +
            term(32'(vector.window_counts[1]), c(CONFIG_VECTOR_WINDOW_STRIDE_2_INDEX));
      end
      if (word[7:0] == OPCODE_LOAD_TABLE) begin
        vector.d = '0;
        vector_a_reach = 64'd256;
      end
      vector_a_reach = (vector_a_reach << a_shift) - 64'd1;
      if (is_windowed) begin
        vector_b_window = term(32'(vector.window_counts[0]) * 32'(vector.window_counts[1]), c(CONFIG_VECTOR_B_WINDOW_STRIDE_INDEX));
        vector_b_reach = floating.moves ? vector_b_reach + vector_b_window : vector_b_window;
      end
      vector_b_reach = vector_b_reach + (floating.scalar ? 64'd1 : 64'(vector.length));
      vector_b_reach = (vector_b_reach << b_shift) - 64'd1;
      vector_d_reach = vector_d_reach + (floating.reduces ? 64'd1 : 64'(vector.length));
      if (word[7:0] == OPCODE_TRANSPOSE) begin
        vector_d_reach = term(32'(vector.length), c(CONFIG_VECTOR_D_STRIDE_1_INDEX)) +
            term(32'(vector.counts[1]), c(CONFIG_VECTOR_D_STRIDE_2_INDEX)) + 64'(vector.counts[0]);
      end
      vector_d_reach = (vector_d_reach << d_shift) - 64'd1;

      if (word[7:0] != OPCODE_LOAD_TABLE && outside(vector_d, vector_d_reach, 41'(NRAM_BYTES))) address_of_vector = 1'b1;
      if (floating.valid) begin
        address_of_vector |= floating.reads_acc && outside(vector_a, vector_a_reach, 41'(ARAM_ACCUMULATORS));
        address_of_vector |= floating.reads_a && outside(vector_a, vector_a_reach, 41'(NRAM_BYTES));
      end else begin
        case (word[7:0])
          OPCODE_FILL: ;
          OPCODE_REQUANTISE: address_of_vector |= outside(vector_a, vector_a_reach, 41'(ARAM_ACCUMULATORS));
          default: address_of_vector |= outside(vector_a, vector_a_reach, 41'(NRAM_BYTES));
        endcase
      end
      if (floating.valid ? floating.reads_b : vector_reads_b(word[7:0])) begin
        address_of_vector |= outside(vector_b, vector_b_reach, 41'(NRAM_BYTES));
      end
      if (floating.valid ? floating.reads_records : vector_reads_records(word[7:0])) begin
        address_of_vector |= outside(vector_p, 64'(vector.length) - 64'd1, 41'(PRAM_RECORDS));
      end
    end
  end

  assign operand_fault = operand_of_dot || operand_of_vector;
  assign address_fault = address_of_load || address_of_store || address_of_dot || address_of_vector;
endmodule
