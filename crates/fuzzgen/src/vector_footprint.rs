//! Footprints of the vector engine's instructions.

use ediacara_isa::{Address, ConfigRegister as C, Operation};

use crate::bits::Bits;
use crate::footprint::{Context, Footprint, Problem, Space, add, rows};

/// The operands that the vector engine's instructions have in common.
pub(crate) struct Operands {
    pub(crate) d: Option<Address>,
    pub(crate) a: Option<Address>,
    pub(crate) b: Option<Address>,
    pub(crate) p: Option<Address>,
    pub(crate) length: u64,
    pub(crate) counts: [u64; 2],
}

/// The operands of an instruction of the vector engine; `None` for those of others.
pub(crate) fn operands(operation: &Operation) -> Option<Operands> {
    macro_rules! of {
        ($o:expr, $($operand:ident)*) => {{
            let mut operands = Operands {
                d: None, a: None, b: None, p: None,
                length: $o.length.into(),
                counts: [$o.count_1.into(), $o.count_2.into()],
            };
            $( operands.$operand = Some($o.$operand); )*
            Some(operands)
        }};
    }
    match operation {
        Operation::Fill(o) => of!(o, d),
        Operation::Copy(o) => of!(o, d a),
        Operation::Requantise(o) => of!(o, d a p),
        Operation::Depthwise(o) => of!(o, d a b p),
        Operation::MaxPool(o) => of!(o, d a),
        Operation::AveragePool(o) => of!(o, d a),
        Operation::Add(o) => of!(o, d a b),
        Operation::Multiply(o) => of!(o, d a b),
        Operation::Maximum(o) => of!(o, d a b),
        Operation::Table(o) => of!(o, d a),
        Operation::Transpose(o) => of!(o, d a),
        Operation::LoadTable(o) => {
            Some(Operands { d: None, a: Some(o.a), b: None, p: None, length: 256, counts: [1, 1] })
        }
        _ => None,
    }
}

fn clamps(operation: &Operation) -> bool {
    use Operation as O;
    !matches!(operation, O::Fill(_) | O::Copy(_) | O::LoadTable(_) | O::Table(_) | O::Transpose(_))
}

/// Whether a window is read at `a`.
pub(crate) fn windowed(operation: &Operation) -> bool {
    matches!(operation, Operation::Depthwise(_) | Operation::MaxPool(_) | Operation::AveragePool(_))
}

/// Whether the destination may be a source.
pub(crate) fn in_place(operation: &Operation) -> bool {
    use Operation as O;
    matches!(operation, O::Copy(_) | O::Add(_) | O::Multiply(_) | O::Maximum(_) | O::Table(_))
}

/// The footprint of an instruction of the vector engine.
pub(crate) fn vector(context: &Context<'_>, operation: &Operation) -> Result<Footprint, Problem> {
    let Some(v) = operands(operation) else { return Err(Problem::Fault) };
    if clamps(operation) && context.config[C::VectorLow.index()] > context.config[C::VectorHigh.index()] {
        return Err(Problem::Fault);
    }
    let is_transpose = matches!(operation, Operation::Transpose(_));
    let mut footprint = Footprint {
        cycles: beats(context, operation, &v) + 16,
        reads_table: matches!(operation, Operation::Table(_)),
        writes_table: matches!(operation, Operation::LoadTable(_)),
        ..Footprint::default()
    };
    // A refusal must come before the rows of something huge are counted.
    check(context, operation, &v)?;
    if footprint.cycles > 1 << 16 {
        return Ok(footprint);
    }
    let d_overlaps = destination(context, &v, is_transpose, &mut footprint.writes[Space::Nram as usize]);
    if d_overlaps && is_transpose {
        return Err(Problem::Hazard);
    }
    if let Some(p) = v.p.map(|p| context.at(p)) {
        footprint.reads[Space::Pram as usize].add(p, p + v.length);
    }
    for (operand, is_a) in [(v.a, true), (v.b, false)] {
        let Some(base) = operand.map(|operand| context.at(operand)) else { continue };
        let mut reads = Bits::default();
        add(&mut reads, &source(context, operation, &v, base, is_a), v.length);
        if is_a && matches!(operation, Operation::Requantise(_)) {
            footprint.reads[Space::Aram as usize] = reads;
            continue;
        }
        if reads.meets(&footprint.writes[Space::Nram as usize]) {
            let same = in_place(operation) && is_destination(context, &v, base, is_a);
            if !same || d_overlaps {
                return Err(Problem::Hazard);
            }
        }
        add(
            &mut footprint.reads[Space::Nram as usize],
            &source(context, operation, &v, base, is_a),
            v.length,
        );
    }
    Ok(footprint)
}

/// Rows of an operand.
fn source(context: &Context<'_>, operation: &Operation, v: &Operands, base: u64, is_a: bool) -> Vec<u64> {
    let counts = [v.counts[0], v.counts[1], 1];
    let windows = [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)];
    if !is_a && matches!(operation, Operation::Depthwise(_)) {
        return rows(base, [windows[0] * windows[1], 1, 1], [context.c(C::VectorBWindowStride), 0, 0]);
    }
    if matches!(operation, Operation::LoadTable(_)) {
        return vec![base];
    }
    let strides = strides(context, is_a);
    let starts = rows(base, counts, [strides[0], strides[1], 0]);
    if !windowed(operation) {
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

/// Adds the destination's bytes; returns whether some are written twice.
fn destination(context: &Context<'_>, v: &Operands, is_transpose: bool, writes: &mut Bits) -> bool {
    let Some(base) = v.d.map(|d| context.at(d)) else { return false };
    let strides = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
    if is_transpose {
        return add(
            writes,
            &rows(base, [v.length, v.counts[1], 1], [strides[0], strides[1], 0]),
            v.counts[0],
        );
    }
    add(writes, &rows(base, [v.counts[0], v.counts[1], 1], [strides[0], strides[1], 0]), v.length)
}

/// Whether an operand has exactly the destination's rows. A stride that is never taken does not matter.
fn is_destination(context: &Context<'_>, v: &Operands, base: u64, is_a: bool) -> bool {
    let d = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
    let own = strides(context, is_a);
    v.d.map(|d| context.at(d)) == Some(base) && (0..2).all(|k| v.counts[k] == 1 || d[k] == own[k])
}

/// Everything lies inside its memory.
fn check(context: &Context<'_>, operation: &Operation, v: &Operands) -> Result<(), Problem> {
    let windows = [context.c(C::VectorWindowCount1), context.c(C::VectorWindowCount2)];
    let window_strides = [context.c(C::VectorWindowStride1), context.c(C::VectorWindowStride2)];
    let row = |s: [u64; 2]| vec![(v.counts[0], s[0]), (v.counts[1], s[1]), (v.length, 1)];
    if let Some(d) = v.d {
        let d_strides = [context.c(C::VectorDStride1), context.c(C::VectorDStride2)];
        let dimensions = match operation {
            Operation::Transpose(_) => {
                vec![(v.length, d_strides[0]), (v.counts[1], d_strides[1]), (v.counts[0], 1)]
            }
            _ => row(d_strides),
        };
        context.inside(Space::Nram, context.at(d), &dimensions)?;
    }
    if let Some(a) = v.a {
        let mut dimensions = match operation {
            Operation::LoadTable(_) => vec![(256, 1)],
            _ => row(strides(context, true)),
        };
        if windowed(operation) {
            dimensions.extend((0..2).map(|k| (windows[k], window_strides[k])));
        }
        let space = if matches!(operation, Operation::Requantise(_)) { Space::Aram } else { Space::Nram };
        context.inside(space, context.at(a), &dimensions)?;
    }
    if let Some(b) = v.b {
        let dimensions = match operation {
            Operation::Depthwise(_) => {
                vec![(windows[0] * windows[1], context.c(C::VectorBWindowStride)), (v.length, 1)]
            }
            _ => row(strides(context, false)),
        };
        context.inside(Space::Nram, context.at(b), &dimensions)?;
    }
    if let Some(p) = v.p {
        context.inside(Space::Pram, context.at(p), &[(v.length, 1)])?;
    }
    Ok(())
}

/// T-VECTOR
fn beats(context: &Context<'_>, operation: &Operation, v: &Operands) -> u64 {
    let lanes = u64::from(context.machine.vector.lanes);
    let [count_1, count_2] = v.counts;
    match operation {
        Operation::Transpose(_) => count_2 * count_1.div_ceil(lanes) * v.length.div_ceil(lanes) * 2 * lanes,
        _ => {
            let window = context.c(C::VectorWindowCount1) * context.c(C::VectorWindowCount2);
            count_1 * count_2 * v.length.div_ceil(lanes) * if windowed(operation) { window } else { 1 }
        }
    }
}
