// The addresses of a `dot`, a beat a cycle: block, pixel row, pixel, window row, stretch, step, the last innermost.
//
// In the start's cycle the position is that of the entry at the queue's head, so that its first beat is in
// that cycle. After it, the position is a register. Additions alone step a position, because every level
// knows where its present run began.
module matrix_address #(
    parameter int unsigned ROWS = 16
) (
    input  logic                       clock,
    input  logic                       reset,
    input  ediacara_core_pkg::dot_t    head,
    input  ediacara_core_pkg::ticket_t head_ticket,
    input  logic                       start,
    output logic                       ready,
    output ediacara_core_pkg::dot_t    dot,
    output ediacara_core_pkg::ticket_t ticket,
    output logic                       beat,
    output logic                       first,  // of the window
    output logic                       last,  // of the window
    output logic                       done,  // the last beat of all
    output logic [8:0]                 lanes,  // that the stretch fills
    output logic [23:0]                x,
    output logic [23:0]                w_row,
    output logic [23:0]                acc
);
  import ediacara_core_pkg::*;

  typedef struct packed {
    logic [11:0] block;
    logic [15:0] pixel_y;
    logic [15:0] pixel_x;
    logic [15:0] window_y;
    logic [15:0] window_x;
    logic [23:0] rest;  // bytes of the stretch that are left, this step included
    // Where in NRAM the pixel row, the pixel, the window row, the stretch and the step begin.
    logic [23:0] x_row;
    logic [23:0] x_pixel;
    logic [23:0] x_window;
    logic [23:0] x_stretch;
    logic [23:0] x;
    logic [23:0] w_block;
    logic [23:0] w_row;
    logic [23:0] acc_block;
    logic [23:0] acc;
  } position_t;

  logic active;
  dot_t dot_register;
  ticket_t ticket_register;
  position_t register, position, next;

  logic last_step, last_stretch, last_row, last_pixel, last_pixel_row, last_block;

  always_comb begin
    dot = start ? head : dot_register;
    ticket = start ? head_ticket : ticket_register;
    position = register;
    if (start) begin
      position = '0;
      position.rest = head.stretch;
      position.x_row = head.x;
      position.x_pixel = head.x;
      position.x_window = head.x;
      position.x_stretch = head.x;
      position.x = head.x;
      position.w_block = head.w_row;
      position.w_row = head.w_row;
      position.acc_block = head.acc;
      position.acc = head.acc;
    end
  end

  assign last_step = position.rest <= 24'(ROWS);
  assign last_stretch = position.window_x == dot.window_count_x - 16'd1;
  assign last_row = position.window_y == dot.window_count_y - 16'd1;
  assign last_pixel = position.pixel_x == dot.pixels_x - 16'd1;
  assign last_pixel_row = position.pixel_y == dot.pixels_y - 16'd1;
  assign last_block = position.block == dot.blocks - 12'd1;

  assign beat = start || active;
  assign ready = !active;
  assign first = position.rest == dot.stretch && position.window_x == '0 && position.window_y == '0;
  assign last = last_step && last_stretch && last_row;
  assign done = last && last_pixel && last_pixel_row && last_block;
  assign lanes = last_step ? position.rest[8:0] : 9'(ROWS);
  assign x = position.x;
  assign w_row = position.w_row;
  assign acc = position.acc;

  always_comb begin
    next = position;
    next.w_row = position.w_row + 24'd1;
    if (!last_step) begin
      next.rest = position.rest - 24'(ROWS);
      next.x = position.x + 24'(ROWS);
    end else begin
      next.rest = dot.stretch;
      if (!last_stretch) begin
        next.window_x = position.window_x + 16'd1;
        next.x_stretch = position.x_stretch + dot.window_stride_x;
      end else begin
        next.window_x = '0;
        if (!last_row) begin
          next.window_y = position.window_y + 16'd1;
          next.x_window = position.x_window + dot.window_stride_y;
        end else begin
          next.window_y = '0;
          next.w_row = position.w_block;
          next.acc = position.acc + dot.acc_stride_pixel;
          if (!last_pixel) begin
            next.pixel_x = position.pixel_x + 16'd1;
            next.x_pixel = position.x_pixel + dot.x_stride_x;
          end else begin
            next.pixel_x = '0;
            if (!last_pixel_row) begin
              next.pixel_y = position.pixel_y + 16'd1;
              next.x_row = position.x_row + dot.x_stride_y;
            end else begin
              next.pixel_y = '0;
              next.x_row = dot.x;
              next.block = position.block + 12'd1;
              next.w_block = position.w_block + dot.w_block_stride;
              next.w_row = next.w_block;
              next.acc_block = position.acc_block + dot.acc_stride_block;
              next.acc = next.acc_block;
            end
            next.x_pixel = next.x_row;
          end
          next.x_window = next.x_pixel;
        end
        next.x_stretch = next.x_window;
      end
      next.x = next.x_stretch;
    end
  end

  always_ff @(posedge clock) begin
    if (beat) begin
      register <= next;
      active   <= !done;
    end
    if (start) begin
      dot_register <= head;
      ticket_register <= head_ticket;
    end
    if (reset) active <= 1'b0;
  end
endmodule
