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
  localparam logic [255:0] USED_TRANSPOSE = 256'h0000ffffffff00ffffff00000000000000000fffffff0fffffffffffffff00ff;

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

  localparam int CONFIG_COUNT = 43;
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
  localparam logic [7:0] CONFIG_VECTOR_A_STRIDE_1 = 8'h30;
  localparam int CONFIG_VECTOR_A_STRIDE_1_INDEX = 24;
  localparam logic [31:0] CONFIG_VECTOR_A_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_A_STRIDE_2 = 8'h31;
  localparam int CONFIG_VECTOR_A_STRIDE_2_INDEX = 25;
  localparam logic [31:0] CONFIG_VECTOR_A_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_STRIDE_1 = 8'h32;
  localparam int CONFIG_VECTOR_B_STRIDE_1_INDEX = 26;
  localparam logic [31:0] CONFIG_VECTOR_B_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_STRIDE_2 = 8'h33;
  localparam int CONFIG_VECTOR_B_STRIDE_2_INDEX = 27;
  localparam logic [31:0] CONFIG_VECTOR_B_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_STRIDE_1 = 8'h34;
  localparam int CONFIG_VECTOR_D_STRIDE_1_INDEX = 28;
  localparam logic [31:0] CONFIG_VECTOR_D_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_STRIDE_2 = 8'h35;
  localparam int CONFIG_VECTOR_D_STRIDE_2_INDEX = 29;
  localparam logic [31:0] CONFIG_VECTOR_D_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_COUNT_1 = 8'h36;
  localparam int CONFIG_VECTOR_WINDOW_COUNT_1_INDEX = 30;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_COUNT_1_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_STRIDE_1 = 8'h37;
  localparam int CONFIG_VECTOR_WINDOW_STRIDE_1_INDEX = 31;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_STRIDE_1_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_COUNT_2 = 8'h38;
  localparam int CONFIG_VECTOR_WINDOW_COUNT_2_INDEX = 32;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_COUNT_2_RESET = 32'h00000001;
  localparam logic [7:0] CONFIG_VECTOR_WINDOW_STRIDE_2 = 8'h39;
  localparam int CONFIG_VECTOR_WINDOW_STRIDE_2_INDEX = 33;
  localparam logic [31:0] CONFIG_VECTOR_WINDOW_STRIDE_2_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_WINDOW_STRIDE = 8'h3a;
  localparam int CONFIG_VECTOR_B_WINDOW_STRIDE_INDEX = 34;
  localparam logic [31:0] CONFIG_VECTOR_B_WINDOW_STRIDE_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_A_ZERO = 8'h3b;
  localparam int CONFIG_VECTOR_A_ZERO_INDEX = 35;
  localparam logic [31:0] CONFIG_VECTOR_A_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_ZERO = 8'h3c;
  localparam int CONFIG_VECTOR_B_ZERO_INDEX = 36;
  localparam logic [31:0] CONFIG_VECTOR_B_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_D_ZERO = 8'h3d;
  localparam int CONFIG_VECTOR_D_ZERO_INDEX = 37;
  localparam logic [31:0] CONFIG_VECTOR_D_ZERO_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_LOW = 8'h3e;
  localparam int CONFIG_VECTOR_LOW_INDEX = 38;
  localparam logic [31:0] CONFIG_VECTOR_LOW_RESET = 32'hffffff80;
  localparam logic [7:0] CONFIG_VECTOR_HIGH = 8'h3f;
  localparam int CONFIG_VECTOR_HIGH_INDEX = 39;
  localparam logic [31:0] CONFIG_VECTOR_HIGH_RESET = 32'h0000007f;
  localparam logic [7:0] CONFIG_VECTOR_A_MULTIPLIER = 8'h40;
  localparam int CONFIG_VECTOR_A_MULTIPLIER_INDEX = 40;
  localparam logic [31:0] CONFIG_VECTOR_A_MULTIPLIER_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_B_MULTIPLIER = 8'h41;
  localparam int CONFIG_VECTOR_B_MULTIPLIER_INDEX = 41;
  localparam logic [31:0] CONFIG_VECTOR_B_MULTIPLIER_RESET = 32'h00000000;
  localparam logic [7:0] CONFIG_VECTOR_SHIFT = 8'h42;
  localparam int CONFIG_VECTOR_SHIFT_INDEX = 42;
  localparam logic [31:0] CONFIG_VECTOR_SHIFT_RESET = 32'h00000001;

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
  localparam bit MATRIX_FIELDS_AGREE = 1'b1;
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
      && TRANSPOSE_COUNT_2_LSB == FILL_COUNT_2_LSB;
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
          || word[224 +: 16] == 16'd0;
      OPCODE_STORE: word_refused = (word & ~USED_STORE) != 256'd0
          || word[124 +: 4] != 4'd0
          || word[128 +: 24] == 24'd0
          || word[160 +: 16] == 16'd0
          || word[176 +: 16] == 16'd0
          || word[192 +: 16] == 16'd0;
      default: word_refused = 1'b1;
    endcase
  endfunction

  // Whether an instruction of the vector engine clamps its results.
  function automatic logic vector_clamps(input logic [7:0] opcode);
    case (opcode)
      OPCODE_REQUANTISE, OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM: vector_clamps = 1'b1;
      default: vector_clamps = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads a at every position of the window.
  function automatic logic vector_windowed(input logic [7:0] opcode);
    case (opcode)
      OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL: vector_windowed = 1'b1;
      default: vector_windowed = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads b.
  function automatic logic vector_reads_b(input logic [7:0] opcode);
    case (opcode)
      OPCODE_DEPTHWISE, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM: vector_reads_b = 1'b1;
      default: vector_reads_b = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads records.
  function automatic logic vector_reads_records(input logic [7:0] opcode);
    case (opcode)
      OPCODE_REQUANTISE, OPCODE_DEPTHWISE: vector_reads_records = 1'b1;
      default: vector_reads_records = 1'b0;
    endcase
  endfunction

  // Whether an instruction of the vector engine reads NRAM.
  function automatic logic vector_reads_nram(input logic [7:0] opcode);
    case (opcode)
      OPCODE_COPY, OPCODE_DEPTHWISE, OPCODE_MAX_POOL, OPCODE_AVERAGE_POOL, OPCODE_ADD, OPCODE_MULTIPLY, OPCODE_MAXIMUM, OPCODE_LOAD_TABLE, OPCODE_TABLE, OPCODE_TRANSPOSE: vector_reads_nram = 1'b1;
      default: vector_reads_nram = 1'b0;
    endcase
  endfunction

  // What every configuration register holds at reset.
  function automatic logic [CONFIG_COUNT-1:0][31:0] config_reset();
    config_reset = '0;
    config_reset[CONFIG_MATRIX_WINDOW_COUNT_X_INDEX] = CONFIG_MATRIX_WINDOW_COUNT_X_RESET;
    config_reset[CONFIG_MATRIX_WINDOW_COUNT_Y_INDEX] = CONFIG_MATRIX_WINDOW_COUNT_Y_RESET;
    config_reset[CONFIG_VECTOR_WINDOW_COUNT_1_INDEX] = CONFIG_VECTOR_WINDOW_COUNT_1_RESET;
    config_reset[CONFIG_VECTOR_WINDOW_COUNT_2_INDEX] = CONFIG_VECTOR_WINDOW_COUNT_2_RESET;
    config_reset[CONFIG_VECTOR_LOW_INDEX] = CONFIG_VECTOR_LOW_RESET;
    config_reset[CONFIG_VECTOR_HIGH_INDEX] = CONFIG_VECTOR_HIGH_RESET;
    config_reset[CONFIG_VECTOR_SHIFT_INDEX] = CONFIG_VECTOR_SHIFT_RESET;
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
      CONFIG_VECTOR_A_STRIDE_1: config_index = 8'd24;
      CONFIG_VECTOR_A_STRIDE_2: config_index = 8'd25;
      CONFIG_VECTOR_B_STRIDE_1: config_index = 8'd26;
      CONFIG_VECTOR_B_STRIDE_2: config_index = 8'd27;
      CONFIG_VECTOR_D_STRIDE_1: config_index = 8'd28;
      CONFIG_VECTOR_D_STRIDE_2: config_index = 8'd29;
      CONFIG_VECTOR_WINDOW_COUNT_1: config_index = 8'd30;
      CONFIG_VECTOR_WINDOW_STRIDE_1: config_index = 8'd31;
      CONFIG_VECTOR_WINDOW_COUNT_2: config_index = 8'd32;
      CONFIG_VECTOR_WINDOW_STRIDE_2: config_index = 8'd33;
      CONFIG_VECTOR_B_WINDOW_STRIDE: config_index = 8'd34;
      CONFIG_VECTOR_A_ZERO: config_index = 8'd35;
      CONFIG_VECTOR_B_ZERO: config_index = 8'd36;
      CONFIG_VECTOR_D_ZERO: config_index = 8'd37;
      CONFIG_VECTOR_LOW: config_index = 8'd38;
      CONFIG_VECTOR_HIGH: config_index = 8'd39;
      CONFIG_VECTOR_A_MULTIPLIER: config_index = 8'd40;
      CONFIG_VECTOR_B_MULTIPLIER: config_index = 8'd41;
      CONFIG_VECTOR_SHIFT: config_index = 8'd42;
      default: config_index = 8'd43;
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
