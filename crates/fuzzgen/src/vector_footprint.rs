//! Footprints of the vector engine's instructions.

use ediacara_isa::{ConfigRegister as C, Memory, Operation, VectorOperands, VectorRule, VectorShape};

use crate::bits::Bits;
use crate::footprint::{Context, Footprint, Problem, add, rows};

/// An instruction of the vector engine, its addresses resolved.
struct Vector {
    rule: &'static VectorRule,
    d: Option<u64>,
    a: Option<u64>,
    b: Option<u64>,
    p: Option<u64>,
    length: u64,
    counts: [u64; 2],
}

impl Vector {
    fn new(context: &Context<'_>, rule: &'static VectorRule, operands: &VectorOperands) -> Vector {
        Vector {
            rule,
            d: rule.d.map(|_| context.at(operands.d)),
            a: rule.a.map(|_| context.at(operands.a)),
            b: rule.b.map(|_| context.at(operands.b)),
            p: rule.p.map(|_| context.at(operands.p)),
            length: operands.length.into(),
            counts: [operands.count_1.into(), operands.count_2.into()],
        }
    }

    fn is_windowed(&self) -> bool {
        self.rule.shape == VectorShape::Window
    }

    fn is_transpose(&self) -> bool {
        self.rule.shape == VectorShape::Transpose
    }
}

/// The footprint of an instruction of the vector engine.
pub(crate) fn vector(context: &Context<'_>, operation: &Operation) -> Result<Footprint, Problem> {
    let Some((kind, operands)) = operation.vector() else { return Err(Problem::Fault) };
    let v = Vector::new(context, kind.rule(), &operands);
    let [low, high] = [C::VectorLow, C::VectorHigh].map(|register| context.config[register.index()]);
    if v.rule.clamps() && low > high {
        return Err(Problem::Fault);
    }
    let mut footprint = Footprint {
        cycles: beats(context, &v) + 16,
        reads_table: matches!(operation, Operation::Table(_)),
        writes_table: matches!(operation, Operation::LoadTable(_)),
        ..Footprint::default()
    };
    // A refusal must come before the rows of something huge are counted.
    check(context, &v)?;
    if footprint.cycles > 1 << 16 {
        return Ok(footprint);
    }
    let d_overlaps = destination(context, &v, &mut footprint.writes[Memory::Nram as usize]);
    if d_overlaps && v.is_transpose() {
        return Err(Problem::Hazard);
    }
    if let Some(p) = v.p {
        footprint.reads[Memory::Pram as usize].add(p, p + v.length);
    }
    for (operand, is_a) in [(v.a, true), (v.b, false)] {
        let Some(base) = operand else { continue };
        let mut reads = Bits::default();
        add(&mut reads, &source(context, &v, base, is_a), v.length);
        if is_a && v.rule.a == Some(Memory::Aram) {
            footprint.reads[Memory::Aram as usize] = reads;
            continue;
        }
        if reads.meets(&footprint.writes[Memory::Nram as usize]) {
            let same = v.rule.in_place && is_destination(context, &v, base, is_a);
            if !same || d_overlaps {
                return Err(Problem::Hazard);
            }
        }
        add(&mut footprint.reads[Memory::Nram as usize], &source(context, &v, base, is_a), v.length);
    }
    Ok(footprint)
}

/// Rows of an operand.
fn source(context: &Context<'_>, v: &Vector, base: u64, is_a: bool) -> Vec<u64> {
    let counts = [v.counts[0], v.counts[1], 1];
    let windows = [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)];
    if v.rule.shape == VectorShape::Table {
        return vec![base];
    }
    if !is_a && v.is_windowed() {
        return rows(base, [windows[0] * windows[1], 1, 1], [context.c(C::VectorBWindowStride), 0, 0]);
    }
    let strides = strides(context, is_a);
    let starts = rows(base, counts, [strides[0], strides[1], 0]);
    if !v.is_windowed() {
        return starts;
    }
    let steps = [context.c(C::VectorWindowStride1), context.c(C::VectorWindowStride2), 0];
    let offsets = rows(0, [windows[0], windows[1], 1], steps);
    starts.iter().flat_map(|start| offsets.iter().map(move |offset| start + offset)).collect()
}

fn strides(context: &Context<'_>, is_a: bool) -> [u64; 2] {
    let registers = match is_a {
        true => [C::VectorAStride1, C::VectorAStride2],
        false => [C::VectorBStride1, C::VectorBStride2],
    };
    registers.map(|register| context.c(register))
}

/// Adds the destination's bytes, and returns whether some are written twice.
fn destination(context: &Context<'_>, v: &Vector, writes: &mut Bits) -> bool {
    let Some(base) = v.d else { return false };
    let strides = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
    if v.is_transpose() {
        return add(
            writes,
            &rows(base, [v.length, v.counts[1], 1], [strides[0], strides[1], 0]),
            v.counts[0],
        );
    }
    add(writes, &rows(base, [v.counts[0], v.counts[1], 1], [strides[0], strides[1], 0]), v.length)
}

/// Whether an operand has exactly the destination's rows.
///
/// A stride that is never taken does not matter.
fn is_destination(context: &Context<'_>, v: &Vector, base: u64, is_a: bool) -> bool {
    let d = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
    let own = strides(context, is_a);
    v.d == Some(base) && (0..2).all(|k| v.counts[k] == 1 || d[k] == own[k])
}

/// Checks that everything lies inside its memory.
fn check(context: &Context<'_>, v: &Vector) -> Result<(), Problem> {
    let windows = [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)];
    let window_strides = [context.c(C::VectorWindowStride1), context.c(C::VectorWindowStride2)];
    let row = |s: [u64; 2]| vec![(v.counts[0], s[0]), (v.counts[1], s[1]), (v.length, 1)];
    let inside = |memory: Option<Memory>, at: Option<u64>, dimensions: &[(u64, u64)]| match (memory, at) {
        (Some(memory), Some(at)) => context.inside(memory, at, dimensions).map(drop),
        _ => Ok(()),
    };
    let d_strides = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
    let d = match v.is_transpose() {
        true => vec![(v.length, d_strides[0]), (v.counts[1], d_strides[1]), (v.counts[0], 1)],
        false => row(d_strides),
    };
    inside(v.rule.d, v.d, &d)?;
    let mut a = match v.rule.shape {
        VectorShape::Table => vec![(v.length, 1)],
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Window | VectorShape::Transpose => {
            row(strides(context, true))
        }
    };
    if v.is_windowed() {
        a.extend((0..2).map(|k| (windows[k], window_strides[k])));
    }
    inside(v.rule.a, v.a, &a)?;
    let b = match v.is_windowed() {
        true => vec![(windows[0] * windows[1], context.c(C::VectorBWindowStride)), (v.length, 1)],
        false => row(strides(context, false)),
    };
    inside(v.rule.b, v.b, &b)?;
    inside(v.rule.p, v.p, &[(v.length, 1)])
}

/// T-VECTOR
fn beats(context: &Context<'_>, v: &Vector) -> u64 {
    let lanes = u64::from(context.machine.vector.lanes);
    let [count_1, count_2] = v.counts;
    let rows = count_1 * count_2 * v.length.div_ceil(lanes);
    match v.rule.shape {
        VectorShape::Transpose => count_2 * count_1.div_ceil(lanes) * v.length.div_ceil(lanes) * 2 * lanes,
        VectorShape::Window => rows * context.c(C::VectorWindowCount1) * context.c(C::VectorWindowCount2),
        VectorShape::Rows | VectorShape::RowReduction | VectorShape::Table => rows,
    }
}
