// The instruction set: generated from crates/isa/src/table.rs and config.rs, not to be edited.
package ediacara_isa_pkg;

  // The table is whole; the core has no use for some of its numbers.
  /* verilator lint_off UNUSEDPARAM */
  localparam int WORD_OPCODE_LSB = 0;
  localparam int WORD_OPCODE_WIDTH = 8;
  localparam int WORD_RESERVED_LSB = 8;
  localparam int WORD_RESERVED_WIDTH = 8;
  localparam int WORD_WAIT_LSB = 16;
  localparam int WORD_WAIT_WIDTH = 16;
  localparam int WORD_POST_LSB = 32;
  localparam int WORD_POST_WIDTH = 16;

  // nop: nothing, one cycle
  localparam logic [7:0] OPCODE_NOP = 8'h01;
  localparam logic [255:0] USED_NOP = 256'h00000000000000000000000000000000000000000000000000000000000000ff;

  // halt: waits until every engine is idle, then ends the program
  localparam logic [7:0] OPCODE_HALT = 8'h02;
  localparam logic [255:0] USED_HALT = 256'h00000000000000000000000000000000000000000000000000000000000000ff;

  // sync: waits until every engine is idle
  localparam logic [7:0] OPCODE_SYNC = 8'h03;
  localparam logic [255:0] USED_SYNC = 256'h00000000000000000000000000000000000000000000000000000000000000ff;

  // signal: posts its mask at once
  localparam logic [7:0] OPCODE_SIGNAL = 8'h04;
  localparam logic [255:0] USED_SIGNAL = 256'h0000000000000000000000000000000000000000000000000000ffff000000ff;

  // set: `R[rd] = value`
  localparam logic [7:0] OPCODE_SET = 8'h05;
  localparam int SET_RD_LSB = 48;
  localparam int SET_RD_WIDTH = 4;
  localparam int SET_VALUE_LSB = 64;
  localparam int SET_VALUE_WIDTH = 40;
  localparam logic [255:0] USED_SET = 256'h00000000000000000000000000000000000000ffffffffff000f0000000000ff;

  // add_scalar: `R[rd] = R[ra] + R[rb] + value mod 2^40`
  localparam logic [7:0] OPCODE_ADD_SCALAR = 8'h06;
  localparam int ADD_SCALAR_RD_LSB = 48;
  localparam int ADD_SCALAR_RD_WIDTH = 4;
  localparam int ADD_SCALAR_RA_LSB = 52;
  localparam int ADD_SCALAR_RA_WIDTH = 4;
  localparam int ADD_SCALAR_RB_LSB = 56;
  localparam int ADD_SCALAR_RB_WIDTH = 4;
  localparam int ADD_SCALAR_VALUE_LSB = 64;
  localparam int ADD_SCALAR_VALUE_WIDTH = 40;
  localparam logic [255:0] USED_ADD_SCALAR = 256'h00000000000000000000000000000000000000ffffffffff0fff0000000000ff;

  // loop: runs the next `body` instructions `count + R[register]` times
  localparam logic [7:0] OPCODE_LOOP = 8'h07;
  localparam int LOOP_COUNT_LSB = 64;
  localparam int LOOP_COUNT_WIDTH = 24;
  localparam int LOOP_REGISTER_LSB = 48;
  localparam int LOOP_REGISTER_WIDTH = 4;
  localparam int LOOP_BODY_LSB = 96;
  localparam int LOOP_BODY_WIDTH = 16;
  localparam logic [255:0] USED_LOOP = 256'h000000000000000000000000000000000000ffff00ffffff000f0000000000ff;

  // jump: goes on at instruction index `target`
  localparam logic [7:0] OPCODE_JUMP = 8'h08;
  localparam int JUMP_TARGET_LSB = 64;
  localparam int JUMP_TARGET_WIDTH = 24;
  localparam logic [255:0] USED_JUMP = 256'h000000000000000000000000000000000000000000ffffff00000000000000ff;

  // branch: goes to `target` if `R[ra] condition R[rb]` (unsigned)
  localparam logic [7:0] OPCODE_BRANCH = 8'h09;
  localparam int BRANCH_CONDITION_LSB = 48;
  localparam int BRANCH_CONDITION_WIDTH = 2;
  localparam int BRANCH_RA_LSB = 52;
  localparam int BRANCH_RA_WIDTH = 4;
  localparam int BRANCH_RB_LSB = 56;
  localparam int BRANCH_RB_WIDTH = 4;
  localparam int BRANCH_TARGET_LSB = 64;
  localparam int BRANCH_TARGET_WIDTH = 24;
  localparam logic [255:0] USED_BRANCH = 256'h000000000000000000000000000000000000000000ffffff0ff30000000000ff;

  // config: writes configuration registers: five places of a register's number (8 bits, 0xff = unused) and a value (32 bits); used places come first, unused ones have value zero
  localparam logic [7:0] OPCODE_CONFIG = 8'h0a;
  localparam int CONFIG_WRITES_LSB = 48;
  localparam int CONFIG_WRITES_WIDTH = 200;
  localparam logic [255:0] USED_CONFIG = 256'h00ffffffffffffffffffffffffffffffffffffffffffffffffff0000000000ff;

  // load: strided copy from DRAM; to PRAM the length is a multiple of 12
  localparam logic [7:0] OPCODE_LOAD = 8'h10;
  localparam int LOAD_MEMORY_LSB = 124;
  localparam int LOAD_MEMORY_WIDTH = 2;
  localparam int LOAD_SOURCE_OFFSET_LSB = 48;
  localparam int LOAD_SOURCE_OFFSET_WIDTH = 40;
  localparam int LOAD_SOURCE_REGISTER_LSB = 88;
  localparam int LOAD_SOURCE_REGISTER_WIDTH = 4;
  localparam int LOAD_SOURCE_SPACE_LSB = 92;
  localparam int LOAD_SOURCE_SPACE_WIDTH = 4;
  localparam int LOAD_DESTINATION_OFFSET_LSB = 96;
  localparam int LOAD_DESTINATION_OFFSET_WIDTH = 24;
  localparam int LOAD_DESTINATION_REGISTER_LSB = 120;
  localparam int LOAD_DESTINATION_REGISTER_WIDTH = 4;
  localparam int LOAD_LENGTH_LSB = 128;
  localparam int LOAD_LENGTH_WIDTH = 24;
  localparam int LOAD_COUNT_1_LSB = 160;
  localparam int LOAD_COUNT_1_WIDTH = 16;
  localparam int LOAD_COUNT_2_LSB = 176;
  localparam int LOAD_COUNT_2_WIDTH = 16;
  localparam int LOAD_COUNT_3_LSB = 192;
  localparam int LOAD_COUNT_3_WIDTH = 16;
  localparam logic [255:0] USED_LOAD = 256'h000000000000ffffffffffff00ffffff3fffffffffffffffffffffffffff00ff;

  // move: strided copy from NRAM to WRAM
  localparam logic [7:0] OPCODE_MOVE = 8'h11;
  localparam int MOVE_MEMORY_LSB = 124;
  localparam int MOVE_MEMORY_WIDTH = 2;
  localparam int MOVE_SOURCE_OFFSET_LSB = 48;
  localparam int MOVE_SOURCE_OFFSET_WIDTH = 24;
  localparam int MOVE_SOURCE_REGISTER_LSB = 72;
  localparam int MOVE_SOURCE_REGISTER_WIDTH = 4;
  localparam int MOVE_DESTINATION_OFFSET_LSB = 96;
  localparam int MOVE_DESTINATION_OFFSET_WIDTH = 24;
  localparam int MOVE_DESTINATION_REGISTER_LSB = 120;
  localparam int MOVE_DESTINATION_REGISTER_WIDTH = 4;
  localparam int MOVE_LENGTH_LSB = 128;
  localparam int MOVE_LENGTH_WIDTH = 24;
  localparam int MOVE_COUNT_1_LSB = 160;
  localparam int MOVE_COUNT_1_WIDTH = 16;
  localparam int MOVE_COUNT_2_LSB = 176;
  localparam int MOVE_COUNT_2_WIDTH = 16;
  localparam int MOVE_COUNT_3_LSB = 192;
  localparam int MOVE_COUNT_3_WIDTH = 16;
  localparam logic [255:0] USED_MOVE = 256'h000000000000ffffffffffff00ffffff3fffffff00000fffffffffffffff00ff;

  // dot: inner products of NRAM windows with WRAM rows into ARAM (below)
  localparam logic [7:0] OPCODE_DOT = 8'h20;
  localparam int DOT_X_OFFSET_LSB = 48;
  localparam int DOT_X_OFFSET_WIDTH = 24;
  localparam int DOT_X_REGISTER_LSB = 72;
  localparam int DOT_X_REGISTER_WIDTH = 4;
  localparam int DOT_W_OFFSET_LSB = 80;
  localparam int DOT_W_OFFSET_WIDTH = 24;
  localparam int DOT_W_REGISTER_LSB = 104;
  localparam int DOT_W_REGISTER_WIDTH = 4;
  localparam int DOT_ACC_OFFSET_LSB = 112;
  localparam int DOT_ACC_OFFSET_WIDTH = 24;
  localparam int DOT_ACC_REGISTER_LSB = 136;
  localparam int DOT_ACC_REGISTER_WIDTH = 4;
  localparam int DOT_PIXELS_X_LSB = 144;
  localparam int DOT_PIXELS_X_WIDTH = 16;
  localparam int DOT_PIXELS_Y_LSB = 160;
  localparam int DOT_PIXELS_Y_WIDTH = 16;
  localparam int DOT_BLOCKS_LSB = 176;
  localparam int DOT_BLOCKS_WIDTH = 12;
  localparam int DOT_ACCUMULATE_LSB = 192;
  localparam int DOT_ACCUMULATE_WIDTH = 1;
  localparam logic [255:0] USED_DOT = 256'h00000000000000010fffffffffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_dot: N-FLOAT-DOT of the same windows and rows, whose elements are of `matrix.type`, into ARAM
  localparam logic [7:0] OPCODE_FLOAT_DOT = 8'h21;
  localparam int FLOAT_DOT_X_OFFSET_LSB = 48;
  localparam int FLOAT_DOT_X_OFFSET_WIDTH = 24;
  localparam int FLOAT_DOT_X_REGISTER_LSB = 72;
  localparam int FLOAT_DOT_X_REGISTER_WIDTH = 4;
  localparam int FLOAT_DOT_W_OFFSET_LSB = 80;
  localparam int FLOAT_DOT_W_OFFSET_WIDTH = 24;
  localparam int FLOAT_DOT_W_REGISTER_LSB = 104;
  localparam int FLOAT_DOT_W_REGISTER_WIDTH = 4;
  localparam int FLOAT_DOT_ACC_OFFSET_LSB = 112;
  localparam int FLOAT_DOT_ACC_OFFSET_WIDTH = 24;
  localparam int FLOAT_DOT_ACC_REGISTER_LSB = 136;
  localparam int FLOAT_DOT_ACC_REGISTER_WIDTH = 4;
  localparam int FLOAT_DOT_PIXELS_X_LSB = 144;
  localparam int FLOAT_DOT_PIXELS_X_WIDTH = 16;
  localparam int FLOAT_DOT_PIXELS_Y_LSB = 160;
  localparam int FLOAT_DOT_PIXELS_Y_WIDTH = 16;
  localparam int FLOAT_DOT_BLOCKS_LSB = 176;
  localparam int FLOAT_DOT_BLOCKS_WIDTH = 12;
  localparam int FLOAT_DOT_ACCUMULATE_LSB = 192;
  localparam int FLOAT_DOT_ACCUMULATE_WIDTH = 1;
  localparam logic [255:0] USED_FLOAT_DOT = 256'h00000000000000010fffffffffff0fffffff0fffffff0fffffffffffffff00ff;

  // fill: `d[j] = value`
  localparam logic [7:0] OPCODE_FILL = 8'h30;
  localparam int FILL_D_OFFSET_LSB = 48;
  localparam int FILL_D_OFFSET_WIDTH = 24;
  localparam int FILL_D_REGISTER_LSB = 72;
  localparam int FILL_D_REGISTER_WIDTH = 4;
  localparam int FILL_VALUE_LSB = 168;
  localparam int FILL_VALUE_WIDTH = 8;
  localparam int FILL_LENGTH_LSB = 176;
  localparam int FILL_LENGTH_WIDTH = 24;
  localparam int FILL_COUNT_1_LSB = 208;
  localparam int FILL_COUNT_1_WIDTH = 16;
  localparam int FILL_COUNT_2_LSB = 224;
  localparam int FILL_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FILL = 256'h0000ffffffff00ffffffff00000000000000000000000fffffffffffffff00ff;

  // copy: `d[j] = a[j]`
  localparam logic [7:0] OPCODE_COPY = 8'h31;
  localparam int COPY_D_OFFSET_LSB = 48;
  localparam int COPY_D_OFFSET_WIDTH = 24;
  localparam int COPY_D_REGISTER_LSB = 72;
  localparam int COPY_D_REGISTER_WIDTH = 4;
  localparam int COPY_A_OFFSET_LSB = 80;
  localparam int COPY_A_OFFSET_WIDTH = 24;
  localparam int COPY_A_REGISTER_LSB = 104;
  localparam int COPY_A_REGISTER_WIDTH = 4;
  localparam int COPY_LENGTH_LSB = 176;
  localparam int COPY_LENGTH_WIDTH = 24;
  localparam int COPY_COUNT_1_LSB = 208;
  localparam int COPY_COUNT_1_WIDTH = 16;
  localparam int COPY_COUNT_2_LSB = 224;
  localparam int COPY_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_COPY = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // requantise: N-REQUANTISE of `a[j]`, an accumulator, with record `p + j`
  localparam logic [7:0] OPCODE_REQUANTISE = 8'h32;
  localparam int REQUANTISE_D_OFFSET_LSB = 48;
  localparam int REQUANTISE_D_OFFSET_WIDTH = 24;
  localparam int REQUANTISE_D_REGISTER_LSB = 72;
  localparam int REQUANTISE_D_REGISTER_WIDTH = 4;
  localparam int REQUANTISE_A_OFFSET_LSB = 80;
  localparam int REQUANTISE_A_OFFSET_WIDTH = 24;
  localparam int REQUANTISE_A_REGISTER_LSB = 104;
  localparam int REQUANTISE_A_REGISTER_WIDTH = 4;
  localparam int REQUANTISE_P_OFFSET_LSB = 144;
  localparam int REQUANTISE_P_OFFSET_WIDTH = 16;
  localparam int REQUANTISE_P_REGISTER_LSB = 160;
  localparam int REQUANTISE_P_REGISTER_WIDTH = 4;
  localparam int REQUANTISE_LENGTH_LSB = 176;
  localparam int REQUANTISE_LENGTH_WIDTH = 24;
  localparam int REQUANTISE_COUNT_1_LSB = 208;
  localparam int REQUANTISE_COUNT_1_WIDTH = 16;
  localparam int REQUANTISE_COUNT_2_LSB = 224;
  localparam int REQUANTISE_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_REQUANTISE = 256'h0000ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // depthwise: N-DOT over the window of a with `b[window position][j]`, then N-REQUANTISE with record `p + j`
  localparam logic [7:0] OPCODE_DEPTHWISE = 8'h33;
  localparam int DEPTHWISE_D_OFFSET_LSB = 48;
  localparam int DEPTHWISE_D_OFFSET_WIDTH = 24;
  localparam int DEPTHWISE_D_REGISTER_LSB = 72;
  localparam int DEPTHWISE_D_REGISTER_WIDTH = 4;
  localparam int DEPTHWISE_A_OFFSET_LSB = 80;
  localparam int DEPTHWISE_A_OFFSET_WIDTH = 24;
  localparam int DEPTHWISE_A_REGISTER_LSB = 104;
  localparam int DEPTHWISE_A_REGISTER_WIDTH = 4;
  localparam int DEPTHWISE_B_OFFSET_LSB = 112;
  localparam int DEPTHWISE_B_OFFSET_WIDTH = 24;
  localparam int DEPTHWISE_B_REGISTER_LSB = 136;
  localparam int DEPTHWISE_B_REGISTER_WIDTH = 4;
  localparam int DEPTHWISE_P_OFFSET_LSB = 144;
  localparam int DEPTHWISE_P_OFFSET_WIDTH = 16;
  localparam int DEPTHWISE_P_REGISTER_LSB = 160;
  localparam int DEPTHWISE_P_REGISTER_WIDTH = 4;
  localparam int DEPTHWISE_LENGTH_LSB = 176;
  localparam int DEPTHWISE_LENGTH_WIDTH = 24;
  localparam int DEPTHWISE_COUNT_1_LSB = 208;
  localparam int DEPTHWISE_COUNT_1_WIDTH = 16;
  localparam int DEPTHWISE_COUNT_2_LSB = 224;
  localparam int DEPTHWISE_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_DEPTHWISE = 256'h0000ffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // max_pool: N-MAXPOOL over the window of a
  localparam logic [7:0] OPCODE_MAX_POOL = 8'h34;
  localparam int MAX_POOL_D_OFFSET_LSB = 48;
  localparam int MAX_POOL_D_OFFSET_WIDTH = 24;
  localparam int MAX_POOL_D_REGISTER_LSB = 72;
  localparam int MAX_POOL_D_REGISTER_WIDTH = 4;
  localparam int MAX_POOL_A_OFFSET_LSB = 80;
  localparam int MAX_POOL_A_OFFSET_WIDTH = 24;
  localparam int MAX_POOL_A_REGISTER_LSB = 104;
  localparam int MAX_POOL_A_REGISTER_WIDTH = 4;
  localparam int MAX_POOL_LENGTH_LSB = 176;
  localparam int MAX_POOL_LENGTH_WIDTH = 24;
  localparam int MAX_POOL_COUNT_1_LSB = 208;
  localparam int MAX_POOL_COUNT_1_WIDTH = 16;
  localparam int MAX_POOL_COUNT_2_LSB = 224;
  localparam int MAX_POOL_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_MAX_POOL = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // average_pool: N-AVERAGE over the window of a, with `a_multiplier`, `shift`
  localparam logic [7:0] OPCODE_AVERAGE_POOL = 8'h35;
  localparam int AVERAGE_POOL_D_OFFSET_LSB = 48;
  localparam int AVERAGE_POOL_D_OFFSET_WIDTH = 24;
  localparam int AVERAGE_POOL_D_REGISTER_LSB = 72;
  localparam int AVERAGE_POOL_D_REGISTER_WIDTH = 4;
  localparam int AVERAGE_POOL_A_OFFSET_LSB = 80;
  localparam int AVERAGE_POOL_A_OFFSET_WIDTH = 24;
  localparam int AVERAGE_POOL_A_REGISTER_LSB = 104;
  localparam int AVERAGE_POOL_A_REGISTER_WIDTH = 4;
  localparam int AVERAGE_POOL_LENGTH_LSB = 176;
  localparam int AVERAGE_POOL_LENGTH_WIDTH = 24;
  localparam int AVERAGE_POOL_COUNT_1_LSB = 208;
  localparam int AVERAGE_POOL_COUNT_1_WIDTH = 16;
  localparam int AVERAGE_POOL_COUNT_2_LSB = 224;
  localparam int AVERAGE_POOL_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_AVERAGE_POOL = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // add: N-ADD of `a[j]` and `b[j]`, with `a_multiplier`, `b_multiplier`, `shift`
  localparam logic [7:0] OPCODE_ADD = 8'h36;
  localparam int ADD_D_OFFSET_LSB = 48;
  localparam int ADD_D_OFFSET_WIDTH = 24;
  localparam int ADD_D_REGISTER_LSB = 72;
  localparam int ADD_D_REGISTER_WIDTH = 4;
  localparam int ADD_A_OFFSET_LSB = 80;
  localparam int ADD_A_OFFSET_WIDTH = 24;
  localparam int ADD_A_REGISTER_LSB = 104;
  localparam int ADD_A_REGISTER_WIDTH = 4;
  localparam int ADD_B_OFFSET_LSB = 112;
  localparam int ADD_B_OFFSET_WIDTH = 24;
  localparam int ADD_B_REGISTER_LSB = 136;
  localparam int ADD_B_REGISTER_WIDTH = 4;
  localparam int ADD_LENGTH_LSB = 176;
  localparam int ADD_LENGTH_WIDTH = 24;
  localparam int ADD_COUNT_1_LSB = 208;
  localparam int ADD_COUNT_1_WIDTH = 16;
  localparam int ADD_COUNT_2_LSB = 224;
  localparam int ADD_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_ADD = 256'h0000ffffffff00ffffff000000000fffffff0fffffff0fffffffffffffff00ff;

  // multiply: N-MULTIPLY of `a[j]` and `b[j]`, with `a_multiplier`, `shift`
  localparam logic [7:0] OPCODE_MULTIPLY = 8'h37;
  localparam int MULTIPLY_D_OFFSET_LSB = 48;
  localparam int MULTIPLY_D_OFFSET_WIDTH = 24;
  localparam int MULTIPLY_D_REGISTER_LSB = 72;
  localparam int MULTIPLY_D_REGISTER_WIDTH = 4;
  localparam int MULTIPLY_A_OFFSET_LSB = 80;
  localparam int MULTIPLY_A_OFFSET_WIDTH = 24;
  localparam int MULTIPLY_A_REGISTER_LSB = 104;
  localparam int MULTIPLY_A_REGISTER_WIDTH = 4;
  localparam int MULTIPLY_B_OFFSET_LSB = 112;
  localparam int MULTIPLY_B_OFFSET_WIDTH = 24;
  localparam int MULTIPLY_B_REGISTER_LSB = 136;
  localparam int MULTIPLY_B_REGISTER_WIDTH = 4;
  localparam int MULTIPLY_LENGTH_LSB = 176;
  localparam int MULTIPLY_LENGTH_WIDTH = 24;
  localparam int MULTIPLY_COUNT_1_LSB = 208;
  localparam int MULTIPLY_COUNT_1_WIDTH = 16;
  localparam int MULTIPLY_COUNT_2_LSB = 224;
  localparam int MULTIPLY_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_MULTIPLY = 256'h0000ffffffff00ffffff000000000fffffff0fffffff0fffffffffffffff00ff;

  // maximum: N-MAXIMUM of `a[j]` and `b[j]`
  localparam logic [7:0] OPCODE_MAXIMUM = 8'h38;
  localparam int MAXIMUM_D_OFFSET_LSB = 48;
  localparam int MAXIMUM_D_OFFSET_WIDTH = 24;
  localparam int MAXIMUM_D_REGISTER_LSB = 72;
  localparam int MAXIMUM_D_REGISTER_WIDTH = 4;
  localparam int MAXIMUM_A_OFFSET_LSB = 80;
  localparam int MAXIMUM_A_OFFSET_WIDTH = 24;
  localparam int MAXIMUM_A_REGISTER_LSB = 104;
  localparam int MAXIMUM_A_REGISTER_WIDTH = 4;
  localparam int MAXIMUM_B_OFFSET_LSB = 112;
  localparam int MAXIMUM_B_OFFSET_WIDTH = 24;
  localparam int MAXIMUM_B_REGISTER_LSB = 136;
  localparam int MAXIMUM_B_REGISTER_WIDTH = 4;
  localparam int MAXIMUM_LENGTH_LSB = 176;
  localparam int MAXIMUM_LENGTH_WIDTH = 24;
  localparam int MAXIMUM_COUNT_1_LSB = 208;
  localparam int MAXIMUM_COUNT_1_WIDTH = 16;
  localparam int MAXIMUM_COUNT_2_LSB = 224;
  localparam int MAXIMUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_MAXIMUM = 256'h0000ffffffff00ffffff000000000fffffff0fffffff0fffffffffffffff00ff;

  // load_table: fills the 256-byte table from NRAM
  localparam logic [7:0] OPCODE_LOAD_TABLE = 8'h39;
  localparam int LOAD_TABLE_A_OFFSET_LSB = 80;
  localparam int LOAD_TABLE_A_OFFSET_WIDTH = 24;
  localparam int LOAD_TABLE_A_REGISTER_LSB = 104;
  localparam int LOAD_TABLE_A_REGISTER_WIDTH = 4;
  localparam logic [255:0] USED_LOAD_TABLE = 256'h0000000000000000000000000000000000000fffffff00000000ffffffff00ff;

  // table: N-TABLE of `a[j]`
  localparam logic [7:0] OPCODE_TABLE = 8'h3a;
  localparam int TABLE_D_OFFSET_LSB = 48;
  localparam int TABLE_D_OFFSET_WIDTH = 24;
  localparam int TABLE_D_REGISTER_LSB = 72;
  localparam int TABLE_D_REGISTER_WIDTH = 4;
  localparam int TABLE_A_OFFSET_LSB = 80;
  localparam int TABLE_A_OFFSET_WIDTH = 24;
  localparam int TABLE_A_REGISTER_LSB = 104;
  localparam int TABLE_A_REGISTER_WIDTH = 4;
  localparam int TABLE_LENGTH_LSB = 176;
  localparam int TABLE_LENGTH_WIDTH = 24;
  localparam int TABLE_COUNT_1_LSB = 208;
  localparam int TABLE_COUNT_1_WIDTH = 16;
  localparam int TABLE_COUNT_2_LSB = 224;
  localparam int TABLE_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_TABLE = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // transpose: `length` x `count_1` from `count_1` x `length`: `d[j*d_stride_1 + i1] = a[i1*a_stride_1 + j]`, for each `i2`
  localparam logic [7:0] OPCODE_TRANSPOSE = 8'h3b;
  localparam int TRANSPOSE_D_OFFSET_LSB = 48;
  localparam int TRANSPOSE_D_OFFSET_WIDTH = 24;
  localparam int TRANSPOSE_D_REGISTER_LSB = 72;
  localparam int TRANSPOSE_D_REGISTER_WIDTH = 4;
  localparam int TRANSPOSE_A_OFFSET_LSB = 80;
  localparam int TRANSPOSE_A_OFFSET_WIDTH = 24;
  localparam int TRANSPOSE_A_REGISTER_LSB = 104;
  localparam int TRANSPOSE_A_REGISTER_WIDTH = 4;
  localparam int TRANSPOSE_LENGTH_LSB = 176;
  localparam int TRANSPOSE_LENGTH_WIDTH = 24;
  localparam int TRANSPOSE_COUNT_1_LSB = 208;
  localparam int TRANSPOSE_COUNT_1_WIDTH = 16;
  localparam int TRANSPOSE_COUNT_2_LSB = 224;
  localparam int TRANSPOSE_COUNT_2_WIDTH = 16;
  localparam int TRANSPOSE_ELEMENT_LSB = 240;
  localparam int TRANSPOSE_ELEMENT_WIDTH = 2;
  localparam logic [255:0] USED_TRANSPOSE = 256'h0003ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // store: strided copy from NRAM to DRAM
  localparam logic [7:0] OPCODE_STORE = 8'h40;
  localparam int STORE_SOURCE_OFFSET_LSB = 48;
  localparam int STORE_SOURCE_OFFSET_WIDTH = 24;
  localparam int STORE_SOURCE_REGISTER_LSB = 72;
  localparam int STORE_SOURCE_REGISTER_WIDTH = 4;
  localparam int STORE_DESTINATION_OFFSET_LSB = 80;
  localparam int STORE_DESTINATION_OFFSET_WIDTH = 40;
  localparam int STORE_DESTINATION_REGISTER_LSB = 120;
  localparam int STORE_DESTINATION_REGISTER_WIDTH = 4;
  localparam int STORE_DESTINATION_SPACE_LSB = 124;
  localparam int STORE_DESTINATION_SPACE_WIDTH = 4;
  localparam int STORE_LENGTH_LSB = 128;
  localparam int STORE_LENGTH_WIDTH = 24;
  localparam int STORE_COUNT_1_LSB = 160;
  localparam int STORE_COUNT_1_WIDTH = 16;
  localparam int STORE_COUNT_2_LSB = 176;
  localparam int STORE_COUNT_2_WIDTH = 16;
  localparam int STORE_COUNT_3_LSB = 192;
  localparam int STORE_COUNT_3_WIDTH = 16;
  localparam logic [255:0] USED_STORE = 256'h000000000000ffffffffffff00ffffffffffffffffff0fffffffffffffff00ff;

  // float_fill: `d[j] = constant`
  localparam logic [7:0] OPCODE_FLOAT_FILL = 8'h50;
  localparam int FLOAT_FILL_D_OFFSET_LSB = 48;
  localparam int FLOAT_FILL_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_FILL_D_REGISTER_LSB = 72;
  localparam int FLOAT_FILL_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_FILL_LENGTH_LSB = 176;
  localparam int FLOAT_FILL_LENGTH_WIDTH = 24;
  localparam int FLOAT_FILL_COUNT_1_LSB = 208;
  localparam int FLOAT_FILL_COUNT_1_WIDTH = 16;
  localparam int FLOAT_FILL_COUNT_2_LSB = 224;
  localparam int FLOAT_FILL_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_FILL = 256'h0000ffffffff00ffffff0000000000000000000000000fffffffffffffff00ff;

  // float_copy: `d[j] = a[j]`
  localparam logic [7:0] OPCODE_FLOAT_COPY = 8'h51;
  localparam int FLOAT_COPY_D_OFFSET_LSB = 48;
  localparam int FLOAT_COPY_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_COPY_D_REGISTER_LSB = 72;
  localparam int FLOAT_COPY_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_COPY_MEMORY_LSB = 240;
  localparam int FLOAT_COPY_MEMORY_WIDTH = 2;
  localparam int FLOAT_COPY_A_OFFSET_LSB = 80;
  localparam int FLOAT_COPY_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_COPY_A_REGISTER_LSB = 104;
  localparam int FLOAT_COPY_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_COPY_RECORDS_LSB = 244;
  localparam int FLOAT_COPY_RECORDS_WIDTH = 1;
  localparam int FLOAT_COPY_P_OFFSET_LSB = 144;
  localparam int FLOAT_COPY_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_COPY_P_REGISTER_LSB = 160;
  localparam int FLOAT_COPY_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_COPY_LENGTH_LSB = 176;
  localparam int FLOAT_COPY_LENGTH_WIDTH = 24;
  localparam int FLOAT_COPY_COUNT_1_LSB = 208;
  localparam int FLOAT_COPY_COUNT_1_WIDTH = 16;
  localparam int FLOAT_COPY_COUNT_2_LSB = 224;
  localparam int FLOAT_COPY_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_COPY = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_add: `d[j] = a[j] + b[j]`
  localparam logic [7:0] OPCODE_FLOAT_ADD = 8'h52;
  localparam int FLOAT_ADD_D_OFFSET_LSB = 48;
  localparam int FLOAT_ADD_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_ADD_D_REGISTER_LSB = 72;
  localparam int FLOAT_ADD_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_ADD_MEMORY_LSB = 240;
  localparam int FLOAT_ADD_MEMORY_WIDTH = 2;
  localparam int FLOAT_ADD_A_OFFSET_LSB = 80;
  localparam int FLOAT_ADD_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_ADD_A_REGISTER_LSB = 104;
  localparam int FLOAT_ADD_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_ADD_RECORDS_LSB = 244;
  localparam int FLOAT_ADD_RECORDS_WIDTH = 1;
  localparam int FLOAT_ADD_P_OFFSET_LSB = 144;
  localparam int FLOAT_ADD_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_ADD_P_REGISTER_LSB = 160;
  localparam int FLOAT_ADD_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_ADD_B_OFFSET_LSB = 112;
  localparam int FLOAT_ADD_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_ADD_B_REGISTER_LSB = 136;
  localparam int FLOAT_ADD_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_ADD_SCALAR_LSB = 242;
  localparam int FLOAT_ADD_SCALAR_WIDTH = 1;
  localparam int FLOAT_ADD_CONSTANT_LSB = 243;
  localparam int FLOAT_ADD_CONSTANT_WIDTH = 1;
  localparam int FLOAT_ADD_LENGTH_LSB = 176;
  localparam int FLOAT_ADD_LENGTH_WIDTH = 24;
  localparam int FLOAT_ADD_COUNT_1_LSB = 208;
  localparam int FLOAT_ADD_COUNT_1_WIDTH = 16;
  localparam int FLOAT_ADD_COUNT_2_LSB = 224;
  localparam int FLOAT_ADD_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_ADD = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_subtract: `d[j] = a[j] - b[j]`
  localparam logic [7:0] OPCODE_FLOAT_SUBTRACT = 8'h53;
  localparam int FLOAT_SUBTRACT_D_OFFSET_LSB = 48;
  localparam int FLOAT_SUBTRACT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_SUBTRACT_D_REGISTER_LSB = 72;
  localparam int FLOAT_SUBTRACT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_SUBTRACT_MEMORY_LSB = 240;
  localparam int FLOAT_SUBTRACT_MEMORY_WIDTH = 2;
  localparam int FLOAT_SUBTRACT_A_OFFSET_LSB = 80;
  localparam int FLOAT_SUBTRACT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_SUBTRACT_A_REGISTER_LSB = 104;
  localparam int FLOAT_SUBTRACT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_SUBTRACT_RECORDS_LSB = 244;
  localparam int FLOAT_SUBTRACT_RECORDS_WIDTH = 1;
  localparam int FLOAT_SUBTRACT_P_OFFSET_LSB = 144;
  localparam int FLOAT_SUBTRACT_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_SUBTRACT_P_REGISTER_LSB = 160;
  localparam int FLOAT_SUBTRACT_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_SUBTRACT_B_OFFSET_LSB = 112;
  localparam int FLOAT_SUBTRACT_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_SUBTRACT_B_REGISTER_LSB = 136;
  localparam int FLOAT_SUBTRACT_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_SUBTRACT_SCALAR_LSB = 242;
  localparam int FLOAT_SUBTRACT_SCALAR_WIDTH = 1;
  localparam int FLOAT_SUBTRACT_CONSTANT_LSB = 243;
  localparam int FLOAT_SUBTRACT_CONSTANT_WIDTH = 1;
  localparam int FLOAT_SUBTRACT_LENGTH_LSB = 176;
  localparam int FLOAT_SUBTRACT_LENGTH_WIDTH = 24;
  localparam int FLOAT_SUBTRACT_COUNT_1_LSB = 208;
  localparam int FLOAT_SUBTRACT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_SUBTRACT_COUNT_2_LSB = 224;
  localparam int FLOAT_SUBTRACT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_SUBTRACT = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_multiply: `d[j] = a[j] * b[j]`
  localparam logic [7:0] OPCODE_FLOAT_MULTIPLY = 8'h54;
  localparam int FLOAT_MULTIPLY_D_OFFSET_LSB = 48;
  localparam int FLOAT_MULTIPLY_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_MULTIPLY_D_REGISTER_LSB = 72;
  localparam int FLOAT_MULTIPLY_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_MULTIPLY_MEMORY_LSB = 240;
  localparam int FLOAT_MULTIPLY_MEMORY_WIDTH = 2;
  localparam int FLOAT_MULTIPLY_A_OFFSET_LSB = 80;
  localparam int FLOAT_MULTIPLY_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_MULTIPLY_A_REGISTER_LSB = 104;
  localparam int FLOAT_MULTIPLY_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_MULTIPLY_RECORDS_LSB = 244;
  localparam int FLOAT_MULTIPLY_RECORDS_WIDTH = 1;
  localparam int FLOAT_MULTIPLY_P_OFFSET_LSB = 144;
  localparam int FLOAT_MULTIPLY_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_MULTIPLY_P_REGISTER_LSB = 160;
  localparam int FLOAT_MULTIPLY_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_MULTIPLY_B_OFFSET_LSB = 112;
  localparam int FLOAT_MULTIPLY_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_MULTIPLY_B_REGISTER_LSB = 136;
  localparam int FLOAT_MULTIPLY_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_MULTIPLY_SCALAR_LSB = 242;
  localparam int FLOAT_MULTIPLY_SCALAR_WIDTH = 1;
  localparam int FLOAT_MULTIPLY_CONSTANT_LSB = 243;
  localparam int FLOAT_MULTIPLY_CONSTANT_WIDTH = 1;
  localparam int FLOAT_MULTIPLY_LENGTH_LSB = 176;
  localparam int FLOAT_MULTIPLY_LENGTH_WIDTH = 24;
  localparam int FLOAT_MULTIPLY_COUNT_1_LSB = 208;
  localparam int FLOAT_MULTIPLY_COUNT_1_WIDTH = 16;
  localparam int FLOAT_MULTIPLY_COUNT_2_LSB = 224;
  localparam int FLOAT_MULTIPLY_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_MULTIPLY = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_scale: N-FLOAT-SCALE of `a[j]` with record `p + j`
  localparam logic [7:0] OPCODE_FLOAT_SCALE = 8'h55;
  localparam int FLOAT_SCALE_D_OFFSET_LSB = 48;
  localparam int FLOAT_SCALE_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_SCALE_D_REGISTER_LSB = 72;
  localparam int FLOAT_SCALE_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_SCALE_MEMORY_LSB = 240;
  localparam int FLOAT_SCALE_MEMORY_WIDTH = 2;
  localparam int FLOAT_SCALE_A_OFFSET_LSB = 80;
  localparam int FLOAT_SCALE_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_SCALE_A_REGISTER_LSB = 104;
  localparam int FLOAT_SCALE_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_SCALE_P_OFFSET_LSB = 144;
  localparam int FLOAT_SCALE_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_SCALE_P_REGISTER_LSB = 160;
  localparam int FLOAT_SCALE_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_SCALE_LENGTH_LSB = 176;
  localparam int FLOAT_SCALE_LENGTH_WIDTH = 24;
  localparam int FLOAT_SCALE_COUNT_1_LSB = 208;
  localparam int FLOAT_SCALE_COUNT_1_WIDTH = 16;
  localparam int FLOAT_SCALE_COUNT_2_LSB = 224;
  localparam int FLOAT_SCALE_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_SCALE = 256'h0003ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_maximum: the larger of `a[j]` and `b[j]`
  localparam logic [7:0] OPCODE_FLOAT_MAXIMUM = 8'h56;
  localparam int FLOAT_MAXIMUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_MAXIMUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_MAXIMUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_MAXIMUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_MAXIMUM_MEMORY_LSB = 240;
  localparam int FLOAT_MAXIMUM_MEMORY_WIDTH = 2;
  localparam int FLOAT_MAXIMUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_MAXIMUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_MAXIMUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_MAXIMUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_MAXIMUM_RECORDS_LSB = 244;
  localparam int FLOAT_MAXIMUM_RECORDS_WIDTH = 1;
  localparam int FLOAT_MAXIMUM_P_OFFSET_LSB = 144;
  localparam int FLOAT_MAXIMUM_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_MAXIMUM_P_REGISTER_LSB = 160;
  localparam int FLOAT_MAXIMUM_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_MAXIMUM_B_OFFSET_LSB = 112;
  localparam int FLOAT_MAXIMUM_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_MAXIMUM_B_REGISTER_LSB = 136;
  localparam int FLOAT_MAXIMUM_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_MAXIMUM_SCALAR_LSB = 242;
  localparam int FLOAT_MAXIMUM_SCALAR_WIDTH = 1;
  localparam int FLOAT_MAXIMUM_CONSTANT_LSB = 243;
  localparam int FLOAT_MAXIMUM_CONSTANT_WIDTH = 1;
  localparam int FLOAT_MAXIMUM_LENGTH_LSB = 176;
  localparam int FLOAT_MAXIMUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_MAXIMUM_COUNT_1_LSB = 208;
  localparam int FLOAT_MAXIMUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_MAXIMUM_COUNT_2_LSB = 224;
  localparam int FLOAT_MAXIMUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_MAXIMUM = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_minimum: the smaller of `a[j]` and `b[j]`
  localparam logic [7:0] OPCODE_FLOAT_MINIMUM = 8'h57;
  localparam int FLOAT_MINIMUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_MINIMUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_MINIMUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_MINIMUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_MINIMUM_MEMORY_LSB = 240;
  localparam int FLOAT_MINIMUM_MEMORY_WIDTH = 2;
  localparam int FLOAT_MINIMUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_MINIMUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_MINIMUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_MINIMUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_MINIMUM_RECORDS_LSB = 244;
  localparam int FLOAT_MINIMUM_RECORDS_WIDTH = 1;
  localparam int FLOAT_MINIMUM_P_OFFSET_LSB = 144;
  localparam int FLOAT_MINIMUM_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_MINIMUM_P_REGISTER_LSB = 160;
  localparam int FLOAT_MINIMUM_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_MINIMUM_B_OFFSET_LSB = 112;
  localparam int FLOAT_MINIMUM_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_MINIMUM_B_REGISTER_LSB = 136;
  localparam int FLOAT_MINIMUM_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_MINIMUM_SCALAR_LSB = 242;
  localparam int FLOAT_MINIMUM_SCALAR_WIDTH = 1;
  localparam int FLOAT_MINIMUM_CONSTANT_LSB = 243;
  localparam int FLOAT_MINIMUM_CONSTANT_WIDTH = 1;
  localparam int FLOAT_MINIMUM_LENGTH_LSB = 176;
  localparam int FLOAT_MINIMUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_MINIMUM_COUNT_1_LSB = 208;
  localparam int FLOAT_MINIMUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_MINIMUM_COUNT_2_LSB = 224;
  localparam int FLOAT_MINIMUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_MINIMUM = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_compare: `d[j] = 1` if `a[j] relation b[j]`, else 0
  localparam logic [7:0] OPCODE_FLOAT_COMPARE = 8'h58;
  localparam int FLOAT_COMPARE_D_OFFSET_LSB = 48;
  localparam int FLOAT_COMPARE_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_COMPARE_D_REGISTER_LSB = 72;
  localparam int FLOAT_COMPARE_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_COMPARE_MEMORY_LSB = 240;
  localparam int FLOAT_COMPARE_MEMORY_WIDTH = 2;
  localparam int FLOAT_COMPARE_A_OFFSET_LSB = 80;
  localparam int FLOAT_COMPARE_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_COMPARE_A_REGISTER_LSB = 104;
  localparam int FLOAT_COMPARE_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_COMPARE_RECORDS_LSB = 244;
  localparam int FLOAT_COMPARE_RECORDS_WIDTH = 1;
  localparam int FLOAT_COMPARE_P_OFFSET_LSB = 144;
  localparam int FLOAT_COMPARE_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_COMPARE_P_REGISTER_LSB = 160;
  localparam int FLOAT_COMPARE_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_COMPARE_B_OFFSET_LSB = 112;
  localparam int FLOAT_COMPARE_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_COMPARE_B_REGISTER_LSB = 136;
  localparam int FLOAT_COMPARE_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_COMPARE_SCALAR_LSB = 242;
  localparam int FLOAT_COMPARE_SCALAR_WIDTH = 1;
  localparam int FLOAT_COMPARE_CONSTANT_LSB = 243;
  localparam int FLOAT_COMPARE_CONSTANT_WIDTH = 1;
  localparam int FLOAT_COMPARE_RELATION_LSB = 248;
  localparam int FLOAT_COMPARE_RELATION_WIDTH = 3;
  localparam int FLOAT_COMPARE_LENGTH_LSB = 176;
  localparam int FLOAT_COMPARE_LENGTH_WIDTH = 24;
  localparam int FLOAT_COMPARE_COUNT_1_LSB = 208;
  localparam int FLOAT_COMPARE_COUNT_1_WIDTH = 16;
  localparam int FLOAT_COMPARE_COUNT_2_LSB = 224;
  localparam int FLOAT_COMPARE_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_COMPARE = 256'h071fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_select: `d[j] = b[j]` where `a[j]` is not zero; elsewhere `d[j]` stays
  localparam logic [7:0] OPCODE_FLOAT_SELECT = 8'h59;
  localparam int FLOAT_SELECT_D_OFFSET_LSB = 48;
  localparam int FLOAT_SELECT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_SELECT_D_REGISTER_LSB = 72;
  localparam int FLOAT_SELECT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_SELECT_MEMORY_LSB = 240;
  localparam int FLOAT_SELECT_MEMORY_WIDTH = 2;
  localparam int FLOAT_SELECT_A_OFFSET_LSB = 80;
  localparam int FLOAT_SELECT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_SELECT_A_REGISTER_LSB = 104;
  localparam int FLOAT_SELECT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_SELECT_RECORDS_LSB = 244;
  localparam int FLOAT_SELECT_RECORDS_WIDTH = 1;
  localparam int FLOAT_SELECT_P_OFFSET_LSB = 144;
  localparam int FLOAT_SELECT_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_SELECT_P_REGISTER_LSB = 160;
  localparam int FLOAT_SELECT_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_SELECT_B_OFFSET_LSB = 112;
  localparam int FLOAT_SELECT_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_SELECT_B_REGISTER_LSB = 136;
  localparam int FLOAT_SELECT_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_SELECT_SCALAR_LSB = 242;
  localparam int FLOAT_SELECT_SCALAR_WIDTH = 1;
  localparam int FLOAT_SELECT_CONSTANT_LSB = 243;
  localparam int FLOAT_SELECT_CONSTANT_WIDTH = 1;
  localparam int FLOAT_SELECT_LENGTH_LSB = 176;
  localparam int FLOAT_SELECT_LENGTH_WIDTH = 24;
  localparam int FLOAT_SELECT_COUNT_1_LSB = 208;
  localparam int FLOAT_SELECT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_SELECT_COUNT_2_LSB = 224;
  localparam int FLOAT_SELECT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_SELECT = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_exp2: 2 to the power of `a[j] - b[j]` (N-FUNCTION)
  localparam logic [7:0] OPCODE_FLOAT_EXP2 = 8'h5a;
  localparam int FLOAT_EXP2_D_OFFSET_LSB = 48;
  localparam int FLOAT_EXP2_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_EXP2_D_REGISTER_LSB = 72;
  localparam int FLOAT_EXP2_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_EXP2_MEMORY_LSB = 240;
  localparam int FLOAT_EXP2_MEMORY_WIDTH = 2;
  localparam int FLOAT_EXP2_A_OFFSET_LSB = 80;
  localparam int FLOAT_EXP2_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_EXP2_A_REGISTER_LSB = 104;
  localparam int FLOAT_EXP2_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_EXP2_RECORDS_LSB = 244;
  localparam int FLOAT_EXP2_RECORDS_WIDTH = 1;
  localparam int FLOAT_EXP2_P_OFFSET_LSB = 144;
  localparam int FLOAT_EXP2_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_EXP2_P_REGISTER_LSB = 160;
  localparam int FLOAT_EXP2_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_EXP2_B_OFFSET_LSB = 112;
  localparam int FLOAT_EXP2_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_EXP2_B_REGISTER_LSB = 136;
  localparam int FLOAT_EXP2_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_EXP2_SCALAR_LSB = 242;
  localparam int FLOAT_EXP2_SCALAR_WIDTH = 1;
  localparam int FLOAT_EXP2_CONSTANT_LSB = 243;
  localparam int FLOAT_EXP2_CONSTANT_WIDTH = 1;
  localparam int FLOAT_EXP2_LENGTH_LSB = 176;
  localparam int FLOAT_EXP2_LENGTH_WIDTH = 24;
  localparam int FLOAT_EXP2_COUNT_1_LSB = 208;
  localparam int FLOAT_EXP2_COUNT_1_WIDTH = 16;
  localparam int FLOAT_EXP2_COUNT_2_LSB = 224;
  localparam int FLOAT_EXP2_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_EXP2 = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_log2: the logarithm of `a[j]` to base 2 (N-FUNCTION)
  localparam logic [7:0] OPCODE_FLOAT_LOG2 = 8'h5b;
  localparam int FLOAT_LOG2_D_OFFSET_LSB = 48;
  localparam int FLOAT_LOG2_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_LOG2_D_REGISTER_LSB = 72;
  localparam int FLOAT_LOG2_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_LOG2_MEMORY_LSB = 240;
  localparam int FLOAT_LOG2_MEMORY_WIDTH = 2;
  localparam int FLOAT_LOG2_A_OFFSET_LSB = 80;
  localparam int FLOAT_LOG2_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_LOG2_A_REGISTER_LSB = 104;
  localparam int FLOAT_LOG2_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_LOG2_RECORDS_LSB = 244;
  localparam int FLOAT_LOG2_RECORDS_WIDTH = 1;
  localparam int FLOAT_LOG2_P_OFFSET_LSB = 144;
  localparam int FLOAT_LOG2_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_LOG2_P_REGISTER_LSB = 160;
  localparam int FLOAT_LOG2_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_LOG2_LENGTH_LSB = 176;
  localparam int FLOAT_LOG2_LENGTH_WIDTH = 24;
  localparam int FLOAT_LOG2_COUNT_1_LSB = 208;
  localparam int FLOAT_LOG2_COUNT_1_WIDTH = 16;
  localparam int FLOAT_LOG2_COUNT_2_LSB = 224;
  localparam int FLOAT_LOG2_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_LOG2 = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_reciprocal: `1 / a[j]` (N-FUNCTION)
  localparam logic [7:0] OPCODE_FLOAT_RECIPROCAL = 8'h5c;
  localparam int FLOAT_RECIPROCAL_D_OFFSET_LSB = 48;
  localparam int FLOAT_RECIPROCAL_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_D_REGISTER_LSB = 72;
  localparam int FLOAT_RECIPROCAL_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_MEMORY_LSB = 240;
  localparam int FLOAT_RECIPROCAL_MEMORY_WIDTH = 2;
  localparam int FLOAT_RECIPROCAL_A_OFFSET_LSB = 80;
  localparam int FLOAT_RECIPROCAL_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_A_REGISTER_LSB = 104;
  localparam int FLOAT_RECIPROCAL_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_RECORDS_LSB = 244;
  localparam int FLOAT_RECIPROCAL_RECORDS_WIDTH = 1;
  localparam int FLOAT_RECIPROCAL_P_OFFSET_LSB = 144;
  localparam int FLOAT_RECIPROCAL_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_RECIPROCAL_P_REGISTER_LSB = 160;
  localparam int FLOAT_RECIPROCAL_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_LENGTH_LSB = 176;
  localparam int FLOAT_RECIPROCAL_LENGTH_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_COUNT_1_LSB = 208;
  localparam int FLOAT_RECIPROCAL_COUNT_1_WIDTH = 16;
  localparam int FLOAT_RECIPROCAL_COUNT_2_LSB = 224;
  localparam int FLOAT_RECIPROCAL_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_RECIPROCAL = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_reciprocal_root: `1 / root(a[j])` (N-FUNCTION)
  localparam logic [7:0] OPCODE_FLOAT_RECIPROCAL_ROOT = 8'h5d;
  localparam int FLOAT_RECIPROCAL_ROOT_D_OFFSET_LSB = 48;
  localparam int FLOAT_RECIPROCAL_ROOT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_ROOT_D_REGISTER_LSB = 72;
  localparam int FLOAT_RECIPROCAL_ROOT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_ROOT_MEMORY_LSB = 240;
  localparam int FLOAT_RECIPROCAL_ROOT_MEMORY_WIDTH = 2;
  localparam int FLOAT_RECIPROCAL_ROOT_A_OFFSET_LSB = 80;
  localparam int FLOAT_RECIPROCAL_ROOT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_ROOT_A_REGISTER_LSB = 104;
  localparam int FLOAT_RECIPROCAL_ROOT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_ROOT_RECORDS_LSB = 244;
  localparam int FLOAT_RECIPROCAL_ROOT_RECORDS_WIDTH = 1;
  localparam int FLOAT_RECIPROCAL_ROOT_P_OFFSET_LSB = 144;
  localparam int FLOAT_RECIPROCAL_ROOT_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_RECIPROCAL_ROOT_P_REGISTER_LSB = 160;
  localparam int FLOAT_RECIPROCAL_ROOT_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_RECIPROCAL_ROOT_LENGTH_LSB = 176;
  localparam int FLOAT_RECIPROCAL_ROOT_LENGTH_WIDTH = 24;
  localparam int FLOAT_RECIPROCAL_ROOT_COUNT_1_LSB = 208;
  localparam int FLOAT_RECIPROCAL_ROOT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_RECIPROCAL_ROOT_COUNT_2_LSB = 224;
  localparam int FLOAT_RECIPROCAL_ROOT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_RECIPROCAL_ROOT = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_root: `root(a[j])` (N-FUNCTION)
  localparam logic [7:0] OPCODE_FLOAT_ROOT = 8'h5e;
  localparam int FLOAT_ROOT_D_OFFSET_LSB = 48;
  localparam int FLOAT_ROOT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROOT_D_REGISTER_LSB = 72;
  localparam int FLOAT_ROOT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROOT_MEMORY_LSB = 240;
  localparam int FLOAT_ROOT_MEMORY_WIDTH = 2;
  localparam int FLOAT_ROOT_A_OFFSET_LSB = 80;
  localparam int FLOAT_ROOT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROOT_A_REGISTER_LSB = 104;
  localparam int FLOAT_ROOT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROOT_RECORDS_LSB = 244;
  localparam int FLOAT_ROOT_RECORDS_WIDTH = 1;
  localparam int FLOAT_ROOT_P_OFFSET_LSB = 144;
  localparam int FLOAT_ROOT_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_ROOT_P_REGISTER_LSB = 160;
  localparam int FLOAT_ROOT_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROOT_LENGTH_LSB = 176;
  localparam int FLOAT_ROOT_LENGTH_WIDTH = 24;
  localparam int FLOAT_ROOT_COUNT_1_LSB = 208;
  localparam int FLOAT_ROOT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_ROOT_COUNT_2_LSB = 224;
  localparam int FLOAT_ROOT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_ROOT = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_row_sum: N-FLOAT-ROW sum of a row of a
  localparam logic [7:0] OPCODE_FLOAT_ROW_SUM = 8'h60;
  localparam int FLOAT_ROW_SUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_ROW_SUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_SUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_ROW_SUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_SUM_MEMORY_LSB = 240;
  localparam int FLOAT_ROW_SUM_MEMORY_WIDTH = 2;
  localparam int FLOAT_ROW_SUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_ROW_SUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_SUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_ROW_SUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_SUM_RECORDS_LSB = 244;
  localparam int FLOAT_ROW_SUM_RECORDS_WIDTH = 1;
  localparam int FLOAT_ROW_SUM_P_OFFSET_LSB = 144;
  localparam int FLOAT_ROW_SUM_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_ROW_SUM_P_REGISTER_LSB = 160;
  localparam int FLOAT_ROW_SUM_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_SUM_LENGTH_LSB = 176;
  localparam int FLOAT_ROW_SUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_ROW_SUM_COUNT_1_LSB = 208;
  localparam int FLOAT_ROW_SUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_ROW_SUM_COUNT_2_LSB = 224;
  localparam int FLOAT_ROW_SUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_ROW_SUM = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_row_dot: N-FLOAT-ROW product of a row of a and of b
  localparam logic [7:0] OPCODE_FLOAT_ROW_DOT = 8'h61;
  localparam int FLOAT_ROW_DOT_D_OFFSET_LSB = 48;
  localparam int FLOAT_ROW_DOT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_DOT_D_REGISTER_LSB = 72;
  localparam int FLOAT_ROW_DOT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_DOT_MEMORY_LSB = 240;
  localparam int FLOAT_ROW_DOT_MEMORY_WIDTH = 2;
  localparam int FLOAT_ROW_DOT_A_OFFSET_LSB = 80;
  localparam int FLOAT_ROW_DOT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_DOT_A_REGISTER_LSB = 104;
  localparam int FLOAT_ROW_DOT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_DOT_RECORDS_LSB = 244;
  localparam int FLOAT_ROW_DOT_RECORDS_WIDTH = 1;
  localparam int FLOAT_ROW_DOT_P_OFFSET_LSB = 144;
  localparam int FLOAT_ROW_DOT_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_ROW_DOT_P_REGISTER_LSB = 160;
  localparam int FLOAT_ROW_DOT_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_DOT_B_OFFSET_LSB = 112;
  localparam int FLOAT_ROW_DOT_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_DOT_B_REGISTER_LSB = 136;
  localparam int FLOAT_ROW_DOT_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_DOT_SCALAR_LSB = 242;
  localparam int FLOAT_ROW_DOT_SCALAR_WIDTH = 1;
  localparam int FLOAT_ROW_DOT_CONSTANT_LSB = 243;
  localparam int FLOAT_ROW_DOT_CONSTANT_WIDTH = 1;
  localparam int FLOAT_ROW_DOT_LENGTH_LSB = 176;
  localparam int FLOAT_ROW_DOT_LENGTH_WIDTH = 24;
  localparam int FLOAT_ROW_DOT_COUNT_1_LSB = 208;
  localparam int FLOAT_ROW_DOT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_ROW_DOT_COUNT_2_LSB = 224;
  localparam int FLOAT_ROW_DOT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_ROW_DOT = 256'h001fffffffff00ffffff000fffff0fffffff0fffffff0fffffffffffffff00ff;

  // float_row_maximum: N-FLOAT-ROW maximum of a row of a
  localparam logic [7:0] OPCODE_FLOAT_ROW_MAXIMUM = 8'h62;
  localparam int FLOAT_ROW_MAXIMUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_ROW_MAXIMUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_MAXIMUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_ROW_MAXIMUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_MAXIMUM_MEMORY_LSB = 240;
  localparam int FLOAT_ROW_MAXIMUM_MEMORY_WIDTH = 2;
  localparam int FLOAT_ROW_MAXIMUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_ROW_MAXIMUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_ROW_MAXIMUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_ROW_MAXIMUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_MAXIMUM_RECORDS_LSB = 244;
  localparam int FLOAT_ROW_MAXIMUM_RECORDS_WIDTH = 1;
  localparam int FLOAT_ROW_MAXIMUM_P_OFFSET_LSB = 144;
  localparam int FLOAT_ROW_MAXIMUM_P_OFFSET_WIDTH = 16;
  localparam int FLOAT_ROW_MAXIMUM_P_REGISTER_LSB = 160;
  localparam int FLOAT_ROW_MAXIMUM_P_REGISTER_WIDTH = 4;
  localparam int FLOAT_ROW_MAXIMUM_LENGTH_LSB = 176;
  localparam int FLOAT_ROW_MAXIMUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_ROW_MAXIMUM_COUNT_1_LSB = 208;
  localparam int FLOAT_ROW_MAXIMUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_ROW_MAXIMUM_COUNT_2_LSB = 224;
  localparam int FLOAT_ROW_MAXIMUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_ROW_MAXIMUM = 256'h0013ffffffff00ffffff000fffff000000000fffffff0fffffffffffffff00ff;

  // float_window_sum: N-FLOAT-WINDOW sum over the window of a
  localparam logic [7:0] OPCODE_FLOAT_WINDOW_SUM = 8'h64;
  localparam int FLOAT_WINDOW_SUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_WINDOW_SUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_SUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_WINDOW_SUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_SUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_WINDOW_SUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_SUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_WINDOW_SUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_SUM_ACCUMULATE_LSB = 245;
  localparam int FLOAT_WINDOW_SUM_ACCUMULATE_WIDTH = 1;
  localparam int FLOAT_WINDOW_SUM_LENGTH_LSB = 176;
  localparam int FLOAT_WINDOW_SUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_WINDOW_SUM_COUNT_1_LSB = 208;
  localparam int FLOAT_WINDOW_SUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_WINDOW_SUM_COUNT_2_LSB = 224;
  localparam int FLOAT_WINDOW_SUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_WINDOW_SUM = 256'h0020ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  // float_window_dot: N-FLOAT-WINDOW multiply-add over the window of a with `b[window position][j]`
  localparam logic [7:0] OPCODE_FLOAT_WINDOW_DOT = 8'h65;
  localparam int FLOAT_WINDOW_DOT_D_OFFSET_LSB = 48;
  localparam int FLOAT_WINDOW_DOT_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_DOT_D_REGISTER_LSB = 72;
  localparam int FLOAT_WINDOW_DOT_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_DOT_A_OFFSET_LSB = 80;
  localparam int FLOAT_WINDOW_DOT_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_DOT_A_REGISTER_LSB = 104;
  localparam int FLOAT_WINDOW_DOT_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_DOT_B_OFFSET_LSB = 112;
  localparam int FLOAT_WINDOW_DOT_B_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_DOT_B_REGISTER_LSB = 136;
  localparam int FLOAT_WINDOW_DOT_B_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_DOT_MOVES_LSB = 246;
  localparam int FLOAT_WINDOW_DOT_MOVES_WIDTH = 1;
  localparam int FLOAT_WINDOW_DOT_LENGTH_LSB = 176;
  localparam int FLOAT_WINDOW_DOT_LENGTH_WIDTH = 24;
  localparam int FLOAT_WINDOW_DOT_COUNT_1_LSB = 208;
  localparam int FLOAT_WINDOW_DOT_COUNT_1_WIDTH = 16;
  localparam int FLOAT_WINDOW_DOT_COUNT_2_LSB = 224;
  localparam int FLOAT_WINDOW_DOT_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_WINDOW_DOT = 256'h0040ffffffff00ffffff000000000fffffff0fffffff0fffffffffffffff00ff;

  // float_window_maximum: N-FLOAT-WINDOW maximum over the window of a
  localparam logic [7:0] OPCODE_FLOAT_WINDOW_MAXIMUM = 8'h66;
  localparam int FLOAT_WINDOW_MAXIMUM_D_OFFSET_LSB = 48;
  localparam int FLOAT_WINDOW_MAXIMUM_D_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_MAXIMUM_D_REGISTER_LSB = 72;
  localparam int FLOAT_WINDOW_MAXIMUM_D_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_MAXIMUM_A_OFFSET_LSB = 80;
  localparam int FLOAT_WINDOW_MAXIMUM_A_OFFSET_WIDTH = 24;
  localparam int FLOAT_WINDOW_MAXIMUM_A_REGISTER_LSB = 104;
  localparam int FLOAT_WINDOW_MAXIMUM_A_REGISTER_WIDTH = 4;
  localparam int FLOAT_WINDOW_MAXIMUM_LENGTH_LSB = 176;
  localparam int FLOAT_WINDOW_MAXIMUM_LENGTH_WIDTH = 24;
  localparam int FLOAT_WINDOW_MAXIMUM_COUNT_1_LSB = 208;
  localparam int FLOAT_WINDOW_MAXIMUM_COUNT_1_WIDTH = 16;
  localparam int FLOAT_WINDOW_MAXIMUM_COUNT_2_LSB = 224;
  localparam int FLOAT_WINDOW_MAXIMUM_COUNT_2_WIDTH = 16;
  localparam logic [255:0] USED_FLOAT_WINDOW_MAXIMUM = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

  localparam int CONFIG_COUNT = 51;
  localparam logic [7:0] CONFIG_LOAD_SOURCE_STRIDE_1 = 8'h00;
  localparam int CONFIG_LOAD_SOURCE_STRIDE_1_INDEX = 0;
  localparam logic [31:0] CONFIG_LOAD_SOURCE_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_LOAD_SOURCE_STRIDE_2 = 8'h01;
  localparam int CONFIG_LOAD_SOURCE_STRIDE_2_INDEX = 1;
  localparam logic [31:0] CONFIG_LOAD_SOURCE_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_LOAD_SOURCE_STRIDE_3 = 8'h02;
  localparam int CONFIG_LOAD_SOURCE_STRIDE_3_INDEX = 2;
  localparam logic [31:0] CONFIG_LOAD_SOURCE_STRIDE_3_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_LOAD_DESTINATION_STRIDE_1 = 8'h03;
  localparam int CONFIG_LOAD_DESTINATION_STRIDE_1_INDEX = 3;
  localparam logic [31:0] CONFIG_LOAD_DESTINATION_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_LOAD_DESTINATION_STRIDE_2 = 8'h04;
  localparam int CONFIG_LOAD_DESTINATION_STRIDE_2_INDEX = 4;
  localparam logic [31:0] CONFIG_LOAD_DESTINATION_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_LOAD_DESTINATION_STRIDE_3 = 8'h05;
  localparam int CONFIG_LOAD_DESTINATION_STRIDE_3_INDEX = 5;
  localparam logic [31:0] CONFIG_LOAD_DESTINATION_STRIDE_3_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_SOURCE_STRIDE_1 = 8'h10;
  localparam int CONFIG_STORE_SOURCE_STRIDE_1_INDEX = 6;
  localparam logic [31:0] CONFIG_STORE_SOURCE_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_SOURCE_STRIDE_2 = 8'h11;
  localparam int CONFIG_STORE_SOURCE_STRIDE_2_INDEX = 7;
  localparam logic [31:0] CONFIG_STORE_SOURCE_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_SOURCE_STRIDE_3 = 8'h12;
  localparam int CONFIG_STORE_SOURCE_STRIDE_3_INDEX = 8;
  localparam logic [31:0] CONFIG_STORE_SOURCE_STRIDE_3_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_DESTINATION_STRIDE_1 = 8'h13;
  localparam int CONFIG_STORE_DESTINATION_STRIDE_1_INDEX = 9;
  localparam logic [31:0] CONFIG_STORE_DESTINATION_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_DESTINATION_STRIDE_2 = 8'h14;
  localparam int CONFIG_STORE_DESTINATION_STRIDE_2_INDEX = 10;
  localparam logic [31:0] CONFIG_STORE_DESTINATION_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_STORE_DESTINATION_STRIDE_3 = 8'h15;
  localparam int CONFIG_STORE_DESTINATION_STRIDE_3_INDEX = 11;
  localparam logic [31:0] CONFIG_STORE_DESTINATION_STRIDE_3_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_X_STRIDE_X = 8'h20;
  localparam int CONFIG_MATRIX_X_STRIDE_X_INDEX = 12;
  localparam logic [31:0] CONFIG_MATRIX_X_STRIDE_X_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_X_STRIDE_Y = 8'h21;
  localparam int CONFIG_MATRIX_X_STRIDE_Y_INDEX = 13;
  localparam logic [31:0] CONFIG_MATRIX_X_STRIDE_Y_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_STRETCH = 8'h22;
  localparam int CONFIG_MATRIX_STRETCH_INDEX = 14;
  localparam logic [31:0] CONFIG_MATRIX_STRETCH_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_WINDOW_COUNT_X = 8'h23;
  localparam int CONFIG_MATRIX_WINDOW_COUNT_X_INDEX = 15;
  localparam logic [31:0] CONFIG_MATRIX_WINDOW_COUNT_X_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_MATRIX_WINDOW_STRIDE_X = 8'h24;
  localparam int CONFIG_MATRIX_WINDOW_STRIDE_X_INDEX = 16;
  localparam logic [31:0] CONFIG_MATRIX_WINDOW_STRIDE_X_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_WINDOW_COUNT_Y = 8'h25;
  localparam int CONFIG_MATRIX_WINDOW_COUNT_Y_INDEX = 17;
  localparam logic [31:0] CONFIG_MATRIX_WINDOW_COUNT_Y_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_MATRIX_WINDOW_STRIDE_Y = 8'h26;
  localparam int CONFIG_MATRIX_WINDOW_STRIDE_Y_INDEX = 18;
  localparam logic [31:0] CONFIG_MATRIX_WINDOW_STRIDE_Y_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_W_BLOCK_STRIDE = 8'h27;
  localparam int CONFIG_MATRIX_W_BLOCK_STRIDE_INDEX = 19;
  localparam logic [31:0] CONFIG_MATRIX_W_BLOCK_STRIDE_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_ACC_STRIDE_PIXEL = 8'h28;
  localparam int CONFIG_MATRIX_ACC_STRIDE_PIXEL_INDEX = 20;
  localparam logic [31:0] CONFIG_MATRIX_ACC_STRIDE_PIXEL_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_ACC_STRIDE_BLOCK = 8'h29;
  localparam int CONFIG_MATRIX_ACC_STRIDE_BLOCK_INDEX = 21;
  localparam logic [31:0] CONFIG_MATRIX_ACC_STRIDE_BLOCK_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_X_ZERO = 8'h2a;
  localparam int CONFIG_MATRIX_X_ZERO_INDEX = 22;
  localparam logic [31:0] CONFIG_MATRIX_X_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_W_ZERO = 8'h2b;
  localparam int CONFIG_MATRIX_W_ZERO_INDEX = 23;
  localparam logic [31:0] CONFIG_MATRIX_W_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_MATRIX_TYPE = 8'h2c;
  localparam int CONFIG_MATRIX_TYPE_INDEX = 24;
  localparam logic [31:0] CONFIG_MATRIX_TYPE_RESET = 32'h00000004;
  localparam logic [7:0] CONFIG_VECTOR_A_STRIDE_1 = 8'h30;
  localparam int CONFIG_VECTOR_A_STRIDE_1_INDEX = 25;
  localparam logic [31:0] CONFIG_VECTOR_A_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_A_STRIDE_2 = 8'h31;
  localparam int CONFIG_VECTOR_A_STRIDE_2_INDEX = 26;
  localparam logic [31:0] CONFIG_VECTOR_A_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_STRIDE_1 = 8'h32;
  localparam int CONFIG_VECTOR_B_STRIDE_1_INDEX = 27;
  localparam logic [31:0] CONFIG_VECTOR_B_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_STRIDE_2 = 8'h33;
  localparam int CONFIG_VECTOR_B_STRIDE_2_INDEX = 28;
  localparam logic [31:0] CONFIG_VECTOR_B_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_STRIDE_1 = 8'h34;
  localparam int CONFIG_VECTOR_D_STRIDE_1_INDEX = 29;
  localparam logic [31:0] CONFIG_VECTOR_D_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_STRIDE_2 = 8'h35;
  localparam int CONFIG_VECTOR_D_STRIDE_2_INDEX = 30;
  localparam logic [31:0] CONFIG_VECTOR_D_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_COUNT_1 = 8'h36;
  localparam int CONFIG_VECTOR_WINDOW_COUNT_1_INDEX = 31;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_COUNT_1_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_STRIDE_1 = 8'h37;
  localparam int CONFIG_VECTOR_WINDOW_STRIDE_1_INDEX = 32;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_COUNT_2 = 8'h38;
  localparam int CONFIG_VECTOR_WINDOW_COUNT_2_INDEX = 33;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_COUNT_2_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_STRIDE_2 = 8'h39;
  localparam int CONFIG_VECTOR_WINDOW_STRIDE_2_INDEX = 34;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_WINDOW_STRIDE = 8'h3a;
  localparam int CONFIG_VECTOR_B_WINDOW_STRIDE_INDEX = 35;
  localparam logic [31:0] CONFIG_VECTOR_B_WINDOW_STRIDE_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_A_ZERO = 8'h3b;
  localparam int CONFIG_VECTOR_A_ZERO_INDEX = 36;
  localparam logic [31:0] CONFIG_VECTOR_A_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_ZERO = 8'h3c;
  localparam int CONFIG_VECTOR_B_ZERO_INDEX = 37;
  localparam logic [31:0] CONFIG_VECTOR_B_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_ZERO = 8'h3d;
  localparam int CONFIG_VECTOR_D_ZERO_INDEX = 38;
  localparam logic [31:0] CONFIG_VECTOR_D_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_LOW = 8'h3e;
  localparam int CONFIG_VECTOR_LOW_INDEX = 39;
  localparam logic [31:0] CONFIG_VECTOR_LOW_RESET = 32'hffffff80;
  localparam logic [7:0] CONFIG_VECTOR_HIGH = 8'h3f;
  localparam int CONFIG_VECTOR_HIGH_INDEX = 40;
  localparam logic [31:0] CONFIG_VECTOR_HIGH_RESET = 32'h0000007f;
  localparam logic [7:0] CONFIG_VECTOR_A_MULTIPLIER = 8'h40;
  localparam int CONFIG_VECTOR_A_MULTIPLIER_INDEX = 41;
  localparam logic [31:0] CONFIG_VECTOR_A_MULTIPLIER_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_MULTIPLIER = 8'h41;
  localparam int CONFIG_VECTOR_B_MULTIPLIER_INDEX = 42;
  localparam logic [31:0] CONFIG_VECTOR_B_MULTIPLIER_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_SHIFT = 8'h42;
  localparam int CONFIG_VECTOR_SHIFT_INDEX = 43;
  localparam logic [31:0] CONFIG_VECTOR_SHIFT_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_VECTOR_A_TYPE = 8'h43;
  localparam int CONFIG_VECTOR_A_TYPE_INDEX = 44;
  localparam logic [31:0] CONFIG_VECTOR_A_TYPE_RESET = 32'h00000004;
  localparam logic [7:0] CONFIG_VECTOR_B_TYPE = 8'h44;
  localparam int CONFIG_VECTOR_B_TYPE_INDEX = 45;
  localparam logic [31:0] CONFIG_VECTOR_B_TYPE_RESET = 32'h00000004;
  localparam logic [7:0] CONFIG_VECTOR_D_TYPE = 8'h45;
  localparam int CONFIG_VECTOR_D_TYPE_INDEX = 46;
  localparam logic [31:0] CONFIG_VECTOR_D_TYPE_RESET = 32'h00000004;
  localparam logic [7:0] CONFIG_VECTOR_A_SCALE = 8'h46;
  localparam int CONFIG_VECTOR_A_SCALE_INDEX = 47;
  localparam logic [31:0] CONFIG_VECTOR_A_SCALE_RESET = 32'h3f800000;
  localparam logic [7:0] CONFIG_VECTOR_B_SCALE = 8'h47;
  localparam int CONFIG_VECTOR_B_SCALE_INDEX = 48;
  localparam logic [31:0] CONFIG_VECTOR_B_SCALE_RESET = 32'h3f800000;
  localparam logic [7:0] CONFIG_VECTOR_D_INVERSE_SCALE = 8'h48;
  localparam int CONFIG_VECTOR_D_INVERSE_SCALE_INDEX = 49;
  localparam logic [31:0] CONFIG_VECTOR_D_INVERSE_SCALE_RESET = 32'h3f800000;
  localparam logic [7:0] CONFIG_VECTOR_CONSTANT = 8'h49;
  localparam int CONFIG_VECTOR_CONSTANT_INDEX = 50;
  localparam logic [31:0] CONFIG_VECTOR_CONSTANT_RESET = 32'h00000000;

  // Whether the instructions of an engine have their fields of one name and width at one place: hardware reads
  // such a field without a look at the opcode.
  localparam bit CONTROL_FIELDS_AGREE = ADD_SCALAR_RD_LSB == SET_RD_LSB
      && ADD_SCALAR_VALUE_LSB == SET_VALUE_LSB
      && BRANCH_RA_LSB == ADD_SCALAR_RA_LSB
      && BRANCH_RB_LSB == ADD_SCALAR_RB_LSB
      && BRANCH_TARGET_LSB == JUMP_TARGET_LSB;
  localparam bit LOAD_FIELDS_AGREE = MOVE_MEMORY_LSB == LOAD_MEMORY_LSB
      && MOVE_DESTINATION_OFFSET_LSB == LOAD_DESTINATION_OFFSET_LSB
      && MOVE_LENGTH_LSB == LOAD_LENGTH_LSB
      && MOVE_COUNT_1_LSB == LOAD_COUNT_1_LSB
      && MOVE_COUNT_2_LSB == LOAD_COUNT_2_LSB
      && MOVE_COUNT_3_LSB == LOAD_COUNT_3_LSB;
  localparam bit MATRIX_FIELDS_AGREE = FLOAT_DOT_X_OFFSET_LSB == DOT_X_OFFSET_LSB
      && FLOAT_DOT_W_OFFSET_LSB == DOT_W_OFFSET_LSB
      && FLOAT_DOT_ACC_OFFSET_LSB == DOT_ACC_OFFSET_LSB
      && FLOAT_DOT_PIXELS_X_LSB == DOT_PIXELS_X_LSB
      && FLOAT_DOT_PIXELS_Y_LSB == DOT_PIXELS_Y_LSB
      && FLOAT_DOT_BLOCKS_LSB == DOT_BLOCKS_LSB
      && FLOAT_DOT_ACCUMULATE_LSB == DOT_ACCUMULATE_LSB;
  localparam bit VECTOR_FIELDS_AGREE = COPY_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && COPY_LENGTH_LSB == FILL_LENGTH_LSB
      && COPY_COUNT_1_LSB == FILL_COUNT_1_LSB
      && COPY_COUNT_2_LSB == FILL_COUNT_2_LSB
      && REQUANTISE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && REQUANTISE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && REQUANTISE_LENGTH_LSB == FILL_LENGTH_LSB
      && REQUANTISE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && REQUANTISE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && DEPTHWISE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && DEPTHWISE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && DEPTHWISE_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && DEPTHWISE_LENGTH_LSB == FILL_LENGTH_LSB
      && DEPTHWISE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && DEPTHWISE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && MAX_POOL_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && MAX_POOL_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && MAX_POOL_LENGTH_LSB == FILL_LENGTH_LSB
      && MAX_POOL_COUNT_1_LSB == FILL_COUNT_1_LSB
      && MAX_POOL_COUNT_2_LSB == FILL_COUNT_2_LSB
      && AVERAGE_POOL_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && AVERAGE_POOL_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && AVERAGE_POOL_LENGTH_LSB == FILL_LENGTH_LSB
      && AVERAGE_POOL_COUNT_1_LSB == FILL_COUNT_1_LSB
      && AVERAGE_POOL_COUNT_2_LSB == FILL_COUNT_2_LSB
      && ADD_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && ADD_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && ADD_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && ADD_LENGTH_LSB == FILL_LENGTH_LSB
      && ADD_COUNT_1_LSB == FILL_COUNT_1_LSB
      && ADD_COUNT_2_LSB == FILL_COUNT_2_LSB
      && MULTIPLY_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && MULTIPLY_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && MULTIPLY_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && MULTIPLY_LENGTH_LSB == FILL_LENGTH_LSB
      && MULTIPLY_COUNT_1_LSB == FILL_COUNT_1_LSB
      && MULTIPLY_COUNT_2_LSB == FILL_COUNT_2_LSB
      && MAXIMUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && MAXIMUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && MAXIMUM_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && MAXIMUM_LENGTH_LSB == FILL_LENGTH_LSB
      && MAXIMUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && MAXIMUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && LOAD_TABLE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && TABLE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && TABLE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && TABLE_LENGTH_LSB == FILL_LENGTH_LSB
      && TABLE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && TABLE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && TRANSPOSE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && TRANSPOSE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && TRANSPOSE_LENGTH_LSB == FILL_LENGTH_LSB
      && TRANSPOSE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && TRANSPOSE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_FILL_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_FILL_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_FILL_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_FILL_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_COPY_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_COPY_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_COPY_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_COPY_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_COPY_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_COPY_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_ADD_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_ADD_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_ADD_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_ADD_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_ADD_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_ADD_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_ADD_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_ADD_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_ADD_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_SUBTRACT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_SUBTRACT_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_SUBTRACT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_SUBTRACT_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_SUBTRACT_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_SUBTRACT_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_SUBTRACT_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_SUBTRACT_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_SUBTRACT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_SUBTRACT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_SUBTRACT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_MULTIPLY_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_MULTIPLY_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_MULTIPLY_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_MULTIPLY_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_MULTIPLY_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_MULTIPLY_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_MULTIPLY_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_MULTIPLY_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_MULTIPLY_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_MULTIPLY_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_MULTIPLY_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_SCALE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_SCALE_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_SCALE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_SCALE_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_SCALE_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_SCALE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_SCALE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_MAXIMUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_MAXIMUM_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_MAXIMUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_MAXIMUM_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_MAXIMUM_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_MAXIMUM_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_MAXIMUM_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_MAXIMUM_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_MAXIMUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_MAXIMUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_MAXIMUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_MINIMUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_MINIMUM_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_MINIMUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_MINIMUM_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_MINIMUM_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_MINIMUM_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_MINIMUM_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_MINIMUM_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_MINIMUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_MINIMUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_MINIMUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_COMPARE_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_COMPARE_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_COMPARE_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_COMPARE_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_COMPARE_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_COMPARE_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_COMPARE_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_COMPARE_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_COMPARE_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_COMPARE_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_COMPARE_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_SELECT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_SELECT_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_SELECT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_SELECT_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_SELECT_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_SELECT_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_SELECT_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_SELECT_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_SELECT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_SELECT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_SELECT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_EXP2_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_EXP2_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_EXP2_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_EXP2_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_EXP2_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_EXP2_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_EXP2_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_EXP2_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_EXP2_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_EXP2_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_EXP2_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_LOG2_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_LOG2_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_LOG2_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_LOG2_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_LOG2_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_LOG2_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_LOG2_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_LOG2_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_RECIPROCAL_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_RECIPROCAL_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_RECIPROCAL_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_RECIPROCAL_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_RECIPROCAL_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_RECIPROCAL_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_RECIPROCAL_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_RECIPROCAL_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_RECIPROCAL_ROOT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_RECIPROCAL_ROOT_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_RECIPROCAL_ROOT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_RECIPROCAL_ROOT_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_RECIPROCAL_ROOT_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_RECIPROCAL_ROOT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_RECIPROCAL_ROOT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_RECIPROCAL_ROOT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_ROOT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_ROOT_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_ROOT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_ROOT_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_ROOT_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_ROOT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_ROOT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_ROOT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_ROW_SUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_ROW_SUM_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_ROW_SUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_ROW_SUM_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_ROW_SUM_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_ROW_SUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_ROW_SUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_ROW_SUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_ROW_DOT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_ROW_DOT_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_ROW_DOT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_ROW_DOT_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_ROW_DOT_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_ROW_DOT_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_ROW_DOT_SCALAR_LSB == FLOAT_ADD_SCALAR_LSB
      && FLOAT_ROW_DOT_CONSTANT_LSB == FLOAT_ADD_CONSTANT_LSB
      && FLOAT_ROW_DOT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_ROW_DOT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_ROW_DOT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_ROW_MAXIMUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_ROW_MAXIMUM_MEMORY_LSB == FLOAT_COPY_MEMORY_LSB
      && FLOAT_ROW_MAXIMUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_ROW_MAXIMUM_RECORDS_LSB == FLOAT_COPY_RECORDS_LSB
      && FLOAT_ROW_MAXIMUM_P_OFFSET_LSB == REQUANTISE_P_OFFSET_LSB
      && FLOAT_ROW_MAXIMUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_ROW_MAXIMUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_ROW_MAXIMUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_WINDOW_SUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_WINDOW_SUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_WINDOW_SUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_WINDOW_SUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_WINDOW_SUM_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_WINDOW_DOT_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_WINDOW_DOT_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_WINDOW_DOT_B_OFFSET_LSB == DEPTHWISE_B_OFFSET_LSB
      && FLOAT_WINDOW_DOT_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_WINDOW_DOT_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_WINDOW_DOT_COUNT_2_LSB == FILL_COUNT_2_LSB
      && FLOAT_WINDOW_MAXIMUM_D_OFFSET_LSB == FILL_D_OFFSET_LSB
      && FLOAT_WINDOW_MAXIMUM_A_OFFSET_LSB == COPY_A_OFFSET_LSB
      && FLOAT_WINDOW_MAXIMUM_LENGTH_LSB == FILL_LENGTH_LSB
      && FLOAT_WINDOW_MAXIMUM_COUNT_1_LSB == FILL_COUNT_1_LSB
      && FLOAT_WINDOW_MAXIMUM_COUNT_2_LSB == FILL_COUNT_2_LSB;
  localparam bit STORE_FIELDS_AGREE = 1'b1;

  // The engine of an opcode: 0 control, 1 load, 2 matrix, 3 vector, 4 store; 7: no such opcode.
  function automatic logic [2:0] engine_of(input logic [7:0] opcode);
    case (opcode)
      OPCODE_NOP: engine_of = 3'd0;
      OPCODE_HALT: engine_of = 3'd0;
      OPCODE_SYNC: engine_of = 3'd0;
      OPCODE_SIGNAL: engine_of = 3'd0;
      OPCODE_SET: engine_of = 3'd0;
      OPCODE_ADD_SCALAR: engine_of = 3'd0;
      OPCODE_LOOP: engine_of = 3'd0;
      OPCODE_JUMP: engine_of = 3'd0;
      OPCODE_BRANCH: engine_of = 3'd0;
      OPCODE_CONFIG: engine_of = 3'd0;
      OPCODE_LOAD: engine_of = 3'd1;
      OPCODE_MOVE: engine_of = 3'd1;
      OPCODE_DOT: engine_of = 3'd2;
      OPCODE_FLOAT_DOT: engine_of = 3'd2;
      OPCODE_FILL: engine_of = 3'd3;
      OPCODE_COPY: engine_of = 3'd3;
      OPCODE_REQUANTISE: engine_of = 3'd3;
      OPCODE_DEPTHWISE: engine_of = 3'd3;
      OPCODE_MAX_POOL: engine_of = 3'd3;
      OPCODE_AVERAGE_POOL: engine_of = 3'd3;
      OPCODE_ADD: engine_of = 3'd3;
      OPCODE_MULTIPLY: engine_of = 3'd3;
      OPCODE_MAXIMUM: engine_of = 3'd3;
      OPCODE_LOAD_TABLE: engine_of = 3'd3;
      OPCODE_TABLE: engine_of = 3'd3;
      OPCODE_TRANSPOSE: engine_of = 3'd3;
      OPCODE_STORE: engine_of = 3'd4;
      OPCODE_FLOAT_FILL: engine_of = 3'd3;
      OPCODE_FLOAT_COPY: engine_of = 3'd3;
      OPCODE_FLOAT_ADD: engine_of = 3'd3;
      OPCODE_FLOAT_SUBTRACT: engine_of = 3'd3;
      OPCODE_FLOAT_MULTIPLY: engine_of = 3'd3;
      OPCODE_FLOAT_SCALE: engine_of = 3'd3;
      OPCODE_FLOAT_MAXIMUM: engine_of = 3'd3;
      OPCODE_FLOAT_MINIMUM: engine_of = 3'd3;
      OPCODE_FLOAT_COMPARE: engine_of = 3'd3;
      OPCODE_FLOAT_SELECT: engine_of = 3'd3;
      OPCODE_FLOAT_EXP2: engine_of = 3'd3;
      OPCODE_FLOAT_LOG2: engine_of = 3'd3;
      OPCODE_FLOAT_RECIPROCAL: engine_of = 3'd3;
      OPCODE_FLOAT_RECIPROCAL_ROOT: engine_of = 3'd3;
      OPCODE_FLOAT_ROOT: engine_of = 3'd3;
      OPCODE_FLOAT_ROW_SUM: engine_of = 3'd3;
      OPCODE_FLOAT_ROW_DOT: engine_of = 3'd3;
      OPCODE_FLOAT_ROW_MAXIMUM: engine_of = 3'd3;
      OPCODE_FLOAT_WINDOW_SUM: engine_of = 3'd3;
      OPCODE_FLOAT_WINDOW_DOT: engine_of = 3'd3;
      OPCODE_FLOAT_WINDOW_MAXIMUM: engine_of = 3'd3;
      default: engine_of = 3'd7;
    endcase
  endfunction

  // Whether a word with an opcode of the table is an operand fault whatever the registers hold.
  function automatic logic word_refused(input logic [255:0] word);
    case (word[7:0])
      OPCODE_NOP: word_refused = (word & ~USED_NOP) != 256'd0;
      OPCODE_HALT: word_refused = (word & ~USED_HALT) != 256'd0;
      OPCODE_SYNC: word_refused = (word & ~USED_SYNC) != 256'd0;
      OPCODE_SIGNAL: word_refused = (word & ~USED_SIGNAL) != 256'd0;
      OPCODE_SET: word_refused = (word & ~USED_SET) != 256'd0;
      OPCODE_ADD_SCALAR: word_refused = (word & ~USED_ADD_SCALAR) != 256'd0;
      OPCODE_LOOP: word_refused = (word & ~USED_LOOP) != 256'd0
          || word[96 +: 16] == 16'd0;
      OPCODE_JUMP: word_refused = (word & ~USED_JUMP) != 256'd0;
      OPCODE_BRANCH: word_refused = (word & ~USED_BRANCH) != 256'd0;
      OPCODE_CONFIG: word_refused = (word & ~USED_CONFIG) != 256'd0
          || config_writes_refused(word[CONFIG_WRITES_LSB +: CONFIG_WRITES_WIDTH]);
      OPCODE_LOAD: word_refused = (word & ~USED_LOAD) != 256'd0
          || word[124 +: 2] != 2'd0 && word[124 +: 2] != 2'd1 && word[124 +: 2] != 2'd2
          || word[124 +: 2] == 2'd2 && word[LOAD_LENGTH_LSB +: LOAD_LENGTH_WIDTH] % 24'd12 != 24'd0
          || word[92 +: 4] != 4'd0
          || word[128 +: 24] == 24'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 16] == 16'd0
          || word[192 +: 16] == 16'd0;
      OPCODE_MOVE: word_refused = (word & ~USED_MOVE) != 256'd0
          || word[124 +: 2] != 2'd1
          || word[128 +: 24] == 24'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 16] == 16'd0
          || word[192 +: 16] == 16'd0;
      OPCODE_DOT: word_refused = (word & ~USED_DOT) != 256'd0
          || word[144 +: 16] == 16'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 12] == 12'd0;
      OPCODE_FLOAT_DOT: word_refused = (word & ~USED_FLOAT_DOT) != 256'd0
          || word[144 +: 16] == 16'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 12] == 12'd0;
      OPCODE_FILL: word_refused = (word & ~USED_FILL) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_COPY: word_refused = (word & ~USED_COPY) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_REQUANTISE: word_refused = (word & ~USED_REQUANTISE) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_DEPTHWISE: word_refused = (word & ~USED_DEPTHWISE) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_MAX_POOL: word_refused = (word & ~USED_MAX_POOL) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_AVERAGE_POOL: word_refused = (word & ~USED_AVERAGE_POOL) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_ADD: word_refused = (word & ~USED_ADD) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_MULTIPLY: word_refused = (word & ~USED_MULTIPLY) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_MAXIMUM: word_refused = (word & ~USED_MAXIMUM) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_LOAD_TABLE: word_refused = (word & ~USED_LOAD_TABLE) != 256'd0;
      OPCODE_TABLE: word_refused = (word & ~USED_TABLE) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_TRANSPOSE: word_refused = (word & ~USED_TRANSPOSE) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0
          || word[240 +: 2] >= 2'd3;
      OPCODE_STORE: word_refused = (word & ~USED_STORE) != 256'd0
          || word[124 +: 4] != 4'd0
          || word[128 +: 24] == 24'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 16] == 16'd0
          || word[192 +: 16] == 16'd0;
      OPCODE_FLOAT_FILL: word_refused = (word & ~USED_FLOAT_FILL) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_COPY: word_refused = (word & ~USED_FLOAT_COPY) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_ADD: word_refused = (word & ~USED_FLOAT_ADD) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_SUBTRACT: word_refused = (word & ~USED_FLOAT_SUBTRACT) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_MULTIPLY: word_refused = (word & ~USED_FLOAT_MULTIPLY) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_SCALE: word_refused = (word & ~USED_FLOAT_SCALE) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_MAXIMUM: word_refused = (word & ~USED_FLOAT_MAXIMUM) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_MINIMUM: word_refused = (word & ~USED_FLOAT_MINIMUM) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_COMPARE: word_refused = (word & ~USED_FLOAT_COMPARE) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[248 +: 3] >= 3'd6
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_SELECT: word_refused = (word & ~USED_FLOAT_SELECT) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_EXP2: word_refused = (word & ~USED_FLOAT_EXP2) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_LOG2: word_refused = (word & ~USED_FLOAT_LOG2) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_RECIPROCAL: word_refused = (word & ~USED_FLOAT_RECIPROCAL) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_RECIPROCAL_ROOT: word_refused = (word & ~USED_FLOAT_RECIPROCAL_ROOT) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_ROOT: word_refused = (word & ~USED_FLOAT_ROOT) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_ROW_SUM: word_refused = (word & ~USED_FLOAT_ROW_SUM) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_ROW_DOT: word_refused = (word & ~USED_FLOAT_ROW_DOT) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_ROW_MAXIMUM: word_refused = (word & ~USED_FLOAT_ROW_MAXIMUM) != 256'd0
          || word[240 +: 2] != 2'd0 && word[240 +: 2] != 2'd3
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_WINDOW_SUM: word_refused = (word & ~USED_FLOAT_WINDOW_SUM) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_WINDOW_DOT: word_refused = (word & ~USED_FLOAT_WINDOW_DOT) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      OPCODE_FLOAT_WINDOW_MAXIMUM: word_refused = (word & ~USED_FLOAT_WINDOW_MAXIMUM) != 256'd0
          || word[176 +: 24] == 24'd0
          || word[208 +: 16] == 16'd0
          || word[224 +: 16] == 16'd0;
      default: word_refused = 1'b1;
    endcase
  endfunction

  // Whether an instruction of the vector engine computes in floating point.
  function automatic logic vector_is_float(input logic [7:0] opcode);
    case (opcode)
      OPCODE_FLOAT_FILL, OPCODE_FLOAT_COPY, OPCODE_FLOAT_ADD, OPCODE_FLOAT_SUBTRACT, OPCODE_FLOAT_MULTIPLY, OPCODE_FLOAT_SCALE, OPCODE_FLOAT_MAXIMUM, OPCODE_FLOAT_MINIMUM, OPCODE_FLOAT_COMPARE, OPCODE_FLOAT_SELECT, OPCODE_FLOAT_EXP2, OPCODE_FLOAT_LOG2, OPCODE_FLOAT_RECIPROCAL, OPCODE_FLOAT_RECIPROCAL_ROOT, OPCODE_FLOAT_ROOT, OPCODE_FLOAT_ROW_SUM, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_ROW_MAXIMUM, OPCODE_FLOAT_WINDOW_SUM, OPCODE_FLOAT_WINDOW_DOT, OPCODE_FLOAT_WINDOW_MAXIMUM: vector_is_float = 1'b1;
      default: vector_is_float = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine writes one element a row.
  function automatic logic vector_reduces(input logic [7:0] opcode);
    case (opcode)
      OPCODE_FLOAT_ROW_SUM, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_ROW_MAXIMUM: vector_reduces = 1'b1;
      default: vector_reduces = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine may leave some of its destination as it was.
  function automatic logic vector_keeps(input logic [7:0] opcode);
    case (opcode)
      OPCODE_FLOAT_SELECT: vector_keeps = 1'b1;
      default: vector_keeps = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine clamps an integer result.
  function automatic logic vector_clamps(input logic [7:0] opcode);
    case (opcode)
      OPCODE_REQUANTISE, OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM: vector_clamps = 1'b1;
      default: vector_clamps = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads a at every position of the window.
  function automatic logic vector_windowed(input logic [7:0] opcode);
    case (opcode)
      OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL, OPCODE_FLOAT_WINDOW_SUM, OPCODE_FLOAT_WINDOW_DOT, OPCODE_FLOAT_WINDOW_MAXIMUM: vector_windowed = 1'b1;
      default: vector_windowed = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads b.
  function automatic logic vector_reads_b(input logic [7:0] opcode);
    case (opcode)
      OPCODE_DEPTHWISE, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM, OPCODE_FLOAT_ADD, OPCODE_FLOAT_SUBTRACT, OPCODE_FLOAT_MULTIPLY, OPCODE_FLOAT_MAXIMUM, OPCODE_FLOAT_MINIMUM, OPCODE_FLOAT_COMPARE, OPCODE_FLOAT_SELECT, OPCODE_FLOAT_EXP2, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_WINDOW_DOT: vector_reads_b = 1'b1;
      default: vector_reads_b = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads records (a float instruction: may read).
  function automatic logic vector_reads_records(input logic [7:0] opcode);
    case (opcode)
      OPCODE_REQUANTISE, OPCODE_DEPTHWISE, OPCODE_FLOAT_COPY, OPCODE_FLOAT_ADD, OPCODE_FLOAT_SUBTRACT, OPCODE_FLOAT_MULTIPLY, OPCODE_FLOAT_SCALE, OPCODE_FLOAT_MAXIMUM, OPCODE_FLOAT_MINIMUM, OPCODE_FLOAT_COMPARE, OPCODE_FLOAT_SELECT, OPCODE_FLOAT_EXP2, OPCODE_FLOAT_LOG2, OPCODE_FLOAT_RECIPROCAL, OPCODE_FLOAT_RECIPROCAL_ROOT, OPCODE_FLOAT_ROOT, OPCODE_FLOAT_ROW_SUM, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_ROW_MAXIMUM: vector_reads_records = 1'b1;
      default: vector_reads_records = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads NRAM.
  function automatic logic vector_reads_nram(input logic [7:0] opcode);
    case (opcode)
      OPCODE_COPY, OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM, OPCODE_LOAD_TABLE, OPCODE_TABLE, OPCODE_TRANSPOSE, OPCODE_FLOAT_COPY, OPCODE_FLOAT_ADD, OPCODE_FLOAT_SUBTRACT, OPCODE_FLOAT_MULTIPLY, OPCODE_FLOAT_SCALE, OPCODE_FLOAT_MAXIMUM, OPCODE_FLOAT_MINIMUM, OPCODE_FLOAT_COMPARE, OPCODE_FLOAT_SELECT, OPCODE_FLOAT_EXP2, OPCODE_FLOAT_LOG2, OPCODE_FLOAT_RECIPROCAL, OPCODE_FLOAT_RECIPROCAL_ROOT, OPCODE_FLOAT_ROOT, OPCODE_FLOAT_ROW_SUM, OPCODE_FLOAT_ROW_DOT, OPCODE_FLOAT_ROW_MAXIMUM, OPCODE_FLOAT_WINDOW_SUM, OPCODE_FLOAT_WINDOW_DOT, OPCODE_FLOAT_WINDOW_MAXIMUM: vector_reads_nram = 1'b1;
      default: vector_reads_nram = 1'b0;
    endcase
  endfunction

  // What every configuration register holds at reset.
  function automatic logic [CONFIG_COUNT-1:0][31:0] config_reset();
    config_reset = '0;
    config_reset[CONFIG_MATRIX_WINDOW_COUNT_X_INDEX] = CONFIG_MATRIX_WINDOW_COUNT_X_RESET;
    config_reset[CONFIG_MATRIX_WINDOW_COUNT_Y_INDEX] = CONFIG_MATRIX_WINDOW_COUNT_Y_RESET;
    config_reset[CONFIG_MATRIX_TYPE_INDEX] = CONFIG_MATRIX_TYPE_RESET;
    config_reset[CONFIG_VECTOR_WINDOW_COUNT_1_INDEX] = CONFIG_VECTOR_WINDOW_COUNT_1_RESET;
    config_reset[CONFIG_VECTOR_WINDOW_COUNT_2_INDEX] = CONFIG_VECTOR_WINDOW_COUNT_2_RESET;
    config_reset[CONFIG_VECTOR_LOW_INDEX] = CONFIG_VECTOR_LOW_RESET;
    config_reset[CONFIG_VECTOR_HIGH_INDEX] = CONFIG_VECTOR_HIGH_RESET;
    config_reset[CONFIG_VECTOR_SHIFT_INDEX] = CONFIG_VECTOR_SHIFT_RESET;
    config_reset[CONFIG_VECTOR_A_TYPE_INDEX] = CONFIG_VECTOR_A_TYPE_RESET;
    config_reset[CONFIG_VECTOR_B_TYPE_INDEX] = CONFIG_VECTOR_B_TYPE_RESET;
    config_reset[CONFIG_VECTOR_D_TYPE_INDEX] = CONFIG_VECTOR_D_TYPE_RESET;
    config_reset[CONFIG_VECTOR_A_SCALE_INDEX] = CONFIG_VECTOR_A_SCALE_RESET;
    config_reset[CONFIG_VECTOR_B_SCALE_INDEX] = CONFIG_VECTOR_B_SCALE_RESET;
    config_reset[CONFIG_VECTOR_D_INVERSE_SCALE_INDEX] = CONFIG_VECTOR_D_INVERSE_SCALE_RESET;
  endfunction

  // The place of a configuration register among all; CONFIG_COUNT where there is none.
  function automatic logic [7:0] config_index(input logic [7:0] id);
    case (id)
      CONFIG_LOAD_SOURCE_STRIDE_1: config_index = 8'd0;
      CONFIG_LOAD_SOURCE_STRIDE_2: config_index = 8'd1;
      CONFIG_LOAD_SOURCE_STRIDE_3: config_index = 8'd2;
      CONFIG_LOAD_DESTINATION_STRIDE_1: config_index = 8'd3;
      CONFIG_LOAD_DESTINATION_STRIDE_2: config_index = 8'd4;
      CONFIG_LOAD_DESTINATION_STRIDE_3: config_index = 8'd5;
      CONFIG_STORE_SOURCE_STRIDE_1: config_index = 8'd6;
      CONFIG_STORE_SOURCE_STRIDE_2: config_index = 8'd7;
      CONFIG_STORE_SOURCE_STRIDE_3: config_index = 8'd8;
      CONFIG_STORE_DESTINATION_STRIDE_1: config_index = 8'd9;
      CONFIG_STORE_DESTINATION_STRIDE_2: config_index = 8'd10;
      CONFIG_STORE_DESTINATION_STRIDE_3: config_index = 8'd11;
      CONFIG_MATRIX_X_STRIDE_X: config_index = 8'd12;
      CONFIG_MATRIX_X_STRIDE_Y: config_index = 8'd13;
      CONFIG_MATRIX_STRETCH: config_index = 8'd14;
      CONFIG_MATRIX_WINDOW_COUNT_X: config_index = 8'd15;
      CONFIG_MATRIX_WINDOW_STRIDE_X: config_index = 8'd16;
      CONFIG_MATRIX_WINDOW_COUNT_Y: config_index = 8'd17;
      CONFIG_MATRIX_WINDOW_STRIDE_Y: config_index = 8'd18;
      CONFIG_MATRIX_W_BLOCK_STRIDE: config_index = 8'd19;
      CONFIG_MATRIX_ACC_STRIDE_PIXEL: config_index = 8'd20;
      CONFIG_MATRIX_ACC_STRIDE_BLOCK: config_index = 8'd21;
      CONFIG_MATRIX_X_ZERO: config_index = 8'd22;
      CONFIG_MATRIX_W_ZERO: config_index = 8'd23;
      CONFIG_MATRIX_TYPE: config_index = 8'd24;
      CONFIG_VECTOR_A_STRIDE_1: config_index = 8'd25;
      CONFIG_VECTOR_A_STRIDE_2: config_index = 8'd26;
      CONFIG_VECTOR_B_STRIDE_1: config_index = 8'd27;
      CONFIG_VECTOR_B_STRIDE_2: config_index = 8'd28;
      CONFIG_VECTOR_D_STRIDE_1: config_index = 8'd29;
      CONFIG_VECTOR_D_STRIDE_2: config_index = 8'd30;
      CONFIG_VECTOR_WINDOW_COUNT_1: config_index = 8'd31;
      CONFIG_VECTOR_WINDOW_STRIDE_1: config_index = 8'd32;
      CONFIG_VECTOR_WINDOW_COUNT_2: config_index = 8'd33;
      CONFIG_VECTOR_WINDOW_STRIDE_2: config_index = 8'd34;
      CONFIG_VECTOR_B_WINDOW_STRIDE: config_index = 8'd35;
      CONFIG_VECTOR_A_ZERO: config_index = 8'd36;
      CONFIG_VECTOR_B_ZERO: config_index = 8'd37;
      CONFIG_VECTOR_D_ZERO: config_index = 8'd38;
      CONFIG_VECTOR_LOW: config_index = 8'd39;
      CONFIG_VECTOR_HIGH: config_index = 8'd40;
      CONFIG_VECTOR_A_MULTIPLIER: config_index = 8'd41;
      CONFIG_VECTOR_B_MULTIPLIER: config_index = 8'd42;
      CONFIG_VECTOR_SHIFT: config_index = 8'd43;
      CONFIG_VECTOR_A_TYPE: config_index = 8'd44;
      CONFIG_VECTOR_B_TYPE: config_index = 8'd45;
      CONFIG_VECTOR_D_TYPE: config_index = 8'd46;
      CONFIG_VECTOR_A_SCALE: config_index = 8'd47;
      CONFIG_VECTOR_B_SCALE: config_index = 8'd48;
      CONFIG_VECTOR_D_INVERSE_SCALE: config_index = 8'd49;
      CONFIG_VECTOR_CONSTANT: config_index = 8'd50;
      default: config_index = 8'd51;
    endcase
  endfunction

  // Whether a register may not hold a value, or does not exist.
  function automatic logic config_refused(input logic [7:0] id, input logic [31:0] value);
    case (id)
      CONFIG_LOAD_SOURCE_STRIDE_1: config_refused = 1'b0;
      CONFIG_LOAD_SOURCE_STRIDE_2: config_refused = 1'b0;
      CONFIG_LOAD_SOURCE_STRIDE_3: config_refused = 1'b0;
      CONFIG_LOAD_DESTINATION_STRIDE_1: config_refused = 1'b0;
      CONFIG_LOAD_DESTINATION_STRIDE_2: config_refused = 1'b0;
      CONFIG_LOAD_DESTINATION_STRIDE_3: config_refused = 1'b0;
      CONFIG_STORE_SOURCE_STRIDE_1: config_refused = 1'b0;
      CONFIG_STORE_SOURCE_STRIDE_2: config_refused = 1'b0;
      CONFIG_STORE_SOURCE_STRIDE_3: config_refused = 1'b0;
      CONFIG_STORE_DESTINATION_STRIDE_1: config_refused = 1'b0;
      CONFIG_STORE_DESTINATION_STRIDE_2: config_refused = 1'b0;
      CONFIG_STORE_DESTINATION_STRIDE_3: config_refused = 1'b0;
      CONFIG_MATRIX_X_STRIDE_X: config_refused = 1'b0;
      CONFIG_MATRIX_X_STRIDE_Y: config_refused = 1'b0;
      CONFIG_MATRIX_STRETCH: config_refused = value < 32'd1 || value > 32'd16777215;
      CONFIG_MATRIX_WINDOW_COUNT_X: config_refused = value < 32'd1 || value > 32'd65535;
      CONFIG_MATRIX_WINDOW_STRIDE_X: config_refused = 1'b0;
      CONFIG_MATRIX_WINDOW_COUNT_Y: config_refused = value < 32'd1 || value > 32'd65535;
      CONFIG_MATRIX_WINDOW_STRIDE_Y: config_refused = 1'b0;
      CONFIG_MATRIX_W_BLOCK_STRIDE: config_refused = 1'b0;
      CONFIG_MATRIX_ACC_STRIDE_PIXEL: config_refused = 1'b0;
      CONFIG_MATRIX_ACC_STRIDE_BLOCK: config_refused = 1'b0;
      CONFIG_MATRIX_X_ZERO: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_MATRIX_W_ZERO: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_MATRIX_TYPE: config_refused = value > 32'd4;
      CONFIG_VECTOR_A_STRIDE_1: config_refused = 1'b0;
      CONFIG_VECTOR_A_STRIDE_2: config_refused = 1'b0;
      CONFIG_VECTOR_B_STRIDE_1: config_refused = 1'b0;
      CONFIG_VECTOR_B_STRIDE_2: config_refused = 1'b0;
      CONFIG_VECTOR_D_STRIDE_1: config_refused = 1'b0;
      CONFIG_VECTOR_D_STRIDE_2: config_refused = 1'b0;
      CONFIG_VECTOR_WINDOW_COUNT_1: config_refused = value < 32'd1 || value > 32'd65535;
      CONFIG_VECTOR_WINDOW_STRIDE_1: config_refused = 1'b0;
      CONFIG_VECTOR_WINDOW_COUNT_2: config_refused = value < 32'd1 || value > 32'd65535;
      CONFIG_VECTOR_WINDOW_STRIDE_2: config_refused = 1'b0;
      CONFIG_VECTOR_B_WINDOW_STRIDE: config_refused = 1'b0;
      CONFIG_VECTOR_A_ZERO: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_VECTOR_B_ZERO: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_VECTOR_D_ZERO: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_VECTOR_LOW: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_VECTOR_HIGH: config_refused = $signed(value) < -32'sd128 || $signed(value) > 32'sd127;
      CONFIG_VECTOR_A_MULTIPLIER: config_refused = value > 32'd2147483647;
      CONFIG_VECTOR_B_MULTIPLIER: config_refused = value > 32'd2147483647;
      CONFIG_VECTOR_SHIFT: config_refused = value < 32'd1 || value > 32'd62;
      CONFIG_VECTOR_A_TYPE: config_refused = value > 32'd4;
      CONFIG_VECTOR_B_TYPE: config_refused = value > 32'd4;
      CONFIG_VECTOR_D_TYPE: config_refused = value > 32'd4;
      CONFIG_VECTOR_A_SCALE: config_refused = 1'b0;
      CONFIG_VECTOR_B_SCALE: config_refused = 1'b0;
      CONFIG_VECTOR_D_INVERSE_SCALE: config_refused = 1'b0;
      CONFIG_VECTOR_CONSTANT: config_refused = 1'b0;
      default: config_refused = 1'b1;
    endcase
  endfunction

  // Whether the five places of a `config` are a fault: a refused write, a write behind an unused place (8'hff),
  // an unused place with a value.
  function automatic logic config_writes_refused(input logic [199:0] writes);
    logic ended;
    config_writes_refused = 1'b0;
    ended = 1'b0;
    for (int place = 0; place < 5; place++) begin
      if (writes[40 * place +: 8] == 8'hff) begin
        ended = 1'b1;
        if (writes[40 * place + 8 +: 32] != 32'd0) config_writes_refused = 1'b1;
      end else if (ended || config_refused(writes[40 * place +: 8], writes[40 * place + 8 +: 32])) begin
        config_writes_refused = 1'b1;
      end
    end
  endfunction

  /* verilator lint_on UNUSEDPARAM */
endpackage
