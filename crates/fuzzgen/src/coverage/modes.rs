//! Ways to use an instruction.

use ediacara_arch::Machine;
use ediacara_isa::{
    Address, Condition, ConfigRegister as C, INSTRUCTIONS, Instruction, InstructionSpec, Kind,
    MatrixOperation, Memory, Operation, VectorOperation, VectorShape,
};

use super::{Coverage, alignment, is_queued};
use crate::footprint::Context;
use crate::model::Scalar;
use crate::vector_footprint::element;

/// Those of `dot`, and of `float_dot`.
const DOT: &[&str] =
    &["accumulate", "overwrite", "accumulators overlap", "acc stride 0", "reduction not whole"];

/// Modes in which an instruction must have been used, by mnemonic.
const MODES: &[(&str, &[&str])] = &[
    ("load", &["to nram", "to wram", "to pram"]),
    ("dot", DOT),
    ("transpose", &["whole tiles", "partial tiles", "element 1", "element 2", "element 4"]),
    ("branch", &["equal", "not_equal", "less", "greater_equal"]),
];
/// Windows with which an instruction must have been used.
const WINDOWS: [&str; 4] = ["window 1", "window wide", "window high", "window 2-d"];

/// Everything that must occur, but for floating point.
pub(super) fn required() -> Vec<String> {
    let mut names = Vec::new();
    for spec in INSTRUCTIONS.iter().filter(|spec| !is_float(spec)) {
        names.extend(of_fields(spec));
    }
    for (name, modes) in MODES {
        names.extend(modes.iter().map(|mode| format!("{name} {mode}")));
    }
    names.extend(WINDOWS.map(|mode| format!("dot {mode}")));
    for operation in VectorOperation::ALL.iter().filter(|operation| !operation.rule().float) {
        names.extend(of_shape(*operation));
    }
    for (_, strides) in STRIDES {
        for register in *strides {
            for mode in ["zero", "within a row", "a row", "beyond a row"] {
                names.push(format!("{} {mode}", register.name()));
            }
        }
    }
    names.extend((1..=62).map(|shift| format!("vector.shift {shift:02}")));
    for register in ZEROS {
        for value in [register.spec().low, register.spec().high] {
            names.push(format!("{} {value}", register.name()));
        }
    }
    names.extend(
        ENDS.iter()
            .flat_map(|(_, name)| [format!("{name} ends in its last element"), format!("{name} whole")]),
    );
    names
}

/// Everything that must occur on machines with floating point in their matrix engine.
pub(super) fn required_of_float_dot() -> Vec<String> {
    let name = MatrixOperation::FloatDot.name();
    let mut names: Vec<String> =
        INSTRUCTIONS.iter().filter(|spec| spec.mnemonic == name).flat_map(of_fields).collect();
    let types = FLOATS.map(|(_, kind)| kind);
    names.extend(DOT.iter().chain(&WINDOWS).chain(&types).map(|mode| format!("{name} {mode}")));
    names.extend(FLOATS.map(|(_, kind)| format!("{name} {kind} masked")));
    names
}

/// Types of `float_dot`, with their names.
const FLOATS: [(i64, &str); 3] = [(element::F16, "f16"), (element::BF16, "bf16"), (element::F32, "f32")];

/// Whether only machines with floating point have an instruction.
pub(super) fn is_float(spec: &InstructionSpec) -> bool {
    spec.mnemonic == MatrixOperation::FloatDot.name() || is_vector_float(spec)
}

/// Whether only machines with floating point in their vector engine have it.
pub(super) fn is_vector_float(spec: &InstructionSpec) -> bool {
    VectorOperation::ALL.iter().any(|kind| kind.rule().float && kind.name() == spec.mnemonic)
}

/// An instruction with semaphores, and with every operand at an end of its range.
pub(super) fn of_fields(spec: &InstructionSpec) -> Vec<String> {
    let name = spec.mnemonic;
    let mut names = vec![name.to_owned()];
    if spec.may_wait {
        for mode in ["waits", "waits for several", "posts", "posts several"] {
            names.push(format!("{name} {mode}"));
        }
    }
    for field in spec.fields {
        match field.kind {
            kind if kind.is_address() => {
                names.push(format!("{name} {} immediate", field.name));
                names.push(format!("{name} {} relative", field.name));
            }
            Kind::Count if field.default.is_some() => {
                names.push(format!("{name} {} one", field.name));
                names.push(format!("{name} {} many", field.name));
            }
            _ => {}
        }
    }
    names
}

/// Windows, and being in place.
pub(super) fn of_shape(operation: VectorOperation) -> Vec<String> {
    let (name, rule) = (operation.name(), operation.rule());
    let mut names = Vec::new();
    if rule.shape == VectorShape::Window {
        names.extend(WINDOWS.map(|mode| format!("{name} {mode}")));
    }
    if rule.in_place {
        names.push(format!("{name} in place"));
    }
    names
}

/// Registers whose ends must be used.
const ZEROS: [C; 7] = [
    C::MatrixXZero,
    C::MatrixWZero,
    C::VectorAZero,
    C::VectorBZero,
    C::VectorDZero,
    C::VectorAMultiplier,
    C::VectorBMultiplier,
];

/// Memories whose last element must be touched, and that must be touched as a whole.
const ENDS: [(Memory, &str); 4] =
    [(Memory::Nram, "nram"), (Memory::Wram, "wram"), (Memory::Aram, "aram"), (Memory::Pram, "pram")];

/// Strides that count rows of the instruction's own length, by engine.
const STRIDES: &[(&str, &[C])] = &[
    ("load", &[C::LoadSourceStride1, C::LoadDestinationStride1]),
    ("store", &[C::StoreSourceStride1, C::StoreDestinationStride1]),
    ("vector", &[C::VectorAStride1, C::VectorBStride1, C::VectorDStride1]),
];

/// Counts one instruction, as it was issued.
pub(super) fn count(coverage: &mut Coverage, machine: &Machine, scalar: &Scalar, instruction: &Instruction) {
    let operation = &instruction.operation;
    let name = operation.spec().mnemonic;
    coverage.count(name.to_owned());
    if let Operation::Branch(o) = operation {
        let condition = Condition::ALL.iter().find(|condition| **condition == o.condition);
        coverage.count(format!("branch {}", condition.map_or("", |condition| condition.name())));
    }
    if !is_queued(operation) {
        return;
    }
    masks(coverage, name, instruction);
    fields(coverage, name, instruction);
    let context = Context { machine, registers: &scalar.registers, config: &scalar.config, code: (0, 0) };
    match operation {
        Operation::Load(o) => {
            coverage.count(format!("load to {}", o.memory.name()));
            coverage.count(alignment("load source", context.at(o.source)));
            coverage.count(alignment("load length", o.length.into()));
            let unit = o.memory.unit_bytes();
            strides(coverage, &context, 0, o.length.into(), o.count_1, &[1, unit]);
        }
        Operation::Store(o) => {
            coverage.count(alignment("store destination", context.at(o.destination)));
            coverage.count(alignment("store length", o.length.into()));
            strides(coverage, &context, 1, o.length.into(), o.count_1, &[1, 1]);
        }
        Operation::Dot(_) | Operation::FloatDot(_) => dot(coverage, &context, operation),
        other => vector(coverage, &context, other),
    }
    ends(coverage, &context, operation);
}

fn masks(coverage: &mut Coverage, name: &str, instruction: &Instruction) {
    for (mask, one, several) in
        [(instruction.wait, "waits", "waits for several"), (instruction.post, "posts", "posts several")]
    {
        match mask.count_ones() {
            0 => {}
            1 => coverage.count(format!("{name} {one}")),
            _ => coverage.count(format!("{name} {several}")),
        }
    }
}

/// Addresses and counts, read from the word by the table.
fn fields(coverage: &mut Coverage, name: &str, instruction: &Instruction) {
    let word = ediacara_isa::encode_unchecked(instruction);
    let bits = |lsb: u32, width: u32| {
        (0..width).fold(0u64, |value, bit| {
            let at = (lsb + bit) as usize;
            value | u64::from(word[at / 8] >> (at % 8) & 1) << bit
        })
    };
    for field in instruction.operation.spec().fields {
        match field.kind {
            kind if kind.is_address() => {
                let is_dram = field.width == 48;
                let register = bits(field.lsb + if is_dram { 40 } else { field.width - 4 }, 4);
                let mode = if register == 0 { "immediate" } else { "relative" };
                coverage.count(format!("{name} {} {mode}", field.name));
            }
            Kind::Count if field.default.is_some() => {
                let mode = if bits(field.lsb, field.width) == 1 { "one" } else { "many" };
                coverage.count(format!("{name} {} {mode}", field.name));
            }
            _ => {}
        }
    }
}

/// Strides of dimension 1, where it has more than one row.
fn strides(
    coverage: &mut Coverage,
    context: &Context<'_>,
    engine: usize,
    length: u64,
    count: u16,
    units: &[u64],
) {
    if count == 1 {
        return;
    }
    for (register, unit) in STRIDES[engine].1.iter().zip(units.iter().chain(std::iter::repeat(&1))) {
        stride(coverage, *register, context.c(*register), length / unit);
    }
}

fn stride(coverage: &mut Coverage, register: C, stride: u64, row: u64) {
    let mode = match stride {
        0 => "zero",
        stride if stride < row => "within a row",
        stride if stride == row => "a row",
        _ => "beyond a row",
    };
    coverage.count(format!("{} {mode}", register.name()));
}

fn window(coverage: &mut Coverage, name: &str, [inner, outer]: [u64; 2]) {
    let mode = match (inner > 1, outer > 1) {
        (false, false) => "1",
        (true, false) => "wide",
        (false, true) => "high",
        (true, true) => "2-d",
    };
    coverage.count(format!("{name} window {mode}"));
}

fn dot(coverage: &mut Coverage, context: &Context<'_>, operation: &Operation) {
    let Some((kind, o)) = operation.matrix() else { return };
    let name = kind.name();
    coverage.count(format!("{name} {}", if o.accumulate { "accumulate" } else { "overwrite" }));
    window(coverage, name, [context.c(C::MatrixWindowCountX), context.c(C::MatrixWindowCountY)]);
    let stride = context.c(C::MatrixAccStridePixel);
    if o.pixels_x > 1 && stride == 0 {
        coverage.count(format!("{name} acc stride 0"));
    } else if o.pixels_x > 1 && stride < u64::from(context.machine.matrix.columns) {
        coverage.count(format!("{name} accumulators overlap"));
    }
    let is_masked = !context.c(C::MatrixStretch).is_multiple_of(context.machine.matrix.rows.into());
    if is_masked {
        coverage.count(format!("{name} reduction not whole"));
    }
    if kind == MatrixOperation::Dot {
        return zeros(coverage, context, &ZEROS[..2]);
    }
    let code = context.config[C::MatrixType.index()];
    if let Some((_, kind)) = FLOATS.iter().find(|(other, _)| *other == code) {
        coverage.count(format!("{name} {kind}"));
        if is_masked {
            coverage.count(format!("{name} {kind} masked"));
        }
    }
}

/// Registers at an end of their range.
fn zeros(coverage: &mut Coverage, context: &Context<'_>, registers: &[C]) {
    for register in registers {
        let (value, spec) = (context.config[register.index()], register.spec());
        if value == spec.low || value == spec.high {
            coverage.count(format!("{} {value}", register.name()));
        }
    }
}

fn vector(coverage: &mut Coverage, context: &Context<'_>, operation: &Operation) {
    let Some((kind, v)) = operation.vector() else { return };
    let (name, rule) = (kind.name(), kind.rule());
    if rule.shape == VectorShape::Window {
        window(coverage, name, [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)]);
    }
    let is_d = |operand: Address| context.at(operand) == context.at(v.d);
    let is_plain = v.memory == Memory::Nram && !v.scalar && !v.constant;
    if rule.in_place && is_plain && (is_d(v.a) || (rule.b.is_some() && is_d(v.b))) {
        coverage.count(format!("{name} in place"));
    }
    if rule.shape == VectorShape::Transpose {
        coverage.count(format!("transpose element {}", v.element.name()));
        let lanes = context.machine.vector.lanes / v.element.bytes() as u32;
        let whole = v.length.is_multiple_of(lanes) && u32::from(v.count_1).is_multiple_of(lanes);
        coverage.count(format!("transpose {} tiles", if whole { "whole" } else { "partial" }));
    } else if v.count_1 > 1 {
        // With a window, the rows of b belong to the window's positions.
        let has_rows_of_b = rule.b.is_some() && rule.shape == VectorShape::Rows;
        for (register, is_used) in
            STRIDES[2].1.iter().zip([rule.a.is_some(), has_rows_of_b, rule.d.is_some()])
        {
            if is_used {
                stride(coverage, *register, context.c(*register), v.length.into());
            }
        }
    }
    use Operation as O;
    match operation {
        O::Add(_) => zeros(coverage, context, &ZEROS[2..]),
        O::Multiply(_) => zeros(coverage, context, &ZEROS[2..6]),
        O::AveragePool(_) => zeros(coverage, context, &[C::VectorAZero, C::VectorDZero]),
        _ => {}
    }
    if matches!(operation, O::Add(_) | O::Multiply(_) | O::AveragePool(_)) {
        coverage.count(format!("vector.shift {:02}", context.c(C::VectorShift)));
    }
}

/// Whether the last element of a memory is touched, and whether all of it is.
fn ends(coverage: &mut Coverage, context: &Context<'_>, operation: &Operation) {
    let Ok(footprint) = context.footprint(operation) else { return };
    for (memory, name) in ENDS {
        let size = context.size(memory);
        for touched in [&footprint.reads[memory as usize], &footprint.writes[memory as usize]] {
            if touched.has(size - 1) {
                coverage.count(format!("{name} ends in its last element"));
            }
            if touched.len() == size {
                coverage.count(format!("{name} whole"));
            }
        }
    }
}
