//! Faults of float instructions and of `transpose`, at either side of each limit.

use ediacara_arch::{ElementType, Machine};
use ediacara_isa::{Executable, assemble};
use ediacara_rtl::{Core, Initial, LockstepOptions, RunOptions, Verdict, lockstep};
use ediacara_sim::FaultKind;

use super::dot::matrix_machine;
use super::float_machine;
use crate::options;

/// A text, and what its last instruction but `halt` is on a machine of 4096 bytes of NRAM, 512 accumulators,
/// 64 records.
type Expectation = (&'static str, Option<FaultKind>);

const OPERAND: Option<FaultKind> = Some(FaultKind::Operand);
const ADDRESS: Option<FaultKind> = Some(FaultKind::Address);
const OPCODE: Option<FaultKind> = Some(FaultKind::Opcode);

const WITH_FLOAT: &[Expectation] = &[
    ("config vector.a_type=i32; float_copy d=0, a=64, length=1", OPERAND),
    ("config vector.a_type=i32; float_copy d=0, a=aram[0], length=1", None),
    ("config vector.a_type=i32; float_fill d=0, length=1", None),
    ("config vector.a_type=i8; float_copy d=0, a=aram[0], length=1", OPERAND),
    ("config vector.a_type=f16; float_copy d=0, a=aram[0], length=1", OPERAND),
    ("config vector.a_type=bf16; float_copy d=0, a=aram[0], length=1", OPERAND),
    ("config vector.b_type=i32; float_add d=0, a=64, b=128, length=1", OPERAND),
    ("config vector.b_type=i32; float_add d=0, a=64, constant, length=1", None),
    ("config vector.b_type=i32; float_copy d=0, a=64, length=1", None),
    ("config vector.d_type=i32; float_fill d=0, length=1", OPERAND),
    ("float_copy d=0, a=64, records, p=0, length=1", OPERAND),
    ("float_copy d=0, a=aram[0], records, p=0, length=1", None),
    ("float_scale d=0, a=64, p=0, length=1", None),
    ("float_add d=0, a=64, b=128, scalar, constant, length=1", OPERAND),
    ("config vector.low=5, vector.high=4; float_fill d=0, length=1", None),
    ("config vector.low=5, vector.high=4, vector.d_type=i8; float_fill d=0, length=1", OPERAND),
    ("config vector.d_type=i8; float_window_sum d=0, a=64, accumulate, length=1", OPERAND),
    ("config vector.d_type=f16; float_window_sum d=0, a=64, accumulate, length=1", None),
    // The last byte of an element.
    ("float_fill d=4092, length=1", None),
    ("float_fill d=4093, length=1", ADDRESS),
    ("config vector.d_type=f16; float_fill d=4094, length=1", None),
    ("config vector.d_type=f16; float_fill d=4095, length=1", ADDRESS),
    ("float_copy d=0, a=4092, length=1", None),
    ("float_copy d=0, a=4093, length=1", ADDRESS),
    ("float_copy d=0, a=aram[510], length=2", None),
    ("float_copy d=0, a=aram[511], length=2", ADDRESS),
    (
        "config vector.a_type=f16, vector.a_stride_1=1000; float_row_sum d=4092, a=0, length=48, count_1=3",
        None,
    ),
    (
        "config vector.a_type=f16, vector.a_stride_1=1000; float_row_sum d=4092, a=0, length=49, count_1=3",
        ADDRESS,
    ),
    ("float_add d=0, a=64, b=4092, scalar, length=2", None),
    ("float_add d=0, a=64, b=4092, length=2", ADDRESS),
    ("float_add d=0, a=64, b=4095, constant, length=2", None),
    ("config vector.d_stride_1=1; float_row_sum d=4088, a=64, length=8, count_1=2", None),
    ("config vector.d_stride_1=1; float_row_sum d=4089, a=64, length=8, count_1=2", ADDRESS),
    ("float_copy d=0, a=aram[0], records, p=60, length=4", None),
    ("float_copy d=0, a=aram[0], records, p=60, length=5", ADDRESS),
    ("float_copy d=0, a=aram[0], p=60, length=5", None),
    ("float_scale d=0, a=aram[0], p=60, length=5", ADDRESS),
    (
        "config vector.window_count_1=2, vector.b_window_stride=1000; float_window_dot d=64, a=64, b=0, length=24",
        None,
    ),
    (
        "config vector.window_count_1=2, vector.b_window_stride=1000; float_window_dot d=64, a=64, b=1, length=24",
        ADDRESS,
    ),
    (
        "config vector.window_count_1=2, vector.b_window_stride=1000, vector.b_stride_1=1; \
         float_window_dot d=64, a=64, b=0, length=24, count_1=2",
        None,
    ),
    (
        "config vector.window_count_1=2, vector.b_window_stride=1000, vector.b_stride_1=1; \
         float_window_dot d=64, a=64, b=0, moves, length=24, count_1=2",
        ADDRESS,
    ),
    (
        "config vector.window_count_2=3, vector.window_stride_2=500; float_window_maximum d=0, a=64, length=2",
        None,
    ),
    (
        "config vector.window_count_2=3, vector.window_stride_2=500; float_window_maximum d=0, a=92, length=2",
        ADDRESS,
    ),
    // A stride that is outside of every memory only when it is counted in bytes.
    ("config vector.d_stride_1=1 << 30; float_fill d=0, length=1, count_1=2", ADDRESS),
    ("config vector.d_stride_1=4095; transpose d=0, a=0, length=2, count_1=1", None),
    ("config vector.d_stride_1=4095; transpose d=0, a=0, length=2, count_1=1, element=2", ADDRESS),
    ("config vector.d_stride_1=1023; transpose d=0, a=0, length=2, count_1=1, element=4", None),
    ("config vector.d_stride_1=1023; transpose d=1, a=0, length=2, count_1=1, element=4", ADDRESS),
    ("transpose d=0, a=4088, length=2, count_1=1, element=4", None),
    ("transpose d=0, a=4089, length=2, count_1=1, element=4", ADDRESS),
];

const WITHOUT_FLOAT: &[Expectation] = &[
    ("float_fill d=0, length=1", OPCODE),
    ("float_copy d=9000, a=64, records, p=0, length=1", OPCODE),
    ("config vector.a_type=f32", OPERAND),
    ("config vector.constant=0.0", OPERAND),
    ("config vector.low=1, vector.d_inverse_scale=1.0", OPERAND),
    ("config vector.shift=1", None),
    ("transpose d=0, a=64, length=2, count_1=2, element=2", None),
    ("transpose d=0, a=64, length=2, count_1=2, element=4", OPERAND),
];

/// On a matrix unit of 4 x 4 with bf16 and f32, a row of WRAM is 16 bytes.
const WITH_FLOAT_DOT: &[Expectation] = &[
    ("config matrix.stretch=8; float_dot x=0, w=0, acc=0", None),
    ("float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=4, matrix.type=bf16; float_dot x=1, w=16, acc=0, accumulate", None),
    ("config matrix.stretch=4, matrix.type=f16; float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=4, matrix.type=i8; float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=4, matrix.type=i32; float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=4, matrix.type=i32; dot x=0, w=0, acc=0", None),
    ("config matrix.stretch=6, matrix.type=bf16; float_dot x=0, w=0, acc=0", None),
    ("config matrix.stretch=5, matrix.type=bf16; float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=6; float_dot x=0, w=0, acc=0", OPERAND),
    ("config matrix.stretch=6; dot x=0, w=0, acc=0", None),
    ("config matrix.stretch=4; float_dot x=0, w=8, acc=0", OPERAND),
    ("config matrix.stretch=4; float_dot x=4092, w=0, acc=0", None),
    ("config matrix.stretch=4; float_dot x=4093, w=0, acc=0", ADDRESS),
    ("config matrix.stretch=8; float_dot x=0, w=16*22, acc=0", None),
    ("config matrix.stretch=8; float_dot x=0, w=16*23, acc=0", ADDRESS),
    ("config matrix.stretch=4; float_dot x=0, w=0, acc=252", None),
    ("config matrix.stretch=4; float_dot x=0, w=0, acc=253", ADDRESS),
];

const WITHOUT_FLOAT_DOT: &[Expectation] = &[
    ("float_dot x=0, w=0, acc=0", OPCODE),
    ("config matrix.stretch=5; float_dot x=9000, w=3, acc=0", OPCODE),
    ("config matrix.type=f32", OPERAND),
    ("config matrix.stretch=4, matrix.type=i8", OPERAND),
];

fn program(text: &str) -> Executable {
    let lines = format!("{}\nhalt\n", text.replace("; ", "\n"));
    assemble(&lines, "fault").unwrap_or_else(|errors| panic!("{text}: {errors}"))
}

fn check(machine: &Machine, expectations: &[Expectation]) {
    let mut core = Core::build(machine, &options()).unwrap();
    for (text, expected) in expectations {
        let executable = program(text);
        let outcome = core.run(machine, &executable, &Initial::default(), &RunOptions::default()).unwrap();
        assert_eq!(outcome.fault.map(|fault| fault.kind), *expected, "{text}");
        let at = executable.code.len() as u64 - 2;
        assert!(outcome.fault.is_none_or(|fault| fault.instruction == at), "{text}: {outcome:?}");
        let (initial, lockstep_options) = (Initial::default(), LockstepOptions::default());
        let verdict = lockstep(&mut core, machine, &executable, &initial, &lockstep_options, &mut |_| ());
        if let Verdict::Diverged(divergence) = verdict.unwrap() {
            panic!("{text}: {divergence}");
        }
    }
}

#[test]
fn float_instructions_fault_where_the_page_says() {
    check(&float_machine(8, 4, 12), WITH_FLOAT);
}

#[test]
fn a_machine_without_floating_point_has_neither_instructions_nor_registers() {
    let mut machine = float_machine(2, 0, 3);
    machine.core.queue_entries = 1;
    check(&machine, WITHOUT_FLOAT);
}

#[test]
fn float_dot_faults_where_the_page_says() {
    let machine = matrix_machine([4, 4, 3], &[ElementType::Bf16, ElementType::F32]);
    check(&machine, WITH_FLOAT_DOT);
    // What the other engine has does not matter.
    check(&float_machine(8, 4, 12), WITHOUT_FLOAT_DOT);
    check(&machine, &WITHOUT_FLOAT[..5]);
}

#[test]
fn a_missing_instruction_is_an_opcode_fault_whatever_its_operands() {
    let machine = float_machine(2, 0, 3);
    let mut executable = program("float_fill d=0, length=1");
    executable.code[0][1] = 0xff;
    let mut core = Core::build(&machine, &options()).unwrap();
    let outcome = core.run(&machine, &executable, &Initial::default(), &RunOptions::default()).unwrap();
    assert_eq!(outcome.fault.map(|fault| fault.kind), OPCODE);
}
