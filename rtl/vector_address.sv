// The addresses of a vector instruction, a beat a cycle (T-VECTOR).
//
// It goes through rows, chunks of as many elements as a beat takes, and window positions, the last innermost.
// `transpose` goes tile by tile, as many elements high and wide as LANES bytes hold. Its window position
// counts the tile's rows as they are read, then its columns as they are written. Its "rows of dimension 1" are
// rows of tiles. In the start's cycle the position is that of the entry at the queue's head, so that its first
// beat is in that cycle.
module vector_address #(
    parameter int unsigned LANES = 32,
    parameter int unsigned FLOAT_LANES = 0
) (
    input  logic                         clock,
    input  logic                         reset,
    input  ediacara_core_pkg::vector_t   head,
    input  ediacara_core_pkg::floating_t head_floating,
    input  ediacara_core_pkg::ticket_t   head_ticket,
    input  logic                         start,
    output logic                         ready,
    output ediacara_core_pkg::vector_t   vector,
    output ediacara_core_pkg::floating_t floating,
    output ediacara_core_pkg::ticket_t   ticket,
    output logic                         beat,
    output logic                         first,  // of the window; of the row, where that has one result
    output logic                         done,  // the last beat of all
    output logic                         writes,
    output logic [10:0]                  lanes,  // elements that the beat takes
    output logic [10:0]                  bytes,  // that it writes
    output logic [10:0]                  line,  // `transpose`: row read, or column written
    output logic                         column,  // `transpose`: a column is written
    output logic [23:0]                  a,
    output logic [23:0]                  b,
    output logic [23:0]                  d,
    output logic [15:0]                  p
);
  import ediacara_core_pkg::*;
  import ediacara_float_pkg::*;
  import ediacara_isa_pkg::*;

  localparam int unsigned SHIFT = $clog2(LANES);

  typedef struct packed {
    logic [15:0] row_2;
    logic [15:0] left;  // rows of dimension 1 that are left, this one included
    logic [23:0] rest;  // elements of the row that are left, this chunk included
    logic [15:0] window_2;
    logic [15:0] window_1;
    // Where step 2, the row (of tiles), the chunk, the window row and the beat begin.
    logic [23:0] a_2;
    logic [23:0] a_1;
    logic [23:0] a_chunk;
    logic [23:0] a_window;
    logic [23:0] a;
    logic [23:0] b_2;
    logic [23:0] b_1;
    logic [23:0] b_chunk;
    logic [23:0] b;
    logic [23:0] d_2;
    logic [23:0] d_1;
    logic [23:0] d;
    logic [15:0] p;
  } position_t;

  logic active;
  vector_t vector_register;
  floating_t floating_register;
  ticket_t ticket_register;
  position_t register, position, next;

  logic is_transpose, is_load_table, windowed, b_in_window, b_stays;
  logic [15:0] window_count_1, window_count_2, rows_of_beat;
  logic [10:0] chunk;  // elements of a whole beat; `transpose`: of a side of a tile
  logic [23:0] a_chunk_step, b_chunk_step, d_chunk_step;
  logic [23:0] length, a_step_1, b_step_1, a_window_step;
  logic last;  // of the window
  logic last_window_1, last_window_2, last_chunk, last_row, last_step;
  logic [10:0] lanes_of_chunk, lanes_of_rows;

  always_comb begin
    vector = start ? head : vector_register;
    floating = FLOAT_LANES == 0 ? '0 : start ? head_floating : floating_register;
    ticket = start ? head_ticket : ticket_register;
    position = register;
    if (start) begin
      position = '0;
      position.left = head.counts[0];
      position.rest = head.arithmetic.opcode == OPCODE_LOAD_TABLE ? 24'd256 : head.length;
      position.a_2 = head.a;
      position.a_1 = head.a;
      position.a_chunk = head.a;
      position.a_window = head.a;
      position.a = head.a;
      position.b_2 = head.b;
      position.b_1 = head.b;
      position.b_chunk = head.b;
      position.b = head.b;
      position.d_2 = head.d;
      position.d_1 = head.d;
      position.d = head.d;
      position.p = head.p;
    end
  end

  assign is_transpose = vector.arithmetic.opcode == OPCODE_TRANSPOSE;
  assign is_load_table = vector.arithmetic.opcode == OPCODE_LOAD_TABLE;
  assign windowed = vector_windowed(vector.arithmetic.opcode);
  // b has a row for each position of the window. The rows are the same for every row of d, or have strides too.
  assign b_in_window = windowed && vector_reads_b(vector.arithmetic.opcode);
  assign b_stays = b_in_window && !floating.moves;

  assign chunk = floating.valid ? 11'd1 << floating.width : 11'(LANES) >> vector.arithmetic.element;
  always_comb begin
    // `transpose` takes LANES bytes a beat, and all others elements of one byte.
    a_chunk_step = 24'(LANES);
    b_chunk_step = 24'(LANES);
    d_chunk_step = 24'(LANES);
    if (floating.valid) begin
      a_chunk_step = 24'(chunk) << (floating.reads_acc ? 2'd0 : type_shift(floating.a_type));
      b_chunk_step = floating.scalar ? 24'd0 : 24'(chunk) << type_shift(floating.b_type);
      d_chunk_step = floating.reduces ? 24'd0 : 24'(chunk) << type_shift(floating.d_type);
    end
  end

  assign length = is_load_table ? 24'd256 : vector.length;
  assign rows_of_beat = is_transpose ? 16'(chunk) : 16'd1;
  assign window_count_1 = is_transpose ? 16'(chunk) << 1 : windowed ? vector.window_counts[0] : 16'd1;
  assign window_count_2 = windowed ? vector.window_counts[1] : 16'd1;
  assign a_window_step = is_transpose ? vector.a_strides[0] : vector.window_strides[0];
  // The step from one row, or row of tiles, to the next.
  assign a_step_1 = is_transpose ? vector.a_strides[0] << (4'(SHIFT) - 4'(vector.arithmetic.element)) : vector.a_strides[0];
  assign b_step_1 = b_stays ? 24'd0 : vector.b_strides[0];

  assign last_window_1 = position.window_1 == window_count_1 - 16'd1;
  assign last_window_2 = position.window_2 == window_count_2 - 16'd1;
  assign last_chunk = position.rest <= 24'(chunk);
  assign last_row = position.left <= rows_of_beat;
  assign last_step = is_load_table || position.row_2 == vector.counts[1] - 16'd1;

  assign lanes_of_chunk = last_chunk ? position.rest[10:0] : chunk;
  assign lanes_of_rows = last_row ? position.left[10:0] : chunk;

  assign beat = start || active;
  assign ready = !active;
  assign first = position.window_1 == '0 && position.window_2 == '0 && (!floating.reduces || position.rest == length);
  assign last = last_window_1 && last_window_2;
  assign done = last && last_chunk && (last_row || is_load_table) && last_step;
  assign column = is_transpose && position.window_1 >= 16'(chunk);
  assign line = column ? 11'(position.window_1 - 16'(chunk)) : 11'(position.window_1);
  assign lanes = column ? lanes_of_rows : lanes_of_chunk;
  assign bytes = (floating.reduces ? 11'd1 : lanes) << (floating.valid ? type_shift(floating.d_type) : vector.arithmetic.element);
  // Past the matrix's edge, a tile's columns are not written.
  assign writes = is_transpose ? column && line < lanes_of_chunk : last && !is_load_table && (!floating.reduces || last_chunk);
  assign a = position.a;
  // What is accumulated upon is read in b's place.
  assign b = floating.accumulate ? position.d : position.b;
  assign d = position.d;
  assign p = position.p;

  always_comb begin
    next = position;
    if (!last_window_1) begin
      next.window_1 = position.window_1 + 16'd1;
      next.b = position.b + (b_in_window ? vector.b_window_stride : 24'd0);
      if (is_transpose && column) next.d = position.d + vector.d_strides[0];
      else next.a = position.a + a_window_step;
    end else begin
      next.window_1 = '0;
      if (!last_window_2) begin
        next.window_2 = position.window_2 + 16'd1;
        next.b = position.b + (b_in_window ? vector.b_window_stride : 24'd0);
        next.a_window = position.a_window + vector.window_strides[1];
      end else begin
        next.window_2 = '0;
        if (!last_chunk) begin
          next.rest = position.rest - 24'(chunk);
          next.a_chunk = position.a_chunk + a_chunk_step;
          next.b_chunk = position.b_chunk + b_chunk_step;
          next.p = position.p + 16'(chunk);
          // A tile's columns have already moved d on, those past the edge too.
          next.d = is_transpose ? position.d + vector.d_strides[0] : position.d + d_chunk_step;
        end else begin
          next.rest = length;
          next.p = vector.p;
          if (!last_row) begin
            next.left = position.left - rows_of_beat;
            next.a_1 = position.a_1 + a_step_1;
            next.b_1 = position.b_1 + b_step_1;
            next.d_1 = is_transpose ? position.d_1 + 24'(LANES) : position.d_1 + vector.d_strides[0];
          end else begin
            next.left = vector.counts[0];
            next.row_2 = position.row_2 + 16'd1;
            next.a_2 = position.a_2 + vector.a_strides[1];
            next.b_2 = position.b_2 + (b_stays ? 24'd0 : vector.b_strides[1]);
            next.d_2 = position.d_2 + vector.d_strides[1];
            next.a_1 = next.a_2;
            next.b_1 = next.b_2;
            next.d_1 = next.d_2;
          end
          next.a_chunk = next.a_1;
          next.b_chunk = next.b_1;
          next.d = next.d_1;
        end
        next.a_window = next.a_chunk;
        next.b = next.b_chunk;
      end
      next.a = next.a_window;
    end
  end

  always_ff @(posedge clock) begin
    if (beat) begin
      register <= next;
      active   <= !done;
    end
    if (start) begin
      vector_register <= head;
      floating_register <= head_floating;
      ticket_register <= head_ticket;
    end
    if (reset) active <= 1'b0;
  end
endmodule
