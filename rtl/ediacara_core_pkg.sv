// Types that the modules of the core share: the queue entries of each engine.
//
// An entry is an instruction with every operand resolved (docs/isa.md). Registers and configuration are read
// when it is issued. Its addresses have been checked then, so that an engine may cut them to 24 bits, the
// reach of an address on chip. Strides on chip are cut likewise, since an address inside a memory is the same
// modulo 2^24.
package ediacara_core_pkg;

  // Engines with a queue, in the order in which waits are decided (T-SEMAPHORE).
  localparam int LOAD = 0;
  localparam int MATRIX = 1;
  localparam int VECTOR = 2;
  localparam int STORE = 3;
  localparam int ENGINES = 4;

  // Memories by their code in an instruction. The load engine writes all but ARAM.
  localparam logic [1:0] MEMORY_NRAM = 2'd0;
  localparam logic [1:0] MEMORY_WRAM = 2'd1;
  localparam logic [1:0] MEMORY_PRAM = 2'd2;
  localparam logic [1:0] MEMORY_ARAM = 2'd3;

  // Kinds of fault (docs/isa.md, "Faults").
  localparam logic [2:0] FAULT_OPCODE = 3'd0;
  localparam logic [2:0] FAULT_OPERAND = 3'd1;
  localparam logic [2:0] FAULT_ADDRESS = 3'd2;
  localparam logic [2:0] FAULT_FETCH = 3'd3;
  localparam logic [2:0] FAULT_SEMAPHORE_OVERFLOW = 3'd4;
  localparam logic [2:0] FAULT_DEADLOCK = 3'd5;

  // The part of an entry that is the same for every engine.
  typedef struct packed {
    logic [23:0] instruction;  // index in the code segment, for traces and faults
    logic [15:0] waits;        // semaphores to take one from
    logic [15:0] posts;        // semaphores to add one to
  } ticket_t;

  typedef struct packed {
    logic is_move;
    logic [1:0] memory;
    logic [39:0] source;  // `move`: NRAM
    logic [23:0] destination;  // bytes; records for PRAM
    logic [23:0] length;  // bytes
    logic [2:0][15:0] counts;
    logic [2:0][31:0] source_strides;
    logic [2:0][23:0] destination_strides;
  } load_t;

  typedef struct packed {
    logic [23:0] source;
    logic [39:0] destination;
    logic [23:0] length;
    logic [2:0][15:0] counts;
    logic [2:0][23:0] source_strides;
    logic [2:0][31:0] destination_strides;
  } store_t;

  typedef struct packed {
    logic [23:0] x;
    logic [23:0] w_row;  // row of WRAM
    logic [23:0] acc;
    logic [15:0] pixels_x;
    logic [15:0] pixels_y;
    logic [11:0] blocks;
    logic accumulate;
    logic [23:0] x_stride_x;
    logic [23:0] x_stride_y;
    logic [23:0] stretch;
    logic [15:0] window_count_x;
    logic [15:0] window_count_y;
    logic [23:0] window_stride_x;
    logic [23:0] window_stride_y;
    logic [23:0] w_block_stride;
    logic [23:0] acc_stride_pixel;
    logic [23:0] acc_stride_block;
    logic [7:0] x_zero;
    logic [7:0] w_zero;
  } dot_t;

  // What an instruction of the matrix engine has beside if it computes in floating point, else zero.
  typedef struct packed {
    logic valid;
    logic [2:0] code;  // the type of x and w
  } float_dot_t;

  // The computation of one beat of the vector engine, with its constants.
  typedef struct packed {
    logic [7:0] opcode;
    logic [7:0] value;  // of `fill`
    logic [1:0] element;  // of `transpose`: the logarithm of an element's bytes
    logic [7:0] a_zero;
    logic [7:0] b_zero;
    logic [7:0] d_zero;
    logic [7:0] low;
    logic [7:0] high;
    logic [30:0] a_multiplier;
    logic [30:0] b_multiplier;
    logic [5:0] shift;
  } arithmetic_t;

  // Strides are in units of the operand's memory: bytes in NRAM, accumulators in ARAM.
  typedef struct packed {
    arithmetic_t arithmetic;
    logic [23:0] d;
    logic [23:0] a;
    logic [23:0] b;
    logic [15:0] p;
    logic [23:0] length;
    logic [1:0][15:0] counts;
    logic [1:0][23:0] a_strides;
    logic [1:0][23:0] b_strides;
    logic [1:0][23:0] d_strides;
    logic [1:0][15:0] window_counts;
    logic [1:0][23:0] window_strides;
    logic [23:0] b_window_stride;
  } vector_t;

  // What an instruction of the vector engine has beside if it computes in floating point, else zero.
  typedef struct packed {
    logic valid;
    logic reads_nram;  // T-VECTOR-ORDER
    logic [2:0] width;  // the logarithm of the elements of a beat (T-VECTOR-WIDTH)
    logic reads_a;  // from NRAM
    logic reads_acc;
    logic reads_b;
    logic reads_records;
    logic reduces;  // a row has one result
    logic scaled_by_records;  // so a is read
    logic scalar;
    logic constant;  // stands for b
    logic accumulate;
    logic moves;
    logic [2:0] relation;
    logic [2:0] a_type;
    logic [2:0] b_type;
    logic [2:0] d_type;
    logic [31:0] a_scale;
    logic [31:0] b_scale;
    logic [31:0] d_inverse_scale;
    logic [31:0] constant_value;
  } floating_t;

  // A beat of a float instruction on its way through the stages of `vector_float`.
  typedef struct packed {
    logic valid;
    logic first;  // of the window; of the row, where that has one result
    logic [4:0] lanes;  // elements
    arithmetic_t arithmetic;
    floating_t floating;
  } float_beat_t;

endpackage
