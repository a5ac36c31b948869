//! Random vector instructions for a machine with floating point, one after the other without a race.

use ediacara_arch::Machine;
use ediacara_fuzzgen::Random;
use ediacara_isa::{
    Address, ConfigRegister as C, ElementBytes, Memory, Relation, VectorOperands, VectorOperation as V,
};

use super::machine_model::{Case, Memories};
use super::model::Type;
use super::units::number;

/// NRAM is cut into this many parts; an instruction writes one and reads others, except in place.
const PARTS: usize = 4;

/// What instructions are drawn from: all float instructions, and some others that share their way.
fn operations() -> Vec<V> {
    let others = [V::Transpose, V::Transpose, V::Transpose, V::Fill, V::Copy];
    V::ALL.iter().copied().filter(|v| v.name().starts_with("float_")).chain(others).collect()
}

/// Memories in which numbers of every type are likely to be met.
pub(crate) fn memories(random: &mut Random, machine: &Machine) -> Memories {
    let part = machine.core.nram_bytes as usize / PARTS;
    let mut nram = Vec::new();
    for kind in 0..PARTS {
        while nram.len() < part * (kind + 1) {
            match kind {
                0 | 1 => nram.extend(number(random).to_le_bytes()),
                // bf16 of moderate size, and f16 of any.
                2 => nram.extend(
                    ((0x3c00 + random.below(0x800)) as u16 | (random.below(2) << 15) as u16).to_le_bytes(),
                ),
                _ => nram.push(random.byte() as u8),
            }
        }
    }
    nram.resize(machine.core.nram_bytes as usize, 0);
    let accumulator = |random: &mut Random| match random.below(3) {
        0 => number(random),
        1 => random.next() as u32,
        _ => i32::from(random.next() as i16) as u32,
    };
    let aram = (0..machine.aram_accumulators()).map(|_| accumulator(random)).collect();
    let pram = (0..machine.pram_records()).map(|_| [accumulator(random), number(random)]).collect();
    Memories { nram, aram, pram }
}

/// Rows of an operand in elements: two strides, and how many elements are reached.
fn rows(random: &mut Random, counts: [usize; 2], length: usize, apart: bool) -> ([usize; 2], usize) {
    let pad = |random: &mut Random| if random.chance(50) { 0 } else { random.below(4) };
    let mut inner = length + pad(random);
    if !apart && random.chance(20) {
        inner = random.below(length + 1);
    }
    let mut outer = inner * counts[0] + pad(random);
    if !apart && random.chance(20) {
        outer = random.below(outer + 1);
    }
    ([inner, outer], (counts[0] - 1) * inner + (counts[1] - 1) * outer + length)
}

/// A case that has room, or nothing.
pub(crate) fn case(random: &mut Random, machine: &Machine) -> Case {
    let operations = operations();
    loop {
        let operation = random.pick(&operations);
        let mut case = outline(random, operation);
        if lay_out(random, machine, &mut case).is_some() {
            return case;
        }
    }
}

/// An instruction with everything but addresses and strides.
fn outline(random: &mut Random, operation: V) -> Case {
    let mut operands = VectorOperands {
        length: random.small(1, 45) as u32,
        count_1: random.small(1, 5) as u16,
        count_2: random.small(1, 3) as u16,
        element: random.pick(&[ElementBytes::One, ElementBytes::Two, ElementBytes::Four]),
        value: random.byte(),
        ..VectorOperands::default()
    };
    if operation == V::Transpose {
        operands.count_1 = random.small(1, 40) as u16;
    } else {
        operands.element = ElementBytes::One;
    }
    let mut case = Case { operation, operands, config: Vec::new() };
    flags(random, &mut case);
    numbers(random, &mut case);
    case
}

/// Gives an instruction its addresses and strides, if there is room.
fn lay_out(random: &mut Random, machine: &Machine, case: &mut Case) -> Option<()> {
    let part = machine.core.nram_bytes as usize / PARTS;
    let places = [0, 1, 2].map(|_| random.below(PARTS));
    if places[0] == places[1] || places[0] == places[2] {
        return None;
    }
    let (length, counts) =
        (case.operands.length as usize, [case.operands.count_1, case.operands.count_2].map(usize::from));
    let is_float = case.is_float();
    let element = case.operands.element.bytes() as usize;
    let bytes = |ty: Type| if is_float { ty.bytes() } else { element };

    // d
    let keeps = case.operands.accumulate || case.operation == V::FloatSelect;
    let (d_strides, d_reach) = match case.operation {
        V::Transpose => rows(random, [length, counts[1]], counts[0], true),
        _ if case.reduces() => rows(random, counts, 1, false),
        _ => rows(random, counts, length, keeps),
    };
    let d = place(random, places[0] * part, part, d_reach * bytes(case.ty(C::VectorDType)))?;
    // b
    let b_length = if case.operands.scalar { 1 } else { length };
    let b_counts = if case.is_windowed() && !case.operands.moves { [1, 1] } else { counts };
    let (b_strides, b_reach) = rows(random, b_counts, b_length, false);
    let window = [case.config(C::VectorWindowCount1), case.config(C::VectorWindowCount2)].map(|n| n as usize);
    let b_window = length + random.below(3);
    let b_reach = b_reach + if case.is_windowed() { (window[0] * window[1] - 1) * b_window } else { 0 };
    let b = place(random, places[2] * part, part, b_reach * bytes(case.ty(C::VectorBType)))?;
    // a
    let (a_strides, a_reach) = rows(random, counts, length, false);
    let steps = [random.below(2 * length), random.below(3 * length)];
    let windows = (0..2).map(|k| (window[k] - 1) * steps[k]).sum::<usize>();
    let a_reach = a_reach + if case.is_windowed() { windows } else { 0 };
    let a = if case.a_in_aram() {
        place(random, 0, machine.aram_accumulators() as usize, a_reach)?
    } else {
        place(random, places[1] * part, part, a_reach * bytes(case.ty(C::VectorAType)))?
    };
    let p = place(random, 0, machine.pram_records() as usize, if case.reads_records() { length } else { 0 })?;

    case.operands.d = Address::new(d as u64);
    case.operands.a = Address::new(a as u64);
    case.operands.b = Address::new(b as u64);
    case.operands.p = Address::new(p as u64);
    let mut strides = [a_strides, b_strides, d_strides];
    in_place(random, case, &mut strides);
    let [a_strides, b_strides, d_strides] = strides;
    let registers = [
        (C::VectorAStride1, a_strides[0]),
        (C::VectorAStride2, a_strides[1]),
        (C::VectorBStride1, b_strides[0]),
        (C::VectorBStride2, b_strides[1]),
        (C::VectorDStride1, d_strides[0]),
        (C::VectorDStride2, d_strides[1]),
        (C::VectorWindowStride1, steps[0]),
        (C::VectorWindowStride2, steps[1]),
        (C::VectorBWindowStride, b_window),
    ];
    case.config.extend(registers.map(|(register, value)| (register, value as i64)));
    Some(())
}

/// A place for so many units, or nothing.
fn place(random: &mut Random, from: usize, room: usize, units: usize) -> Option<usize> {
    Some(from + random.below(room.checked_sub(units)? + 1))
}

/// Makes the source that d may be, where that is allowed, what d is.
fn in_place(random: &mut Random, case: &mut Case, strides: &mut [[usize; 2]; 3]) {
    let may = case.is_float()
        && !case.is_windowed()
        && !case.reduces()
        && !matches!(case.operation, V::FloatSelect | V::FloatFill)
        && random.chance(30);
    let rows = [case.operands.count_1, case.operands.count_2].map(usize::from);
    let length = case.operands.length as usize;
    let apart = strides[2][0] >= length && strides[2][1] >= rows[0] * strides[2][0];
    if may && apart && !case.a_in_aram() && case.ty(C::VectorAType) == case.ty(C::VectorDType) {
        case.operands.a = case.operands.d;
        strides[0] = strides[2];
    }
    if may
        && apart
        && case.reads_b()
        && !case.operands.scalar
        && case.ty(C::VectorBType) == case.ty(C::VectorDType)
    {
        case.operands.b = case.operands.d;
        strides[1] = strides[2];
    }
}

fn flags(random: &mut Random, case: &mut Case) {
    use V::*;
    let operands = &mut case.operands;
    let windowed = matches!(case.operation, FloatWindowSum | FloatWindowDot | FloatWindowMaximum);
    let is_float = case.operation.name().starts_with("float_");
    if is_float && !windowed && case.operation != FloatFill && random.chance(40) {
        operands.memory = Memory::Aram;
        operands.records = case.operation != FloatScale && random.chance(50);
    }
    let has_b = matches!(
        case.operation,
        FloatAdd
            | FloatSubtract
            | FloatMultiply
            | FloatMaximum
            | FloatMinimum
            | FloatCompare
            | FloatSelect
            | FloatExp2
            | FloatRowDot
    );
    match random.below(4) {
        0 if has_b => operands.scalar = true,
        1 if has_b => operands.constant = true,
        _ => {}
    }
    operands.relation = random.pick(Relation::ALL);
    operands.accumulate = case.operation == FloatWindowSum && random.chance(50);
    operands.moves = case.operation == FloatWindowDot && random.chance(50);
}

fn numbers(random: &mut Random, case: &mut Case) {
    let nram = |random: &mut Random| random.pick(&Type::NRAM) as i64;
    let a_type = match case.operands.memory {
        Memory::Aram => random.pick(&[Type::I32, Type::F32]) as i64,
        _ => nram(random),
    };
    let mut d_type = nram(random);
    if case.operands.accumulate && d_type == Type::I8 as i64 {
        d_type = Type::F32 as i64;
    }
    // A scale is any number, or one with which most results are of use.
    let scale = |random: &mut Random| match random.below(3) {
        0 => i64::from(number(random)),
        1 => i64::from(1f32.to_bits()),
        _ => i64::from((0x3800_0000 + random.below(0x1000_0000)) as u32),
    };
    let (x, y) = (random.byte(), random.byte());
    let values = [
        (C::VectorAType, a_type),
        (C::VectorBType, nram(random)),
        (C::VectorDType, d_type),
        (C::VectorAScale, scale(random)),
        (C::VectorBScale, scale(random)),
        (C::VectorDInverseScale, scale(random)),
        (C::VectorConstant, i64::from(number(random))),
        (C::VectorAZero, random.byte().into()),
        (C::VectorBZero, random.byte().into()),
        (C::VectorDZero, random.byte().into()),
        (C::VectorLow, x.min(y).into()),
        (C::VectorHigh, x.max(y).into()),
        (C::VectorWindowCount1, random.range(1, 4) as i64),
        (C::VectorWindowCount2, random.range(1, 3) as i64),
    ];
    case.config = values.to_vec();
}
