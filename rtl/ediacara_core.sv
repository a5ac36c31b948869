// The core: five in-order engines, four memories on chip, one memory port (docs/microarchitecture.md).
//
// Cycle 0 is the first with `reset` low. The code segment lies at `code_base`, a multiple of the burst, and
// has `code_length` instructions. Both must stay as they are while the core runs. A cycle with `reset` and
// `register_write` sets a scalar register, a binding of the program, and a cycle with `reset` alone clears them
// all: so first comes one without `register_write`. The memory port is that of
// `memory_port`. `finished` is high from the program's last cycle on, and the fault outputs are valid with
// it. The trace outputs say what happens in the present cycle. The core itself does not use them.
module ediacara_core (
    input  logic                                              clock,
    input  logic                                              reset,
    input  logic [39:0]                                       code_base,
    input  logic [24:0]                                       code_length,
    input  logic                                              register_write,
    input  logic [3:0]                                        register_number,
    input  logic [39:0]                                       register_value,
    output logic                                              request_valid,
    input  logic                                              request_ready,
    output logic                                              request_write,
    output logic [39:0]                                       request_address,
    output logic [8*ediacara_machine_pkg::BURST_BYTES-1:0]    request_data,
    output logic [ediacara_machine_pkg::BURST_BYTES-1:0]      request_enable,
    output logic [1:0]                                        request_requester,
    input  logic                                              response_valid,
    input  logic [8*ediacara_machine_pkg::BURST_BYTES-1:0]    response_data,
    output logic                                              finished,
    output logic                                              fault_valid,
    output logic [2:0]                                        fault_kind,
    output logic [24:0]                                       fault_instruction,
    output logic [63:0]                                       fault_cycle,
    output logic                                              issue_valid,
    output logic [2:0]                                        issue_engine,
    output logic [23:0]                                       issue_instruction,
    output logic [3:0]                                        start_valid,
    output logic [3:0][23:0]                                  start_instruction,
    output logic [3:0]                                        commit_valid,
    output logic [3:0][23:0]                                  commit_instruction
);
  import ediacara_core_pkg::*;
  import ediacara_machine_pkg::*;

  function automatic int unsigned larger(input int unsigned a, input int unsigned b);
    larger = a > b ? a : b;
  endfunction

  // Widths of the memories' rows, in elements: each is that of the widest access.
  localparam int unsigned NRAM_WIDTH = larger(larger(ROWS, LANES), larger(BURST_BYTES, MOVE_BYTES));
  localparam int unsigned WRAM_WIDTH = larger(ROWS * COLUMNS, larger(BURST_BYTES, MOVE_BYTES));
  localparam int unsigned ARAM_WIDTH = larger(COLUMNS, LANES);
  // The most records that a burst meets, wherever in a record it begins.
  localparam int unsigned PRAM_WIDTH = larger(LANES, 1 << $clog2((BURST_BYTES + 11 + 11) / 12));
  localparam int unsigned WRITE_BYTES = larger(BURST_BYTES, MOVE_BYTES) + 11;

  // fetch and control
  logic head_valid, pop, redirect;
  logic [255:0] head;
  logic [24:0] target;
  logic signal, overflow;
  logic [15:0] signal_posts;
  logic [23:0] signal_instruction, overflow_instruction;

  // queues
  logic [3:0] push, queue_empty, queue_full, starts;
  ticket_t ticket;
  load_t load, load_head;
  dot_t dot, dot_head;
  vector_t vector, vector_head;
  /* verilator lint_off UNUSEDSIGNAL */  // nothing, on a machine without floating point
  float_dot_t float_dot;
  float_dot_t float_dot_head;
  floating_t floating;
  /* verilator lint_on UNUSEDSIGNAL */
  floating_t floating_head;
  store_t store, store_head;
  ticket_t [3:0] heads;
  logic [3:0][15:0] head_waits;
  logic [3:0][23:0] head_instructions;

  // engines
  logic [3:0] engine_ready, engine_idle, commits;
  ticket_t [3:0] committed;
  logic [3:0][15:0] commit_posts;

  // memory port
  logic [2:0] requests, grants, responds;
  logic [2:0][39:0] request_addresses;

  // memories on chip
  localparam int X = 0, A = 1, B = 2, S = 3, M = 4;  // reads of NRAM: matrix, vector twice, store, move
  logic [4:0] nram_read;
  logic [4:0][23:0] nram_read_address;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [4:0][8*NRAM_WIDTH-1:0] nram_data;
  /* verilator lint_on UNUSEDSIGNAL */
  logic vector_write, load_nram_write, load_wram_write, load_pram_write;
  logic [23:0] vector_write_address, load_write_address;
  logic [LANES-1:0][7:0] vector_written;
  logic [LANES-1:0] vector_write_enable;
  logic [8*WRITE_BYTES-1:0] load_written;
  logic [15:0] vector_write_count, load_write_skip, load_write_count;
  logic operand_read;
  logic [23:0] w_row;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [8*WRAM_WIDTH-1:0] wram_data;
  /* verilator lint_on UNUSEDSIGNAL */
  logic acc_read, acc_write, vector_acc_read;
  logic [23:0] acc_read_address, acc_write_address;
  logic [COLUMNS-1:0][31:0] acc_written;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [1:0][32*ARAM_WIDTH-1:0] aram_data;
  /* verilator lint_on UNUSEDSIGNAL */
  logic record_read;
  logic [15:0] record_address;
  /* verilator lint_off UNUSEDSIGNAL */  // parts of a bundle that are of no use here
  logic [96*PRAM_WIDTH-1:0] pram_data;
  /* verilator lint_on UNUSEDSIGNAL */

  fetch #(
      .BURST_BYTES(BURST_BYTES),
      .ENTRIES(FETCH_ENTRIES)
  ) prefetcher (
      .clock(clock),
      .reset(reset),
      .code_base(code_base),
      .code_length(code_length),
      .head_valid(head_valid),
      .head(head),
      .pop(pop),
      .redirect(redirect),
      .target(target),
      .request(requests[0]),
      .request_address(request_addresses[0]),
      .grant(grants[0]),
      .respond(responds[0]),
      .data(response_data)
  );

  control controller (
      .clock(clock),
      .reset(reset),
      .code_base(code_base),
      .code_length(code_length),
      .register_write(register_write),
      .register_number(register_number),
      .register_value(register_value),
      .head_valid(head_valid),
      .head(head),
      .pop(pop),
      .redirect(redirect),
      .target(target),
      .push(push),
      .ticket(ticket),
      .load(load),
      .dot(dot),
      .vector(vector),
      .float_dot(float_dot),
      .floating(floating),
      .store(store),
      .queue_full(queue_full),
      .queue_empty(queue_empty),
      .engine_idle(engine_idle),
      .starts(starts),
      .queue_instructions(head_instructions),
      .signal(signal),
      .signal_posts(signal_posts),
      .signal_instruction(signal_instruction),
      .overflow(overflow),
      .overflow_instruction(overflow_instruction),
      .finished(finished),
      .fault_valid(fault_valid),
      .fault_kind(fault_kind),
      .fault_instruction(fault_instruction),
      .fault_cycle(fault_cycle),
      .issue_valid(issue_valid),
      .issue_engine(issue_engine),
      .issue_instruction(issue_instruction)
  );

  engine_queue #(
      .ENTRIES(QUEUE_ENTRIES),
      .BITS($bits(ticket_t) + $bits(load_t))
  ) load_queue (
      .clock(clock),
      .reset(reset),
      .push(push[LOAD]),
      .pushed({ticket, load}),
      .pop(starts[LOAD]),
      .empty(queue_empty[LOAD]),
      .full(queue_full[LOAD]),
      .head({heads[LOAD], load_head})
  );

  engine_queue #(
      .ENTRIES(QUEUE_ENTRIES),
      .BITS($bits(ticket_t) + $bits(dot_t))
  ) matrix_queue (
      .clock(clock),
      .reset(reset),
      .push(push[MATRIX]),
      .pushed({ticket, dot}),
      .pop(starts[MATRIX]),
      .empty(queue_empty[MATRIX]),
      .full(queue_full[MATRIX]),
      .head({heads[MATRIX], dot_head})
  );

  engine_queue #(
      .ENTRIES(QUEUE_ENTRIES),
      .BITS($bits(ticket_t) + $bits(vector_t))
  ) vector_queue (
      .clock(clock),
      .reset(reset),
      .push(push[VECTOR]),
      .pushed({ticket, vector}),
      .pop(starts[VECTOR]),
      .empty(queue_empty[VECTOR]),
      .full(queue_full[VECTOR]),
      .head({heads[VECTOR], vector_head})
  );

  // What `float_dot` has beside, in step with the entries of `matrix_queue`.
  if (FLOAT_DOT > 0) begin : g_float_dot
    /* verilator lint_off UNUSEDSIGNAL */  // as those of `matrix_queue`
    logic float_dot_empty, float_dot_full;
    /* verilator lint_on UNUSEDSIGNAL */
    engine_queue #(
        .ENTRIES(QUEUE_ENTRIES),
        .BITS($bits(float_dot_t))
    ) float_dot_queue (
        .clock(clock),
        .reset(reset),
        .push(push[MATRIX]),
        .pushed(float_dot),
        .pop(starts[MATRIX]),
        .empty(float_dot_empty),
        .full(float_dot_full),
        .head(float_dot_head)
    );
  end else begin : g_no_float_dot
    assign float_dot_head = '0;
  end

  // What float instructions have beside, in step with the entries of `vector_queue`.
  if (FLOAT_LANES > 0) begin : g_float
    /* verilator lint_off UNUSEDSIGNAL */  // as those of `vector_queue`
    logic floating_empty, floating_full;
    /* verilator lint_on UNUSEDSIGNAL */
    engine_queue #(
        .ENTRIES(QUEUE_ENTRIES),
        .BITS($bits(floating_t))
    ) floating_queue (
        .clock(clock),
        .reset(reset),
        .push(push[VECTOR]),
        .pushed(floating),
        .pop(starts[VECTOR]),
        .empty(floating_empty),
        .full(floating_full),
        .head(floating_head)
    );
  end else begin : g_no_float
    assign floating_head = '0;
  end

  engine_queue #(
      .ENTRIES(QUEUE_ENTRIES),
      .BITS($bits(ticket_t) + $bits(store_t))
  ) store_queue (
      .clock(clock),
      .reset(reset),
      .push(push[STORE]),
      .pushed({ticket, store}),
      .pop(starts[STORE]),
      .empty(queue_empty[STORE]),
      .full(queue_full[STORE]),
      .head({heads[STORE], store_head})
  );

  always_comb begin
    for (int engine = 0; engine < ENGINES; engine++) begin
      head_waits[engine] = heads[engine].waits;
      head_instructions[engine] = heads[engine].instruction;
      commit_posts[engine] = committed[engine].posts;
      commit_instruction[engine] = committed[engine].instruction;
    end
  end

  assign start_valid = starts;
  assign start_instruction = head_instructions;
  assign commit_valid = commits;

  semaphores counters (
      .clock(clock),
      .reset(reset),
      .head_valid(~queue_empty),
      .engine_ready(engine_ready),
      .head_waits(head_waits),
      .starts(starts),
      .commits(commits),
      .commit_posts(commit_posts),
      .commit_instructions(commit_instruction),
      .signal(signal),
      .signal_posts(signal_posts),
      .signal_instruction(signal_instruction),
      .overflow(overflow),
      .overflow_instruction(overflow_instruction)
  );

  memory_port #(
      .BURSTS_IN_FLIGHT(BURSTS_IN_FLIGHT)
  ) port (
      .clock(clock),
      .reset(reset),
      .valid(requests),
      .address(request_addresses),
      .grant(grants),
      .respond(responds),
      .request_valid(request_valid),
      .request_ready(request_ready),
      .request_write(request_write),
      .request_address(request_address),
      .request_requester(request_requester),
      .response_valid(response_valid)
  );

  load_engine #(
      .BURST_BYTES(BURST_BYTES),
      .BURSTS_IN_FLIGHT(BURSTS_IN_FLIGHT),
      .MOVE_BYTES(MOVE_BYTES)
  ) loader (
      .clock(clock),
      .reset(reset),
      .head(load_head),
      .head_ticket(heads[LOAD]),
      .start(starts[LOAD]),
      .ready(engine_ready[LOAD]),
      .idle(engine_idle[LOAD]),
      .commit(commits[LOAD]),
      .commit_ticket(committed[LOAD]),
      .request(requests[1]),
      .request_address(request_addresses[1]),
      .grant(grants[1]),
      .respond(responds[1]),
      .data(response_data),
      .move_read(nram_read[M]),
      .move_read_address(nram_read_address[M]),
      .move_data(nram_data[M][8*MOVE_BYTES-1:0]),
      .nram_write(load_nram_write),
      .wram_write(load_wram_write),
      .pram_write(load_pram_write),
      .write_address(load_write_address),
      .write_data(load_written),
      .write_skip(load_write_skip),
      .write_count(load_write_count)
  );

  matrix_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .LATENCY(MATRIX_LATENCY),
      .F16(MATRIX_F16 != 0),
      .BF16(MATRIX_BF16 != 0),
      .F32(MATRIX_F32 != 0)
  ) multiplier (
      .clock(clock),
      .reset(reset),
      .head(dot_head),
      .head_floating(float_dot_head),
      .head_ticket(heads[MATRIX]),
      .start(starts[MATRIX]),
      .ready(engine_ready[MATRIX]),
      .idle(engine_idle[MATRIX]),
      .commit(commits[MATRIX]),
      .commit_ticket(committed[MATRIX]),
      .operand_read(operand_read),
      .x_address(nram_read_address[X]),
      .w_row(w_row),
      .x(nram_data[X][8*ROWS-1:0]),
      .w(wram_data[8*ROWS*COLUMNS-1:0]),
      .acc_read(acc_read),
      .acc_read_address(acc_read_address),
      .acc(aram_data[0][32*COLUMNS-1:0]),
      .acc_write(acc_write),
      .acc_write_address(acc_write_address),
      .acc_written(acc_written)
  );

  vector_engine #(
      .LANES(LANES),
      .FLOAT_LANES(FLOAT_LANES),
      .LATENCY(VECTOR_LATENCY)
  ) vectoriser (
      .clock(clock),
      .reset(reset),
      .head(vector_head),
      .head_floating(floating_head),
      .head_ticket(heads[VECTOR]),
      .start(starts[VECTOR]),
      .ready(engine_ready[VECTOR]),
      .idle(engine_idle[VECTOR]),
      .commit(commits[VECTOR]),
      .commit_ticket(committed[VECTOR]),
      .a_read(nram_read[A]),
      .a_address(nram_read_address[A]),
      .a(nram_data[A][8*LANES-1:0]),
      .b_read(nram_read[B]),
      .b_address(nram_read_address[B]),
      .b(nram_data[B][8*LANES-1:0]),
      .acc_read(vector_acc_read),
      .acc(aram_data[1][32*LANES-1:0]),
      .record_read(record_read),
      .record_address(record_address),
      .records(pram_data[96*LANES-1:0]),
      .write(vector_write),
      .write_address(vector_write_address),
      .written(vector_written),
      .write_enable(vector_write_enable),
      .write_count(vector_write_count)
  );

  store_engine #(
      .BURST_BYTES(BURST_BYTES),
      .BURSTS_IN_FLIGHT(BURSTS_IN_FLIGHT)
  ) storer (
      .clock(clock),
      .reset(reset),
      .head(store_head),
      .head_ticket(heads[STORE]),
      .start(starts[STORE]),
      .ready(engine_ready[STORE]),
      .idle(engine_idle[STORE]),
      .commit(commits[STORE]),
      .commit_ticket(committed[STORE]),
      .request(requests[2]),
      .request_address(request_addresses[2]),
      .request_enable(request_enable),
      .grant(grants[2]),
      .respond(responds[2]),
      .read(nram_read[S]),
      .read_address(nram_read_address[S])
  );

  assign nram_read[X] = operand_read;
  assign request_data = nram_data[S][8*BURST_BYTES-1:0];

  ram #(
      .ELEMENTS(NRAM_BYTES),
      .WIDTH(NRAM_WIDTH),
      .READS(5),
      .WRITES(2),
      .MASKED(FLOAT_LANES > 0)
  ) nram (
      .clock(clock),
      .read_valid(nram_read),
      .read_address(nram_read_address),
      .read_data(nram_data),
      .write_valid({vector_write, load_nram_write}),
      .write_address({vector_write_address, load_write_address}),
      .write_data({(8 * NRAM_WIDTH)'(vector_written), (8 * NRAM_WIDTH)'(load_written)}),
      .write_skip({16'd0, load_write_skip}),
      .write_count({vector_write_count, load_write_count}),
      .write_mask({NRAM_WIDTH'(vector_write_enable), {NRAM_WIDTH{1'b1}}})
  );

  ram #(
      .ELEMENTS(WRAM_BYTES),
      .WIDTH(WRAM_WIDTH),
      .READS(1),
      .WRITES(1)
  ) wram (
      .clock(clock),
      .read_valid(operand_read),
      .read_address(24'(w_row * 24'(ROWS * COLUMNS))),
      .read_data(wram_data),
      .write_valid(load_wram_write),
      .write_address(load_write_address),
      .write_data((8 * WRAM_WIDTH)'(load_written)),
      .write_skip(load_write_skip),
      .write_count(load_write_count),
      .write_mask('1)
  );

  ram #(
      .ELEMENTS(ARAM_ACCUMULATORS),
      .ELEMENT_BYTES(4),
      .WIDTH(ARAM_WIDTH),
      .READS(2),
      .WRITES(1),
      .FORWARD(1)
  ) aram (
      .clock(clock),
      .read_valid({vector_acc_read, acc_read}),
      .read_address({nram_read_address[A], acc_read_address}),
      .read_data(aram_data),
      .write_valid(acc_write),
      .write_address(acc_write_address),
      .write_data((32 * ARAM_WIDTH)'(acc_written)),
      .write_skip(16'd0),
      .write_count(16'(4 * COLUMNS)),
      .write_mask('1)
  );

  ram #(
      .ELEMENTS(PRAM_RECORDS),
      .ELEMENT_BYTES(12),
      .WIDTH(PRAM_WIDTH),
      .READS(1),
      .WRITES(1)
  ) pram (
      .clock(clock),
      .read_valid(record_read),
      .read_address({8'd0, record_address}),
      .read_data(pram_data),
      .write_valid(load_pram_write),
      .write_address(load_write_address),
      .write_data((96 * PRAM_WIDTH)'(load_written)),
      .write_skip(load_write_skip),
      .write_count(load_write_count),
      .write_mask('1)
  );
endmodule
