//! What an instruction of the vector engine does to time, and when it is a fault, from docs/isa.md and
//! docs/microarchitecture.md.
//!
//! Nothing here asks the instruction table what an instruction reads: it is written out once more.

use ediacara_isa::{ConfigRegister as C, Memory, Operation, VectorOperands as Operands};
use ediacara_sim::FaultKind;

use crate::cost::{Cost, Situation, inside};

/// Types, as the registers hold them.
const I8: i64 = 0;
const I32: i64 = 1;
const F32: i64 = 4;

/// An operand in NRAM or ARAM.
struct Operand {
    first: u128,
    in_aram: bool,
    /// Counts and strides, in elements; the last is the row.
    dimensions: Vec<(u128, u128)>,
    /// Bytes of an element.
    bytes: u128,
    /// Whether a row has one element, whatever its length.
    is_single: bool,
}

pub(crate) fn cost(s: &Situation<'_>, operation: &Operation) -> Result<Cost, FaultKind> {
    let Some((_, o)) = operation.vector() else { panic!("{operation:?} is not of the vector engine") };
    let name = operation.mnemonic();
    refuse(s, name, &o)?;
    let (a, b, d) = (a(s, name, &o), b(s, name, &o), d(s, name, &o));
    for operand in [&a, &b, &d].into_iter().flatten() {
        // The last byte of the last element must be inside too.
        let mut dimensions: Vec<_> =
            operand.dimensions.iter().map(|(count, stride)| (*count, stride * operand.bytes)).collect();
        dimensions.push((operand.bytes, 1));
        let size = if operand.in_aram { s.machine.aram_accumulators().into() } else { s.nram() };
        inside(operand.first, &dimensions, size)?;
    }
    if matches!(name, "requantise" | "depthwise" | "float_scale") || o.records {
        inside(s.at(o.p), &[(o.length.into(), 1)], s.machine.pram_records().into())?;
    }
    // T-VECTOR-ORDER
    let leaves_d = name == "float_select" || o.accumulate;
    let reads_nram = leaves_d || [&a, &b].into_iter().flatten().any(|operand| !operand.in_aram);
    let beats = beats(s, name, &o, &[&a, &b, &d]) as u64;
    Ok(if reads_nram { Cost::OrderedBeats(beats) } else { Cost::Beats(beats) })
}

/// The faults that are looked for before addresses.
fn refuse(s: &Situation<'_>, name: &str, o: &Operands) -> Result<(), FaultKind> {
    let register = |register: C| s.config[register.index()];
    let is_reversed = register(C::VectorLow) > register(C::VectorHigh);
    let carried = o.element.bytes() as u128;
    if !name.starts_with("float_") {
        let clamps = !matches!(name, "fill" | "copy" | "load_table" | "table" | "transpose");
        let is_wide = name == "transpose" && carried > s.machine.vector.lanes.into();
        return if is_wide || (clamps && is_reversed) { Err(FaultKind::Operand) } else { Ok(()) };
    }
    if s.machine.vector.float_lanes == 0 {
        return Err(FaultKind::Opcode);
    }
    let (a, b, d) = (register(C::VectorAType), register(C::VectorBType), register(C::VectorDType));
    let in_aram = o.memory == Memory::Aram;
    let a_is_wrong = match (name, in_aram) {
        ("float_fill", _) => false,
        (_, true) => a != I32 && a != F32,
        (_, false) => a == I32,
    };
    let is_refused = a_is_wrong
        || (takes_two(name) && !o.constant && b == I32)
        || d == I32
        || (d == I8 && is_reversed)
        || (o.records && !in_aram)
        || (o.scalar && o.constant)
        || (o.accumulate && d == I8);
    if is_refused { Err(FaultKind::Operand) } else { Ok(()) }
}

fn takes_two(name: &str) -> bool {
    matches!(
        name,
        "depthwise"
            | "add"
            | "multiply"
            | "maximum"
            | "float_add"
            | "float_subtract"
            | "float_multiply"
            | "float_maximum"
            | "float_minimum"
            | "float_compare"
            | "float_select"
            | "float_exp2"
            | "float_row_dot"
            | "float_window_dot"
    )
}

fn is_windowed(name: &str) -> bool {
    name.starts_with("float_window_") || matches!(name, "depthwise" | "max_pool" | "average_pool")
}

fn bytes_of(s: &Situation<'_>, name: &str, o: &Operands, register: C) -> u128 {
    match (name, s.config[register.index()]) {
        ("transpose", _) => o.element.bytes().into(),
        (name, _) if !name.starts_with("float_") => 1,
        (_, I8) => 1,
        (_, I32 | F32) => 4,
        _ => 2,
    }
}

fn row(s: &Situation<'_>, o: &Operands, strides: [C; 2], length: u128) -> Vec<(u128, u128)> {
    vec![(o.count_1.into(), s.c(strides[0])), (o.count_2.into(), s.c(strides[1])), (length, 1)]
}

fn a(s: &Situation<'_>, name: &str, o: &Operands) -> Option<Operand> {
    if matches!(name, "fill" | "float_fill") {
        return None;
    }
    let in_aram = name == "requantise" || o.memory == Memory::Aram;
    let mut dimensions = row(s, o, [C::VectorAStride1, C::VectorAStride2], o.length.into());
    if name == "load_table" {
        dimensions = vec![(256, 1)];
    }
    if is_windowed(name) {
        dimensions.push((s.c(C::VectorWindowCount1), s.c(C::VectorWindowStride1)));
        dimensions.push((s.c(C::VectorWindowCount2), s.c(C::VectorWindowStride2)));
    }
    let bytes = if in_aram { 1 } else { bytes_of(s, name, o, C::VectorAType) };
    Some(Operand { first: s.at(o.a), in_aram, dimensions, bytes, is_single: false })
}

fn b(s: &Situation<'_>, name: &str, o: &Operands) -> Option<Operand> {
    if !takes_two(name) || o.constant {
        return None;
    }
    let length = if o.scalar { 1 } else { o.length.into() };
    let mut dimensions = row(s, o, [C::VectorBStride1, C::VectorBStride2], length);
    if is_windowed(name) {
        if !o.moves {
            dimensions = vec![(length, 1)];
        }
        let positions = s.c(C::VectorWindowCount1) * s.c(C::VectorWindowCount2);
        dimensions.push((positions, s.c(C::VectorBWindowStride)));
    }
    let bytes = bytes_of(s, name, o, C::VectorBType);
    Some(Operand { first: s.at(o.b), in_aram: false, dimensions, bytes, is_single: o.scalar })
}

fn d(s: &Situation<'_>, name: &str, o: &Operands) -> Option<Operand> {
    let strides = [C::VectorDStride1, C::VectorDStride2];
    let is_single = name.starts_with("float_row_");
    let dimensions = match name {
        "load_table" => return None,
        "transpose" => {
            vec![
                (o.length.into(), s.c(strides[0])),
                (o.count_2.into(), s.c(strides[1])),
                (o.count_1.into(), 1),
            ]
        }
        _ => row(s, o, strides, if is_single { 1 } else { o.length.into() }),
    };
    let bytes = bytes_of(s, name, o, C::VectorDType);
    Some(Operand { first: s.at(o.d), in_aram: false, dimensions, bytes, is_single })
}

/// T-VECTOR
fn beats(s: &Situation<'_>, name: &str, o: &Operands, operands: &[&Option<Operand>; 3]) -> u128 {
    let lanes = u128::from(s.machine.vector.lanes);
    let (count_1, count_2, length) = (u128::from(o.count_1), u128::from(o.count_2), u128::from(o.length));
    if name == "load_table" {
        return 256u128.div_ceil(lanes);
    }
    if name == "transpose" {
        let n = lanes / u128::from(o.element.bytes());
        return count_2 * count_1.div_ceil(n) * length.div_ceil(n) * 2 * n;
    }
    let mut width = lanes;
    if name.starts_with("float_") {
        // T-VECTOR-WIDTH
        width = s.machine.vector.float_lanes.into();
        for operand in operands.iter().filter_map(|operand| operand.as_ref()) {
            if !operand.in_aram && !operand.is_single {
                width = width.min(lanes / operand.bytes);
            }
        }
    }
    let positions = match is_windowed(name) {
        true => s.c(C::VectorWindowCount1) * s.c(C::VectorWindowCount2),
        false => 1,
    };
    count_1 * count_2 * length.div_ceil(width) * positions
}
