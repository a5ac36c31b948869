//! Ways to use an instruction of floating point.

use ediacara_arch::Machine;
use ediacara_isa::{
    ConfigRegister as C, INSTRUCTIONS, Memory, Operation, Relation, VectorOperands, VectorOperation,
    VectorShape,
};

use super::{Coverage, modes};
use crate::footprint::Context;
use crate::model::Scalar;
use crate::vector_footprint::element;

/// Types of elements in NRAM and of accumulators, with their names.
const STORED: [(i64, &str); 4] =
    [(element::I8, "i8"), (element::F16, "f16"), (element::BF16, "bf16"), (element::F32, "f32")];
const ACCUMULATORS: [(i64, &str); 2] = [(element::I32, "i32"), (element::F32, "f32")];

/// Everything that must occur on machines with floating point.
pub(super) fn required() -> Vec<String> {
    let mut names = Vec::new();
    for spec in INSTRUCTIONS.iter().filter(|spec| modes::is_vector_float(spec)) {
        names.extend(modes::of_fields(spec));
    }
    for operation in VectorOperation::ALL.iter().filter(|operation| operation.rule().float) {
        names.extend(modes::of_shape(*operation));
        names.extend(of_operands(*operation));
    }
    names.extend(Relation::ALL.iter().map(|relation| format!("float_compare {}", relation.name())));
    let flags = ["accumulate", "overwrite", "moves", "stays"];
    let of = ["sum", "sum", "dot", "dot"];
    names.extend(flags.iter().zip(of).map(|(flag, window)| format!("float_window_{window} {flag}")));
    names.extend(["float_lanes", "widest element"].map(|width| format!("float width is that of {width}")));
    names
}

/// Each operand of every type, in every memory, and with every flag.
fn of_operands(operation: VectorOperation) -> Vec<String> {
    let (name, rule) = (operation.name(), operation.rule());
    let is_windowed = rule.shape == VectorShape::Window;
    let mut names: Vec<_> = STORED.iter().map(|(_, kind)| format!("{name} d {kind}")).collect();
    if rule.a.is_some() {
        names.extend(STORED.iter().map(|(_, kind)| format!("{name} a {kind}")));
    }
    if rule.a.is_some() && !is_windowed {
        for (_, kind) in ACCUMULATORS {
            names.push(format!("{name} a aram {kind}"));
            if operation != VectorOperation::FloatScale {
                names.push(format!("{name} a aram {kind} records"));
            }
        }
    }
    if rule.b.is_some() {
        names.extend(STORED.iter().map(|(_, kind)| format!("{name} b {kind}")));
    }
    if rule.b.is_some() && !is_windowed {
        names.extend(["scalar", "constant"].map(|flag| format!("{name} b {flag}")));
    }
    names
}

/// Counts one instruction, as it was issued.
pub(super) fn count(coverage: &mut Coverage, machine: &Machine, scalar: &Scalar, operation: &Operation) {
    let Some((operation, v)) = operation.vector().filter(|(kind, _)| kind.rule().float) else { return };
    let context = Context { machine, registers: &scalar.registers, config: &scalar.config, code: (0, 0) };
    let (context, v) = (&context, &v);
    let (name, rule) = (operation.name(), operation.rule());
    let kind = |register: C| {
        let code = context.config[register.index()];
        STORED.iter().chain(&ACCUMULATORS).find(|(other, _)| *other == code).map_or("", |(_, kind)| kind)
    };
    coverage.count(format!("{name} d {}", kind(C::VectorDType)));
    if rule.a.is_some() {
        let memory = if v.memory == Memory::Aram { "aram " } else { "" };
        let records = if v.records { " records" } else { "" };
        coverage.count(format!("{name} a {memory}{}{records}", kind(C::VectorAType)));
    }
    if rule.b.is_some() && !v.constant {
        coverage.count(format!("{name} b {}", kind(C::VectorBType)));
    }
    for (flag, is_set) in [("b scalar", v.scalar), ("b constant", v.constant), ("moves", v.moves)] {
        if is_set {
            coverage.count(format!("{name} {flag}"));
        }
    }
    match operation {
        VectorOperation::FloatCompare => coverage.count(format!("{name} {}", v.relation.name())),
        VectorOperation::FloatWindowSum => {
            coverage.count(format!("{name} {}", if v.accumulate { "accumulate" } else { "overwrite" }));
        }
        VectorOperation::FloatWindowDot if !v.moves => coverage.count(format!("{name} stays")),
        _ => {}
    }
    width(coverage, context, rule.shape, v);
}

/// Which of the two bounds of T-VECTOR-WIDTH is the lower, by the destination.
fn width(coverage: &mut Coverage, context: &Context<'_>, shape: VectorShape, v: &VectorOperands) {
    if shape == VectorShape::RowReduction {
        return;
    }
    let vector = &context.machine.vector;
    let bytes = element::bytes(context.config[C::VectorDType.index()]);
    let is_narrow = u64::from(vector.lanes) / bytes < vector.float_lanes.into();
    // A row that one beat takes shows no width.
    if v.length > vector.float_lanes {
        let which = if is_narrow { "widest element" } else { "float_lanes" };
        coverage.count(format!("float width is that of {which}"));
    }
}
