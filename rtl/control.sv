// Control executes its own instructions, issues the others to their engine's queue, and ends the program
// (T-CONTROL-RATE, T-CONTROL-QUEUE, T-CONTROL-SYNC, T-CONTROL-FAULT, T-DEADLOCK).
//
// In each cycle it looks at the FIFO's head and executes it unless it is blocked. `push` puts the resolved
// entry into a queue. `redirect` tells the prefetcher of a taken branch, or of a loop's return. `finished` is
// high from the program's last cycle on, and the fault outputs are valid with it.
module control (
    input  logic                        clock,
    input  logic                        reset,
    input  logic [39:0]                 code_base,
    input  logic [24:0]                 code_length,
    // bindings: in a cycle of reset, writes a scalar register instead of clearing all of them
    input  logic                        register_write,
    input  logic [3:0]                  register_number,
    input  logic [39:0]                 register_value,
    // the FIFO's head
    input  logic                        head_valid,
    input  logic [255:0]                head,
    output logic                        pop,
    output logic                        redirect,
    output logic [24:0]                 target,
    // queues and engines
    output logic [3:0]                  push,
    output ediacara_core_pkg::ticket_t  ticket,
    output ediacara_core_pkg::load_t    load,
    output ediacara_core_pkg::dot_t     dot,
    output ediacara_core_pkg::vector_t  vector,
    output ediacara_core_pkg::float_dot_t float_dot,
    output ediacara_core_pkg::floating_t floating,
    output ediacara_core_pkg::store_t   store,
    input  logic [3:0]                  queue_full,
    input  logic [3:0]                  queue_empty,
    input  logic [3:0]                  engine_idle,
    input  logic [3:0]                  starts,
    input  logic [3:0][23:0]            queue_instructions,
    // semaphores
    output logic                        signal,
    output logic [15:0]                 signal_posts,
    output logic [23:0]                 signal_instruction,
    input  logic                        overflow,
    input  logic [23:0]                 overflow_instruction,
    // the end
    output logic                        finished,
    output logic                        fault_valid,
    output logic [2:0]                  fault_kind,
    output logic [24:0]                 fault_instruction,
    output logic [63:0]                 fault_cycle,
    // trace
    output logic                        issue_valid,
    output logic [2:0]                  issue_engine,
    output logic [23:0]                 issue_instruction
);
  import ediacara_core_pkg::*;
  import ediacara_isa_pkg::*;
  import ediacara_machine_pkg::*;

  // A field that several instructions have is read once, under the name of one of them.
  if (!CONTROL_FIELDS_AGREE) begin : g_fields
    $error("the instructions of control do not have a field of one name at one place");
  end

  localparam int LOOPS = 4;
  // The vector engine's registers of float instructions are the last. Without them they are what they would be at reset, and
  // so is that of the matrix engine.
  localparam int CONFIG_PRESENT = FLOAT_LANES > 0 ? CONFIG_COUNT : CONFIG_VECTOR_A_TYPE_INDEX;

  typedef struct packed {
    logic [24:0] first;
    logic [25:0] last;
    logic [23:0] runs;  // to go, the present one included
  } loop_t;

  typedef struct packed {
    logic [2:0] kind;
    logic [24:0] instruction;
    logic [63:0] cycle;
  } fault_t;

  logic [63:0] cycle;
  logic [24:0] pc;
  logic [15:0][39:0] registers;
  logic [CONFIG_PRESENT-1:0][31:0] present;
  logic [CONFIG_COUNT-1:0][31:0] configuration;
  loop_t loops[LOOPS];
  logic [2:0] depth;
  logic faulted, ended;
  fault_t fault;

  logic [7:0] opcode;
  logic [2:0] engine;
  logic [1:0] lane;
  logic looking, drained, executed, halted, blocked, stopped, deadlock;
  logic refused;
  logic [2:0] refusal;
  logic operand_fault, address_fault;
  logic taken, returns;
  loop_t innermost;
  logic [39:0] runs;
  logic [25:0] body_end;
  logic loop_refused;
  logic [39:0] left, right;

  assign opcode = head[7:0];
  assign engine = engine_of(opcode);
  assign lane = 2'(engine - 3'd1);
  assign stopped = faulted || ended;
  assign drained = queue_empty == '1 && engine_idle == '1;
  // Control has an instruction before it that is inside the code segment.
  assign looking = !stopped && pc < code_length && head_valid;

  assign innermost = loops[2'(depth-3'd1)];
  assign runs = {16'd0, head[LOOP_COUNT_LSB+:24]} + registers[head[LOOP_REGISTER_LSB+:4]];
  assign body_end = {1'b0, pc} + 26'(head[LOOP_BODY_LSB+:16]);
  assign loop_refused = runs == '0 || runs[39:24] != '0 || depth == 3'(LOOPS) ||
      (depth != '0 && body_end >= innermost.last);
  assign left = registers[head[BRANCH_RA_LSB+:4]];
  assign right = registers[head[BRANCH_RB_LSB+:4]];

  always_comb begin
    configuration = config_reset();
    configuration[CONFIG_PRESENT-1:0] = present;
    if (FLOAT_DOT == 0) configuration[CONFIG_MATRIX_TYPE_INDEX] = CONFIG_MATRIX_TYPE_RESET;
  end

  // Whether the machine lacks what the head wants: an instruction, or a register of those that it writes.
  logic lacks_instruction, lacks_register;

  always_comb begin
    lacks_instruction = (FLOAT_LANES == 0 && vector_is_float(opcode)) || (FLOAT_DOT == 0 && opcode == OPCODE_FLOAT_DOT);
    lacks_register = 1'b0;
    for (int place = 0; place < 5; place++) begin
      if (head[CONFIG_WRITES_LSB+40*place+:8] >= CONFIG_VECTOR_A_TYPE && head[CONFIG_WRITES_LSB+40*place+:8] != 8'hff) begin
        lacks_register |= FLOAT_LANES == 0 && opcode == OPCODE_CONFIG;
      end
      if (head[CONFIG_WRITES_LSB+40*place+:8] == CONFIG_MATRIX_TYPE) begin
        lacks_register |= FLOAT_DOT == 0 && opcode == OPCODE_CONFIG;
      end
    end
  end

  resolve resolver (
      .valid(looking && engine != 3'd0),
      .word(head),
      .registers(registers),
      .configuration(configuration),
      .code_base(code_base),
      .code_length(code_length),
      .load(load),
      .store(store),
      .dot(dot),
      .float_dot(float_dot),
      .vector(vector),
      .floating(floating),
      .operand_fault(operand_fault),
      .address_fault(address_fault)
  );

  always_comb begin
    ticket.instruction = pc[23:0];
    ticket.waits = head[WORD_WAIT_LSB+:16];
    ticket.posts = head[WORD_POST_LSB+:16];
  end

  // What is done with the head.
  always_comb begin
    refused = 1'b0;
    refusal = FAULT_OPERAND;
    blocked = 1'b0;
    if (!stopped && pc >= code_length) begin
      refused = 1'b1;
      refusal = FAULT_FETCH;
    end else if (looking) begin
      if (engine == 3'd7 || lacks_instruction) begin
        refused = 1'b1;
        refusal = FAULT_OPCODE;
      end else if (word_refused(head) || lacks_register) begin
        refused = 1'b1;
      end else if (engine == 3'd0) begin
        blocked = (opcode == OPCODE_SYNC || opcode == OPCODE_HALT) && !drained;
        refused = opcode == OPCODE_LOOP && loop_refused;
      end else if (operand_fault) begin
        refused = 1'b1;
      end else if (address_fault) begin
        refused = 1'b1;
        refusal = FAULT_ADDRESS;
      end else begin
        blocked = queue_full[lane];
      end
    end
    executed = looking && !refused && !blocked;
    halted = executed && opcode == OPCODE_HALT;
  end

  assign pop = executed;
  assign push = executed && engine != 3'd0 ? 4'b0001 << lane : 4'b0000;
  assign signal = executed && opcode == OPCODE_SIGNAL;
  assign signal_posts = ticket.posts;
  assign signal_instruction = ticket.instruction;
  assign issue_valid = executed;
  assign issue_engine = engine;
  assign issue_instruction = ticket.instruction;

  // Where the program goes.
  always_comb begin
    taken = 1'b0;
    if (opcode == OPCODE_JUMP) taken = 1'b1;
    if (opcode == OPCODE_BRANCH) begin
      case (head[BRANCH_CONDITION_LSB+:2])
        2'd0: taken = left == right;
        2'd1: taken = left != right;
        2'd2: taken = left < right;
        default: taken = left >= right;
      endcase
    end
    // This is the end of the innermost loop's body, unless a branch left it.
    returns = !taken && depth != '0 && innermost.last == {1'b0, pc};
    redirect = executed && (taken || (returns && innermost.runs > 24'd1));
    target = taken ? {1'b0, head[JUMP_TARGET_LSB+:24]} : innermost.first;
  end

  // The program ends in a deadlock if control is blocked or has stopped, nothing is under way, and heads wait
  // of which none can start.
  assign deadlock = (blocked || (faulted && !ended)) && engine_idle == '1 && queue_empty != '1 && starts == '0;
  assign finished = ended || halted || (faulted && drained) || deadlock;

  always_comb begin
    fault_valid = faulted || deadlock;
    fault_kind = fault.kind;
    fault_instruction = fault.instruction;
    fault_cycle = fault.cycle;
    if (deadlock && !faulted) begin
      fault_kind = FAULT_DEADLOCK;
      fault_cycle = cycle;
      fault_instruction = '0;
      for (int queue = 3; queue >= 0; queue--) begin
        if (!queue_empty[queue]) fault_instruction = {1'b0, queue_instructions[queue]};
      end
    end
  end

  always_ff @(posedge clock) begin
    cycle <= cycle + 64'd1;
    if (finished) ended <= 1'b1;

    if (executed) begin
      pc <= redirect ? target : pc + 25'd1;
      case (opcode)
        OPCODE_SET: registers[head[SET_RD_LSB+:4]] <= head[SET_VALUE_LSB+:40];
        OPCODE_ADD_SCALAR: begin
          registers[head[ADD_SCALAR_RD_LSB+:4]] <= registers[head[ADD_SCALAR_RA_LSB+:4]] +
              registers[head[ADD_SCALAR_RB_LSB+:4]] + head[ADD_SCALAR_VALUE_LSB+:40];
        end
        OPCODE_CONFIG: begin
          for (int place = 0; place < 5; place++) begin
            for (int index = 0; index < CONFIG_PRESENT; index++) begin
              if (config_index(head[CONFIG_WRITES_LSB+40*place+:8]) == 8'(index)) begin
                present[index] <= head[CONFIG_WRITES_LSB+40*place+8+:32];
              end
            end
          end
        end
        OPCODE_LOOP: begin
          loops[2'(depth)] <= '{first: pc + 25'd1, last: body_end, runs: runs[23:0]};
          depth <= depth + 3'd1;
        end
        default: ;
      endcase
      if (returns) begin
        if (innermost.runs > 24'd1) loops[2'(depth-3'd1)].runs <= innermost.runs - 24'd1;
        else depth <= depth - 3'd1;
      end
    end
    registers[0] <= '0;

    // Only the first fault counts. An overflow belongs to an earlier instruction than a fault that control
    // finds in the same cycle.
    if (!stopped && (overflow || refused)) begin
      faulted <= 1'b1;
      fault.kind <= overflow ? FAULT_SEMAPHORE_OVERFLOW : refusal;
      fault.instruction <= overflow ? {1'b0, overflow_instruction} : pc;
      fault.cycle <= cycle;
    end
    if (deadlock && !faulted) begin
      faulted <= 1'b1;
      fault <= '{kind: fault_kind, instruction: fault_instruction, cycle: fault_cycle};
    end

    if (reset) begin
      cycle <= '0;
      pc <= '0;
      if (register_write) registers[register_number] <= register_value;
      else registers <= '0;
      registers[0] <= '0;
      depth <= '0;
      faulted <= 1'b0;
      ended <= 1'b0;
      present <= (32 * CONFIG_PRESENT)'(config_reset());
    end
  end
endmodule
