//! Float instructions (docs/isa.md, "Float instructions"; docs/numerics.md, "Floating point").
//!
//! A row of each operand becomes f32s, the instruction computes, and the results are written by their type.

use ediacara_isa::{ElementType, Memory, Relation, VectorOperation, VectorShape};
use ediacara_kernels::ordered::{
    self, Comparison, Quantiser, RowOperation, add, canonical, maximum, multiply,
};

use crate::memory::Memories;
use crate::work::Vector;

/// Rows of operands and of results.
#[derive(Default)]
pub(super) struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
    out: Vec<f32>,
    /// Results as `float_select` writes them where they are selected.
    stored: Vec<i8>,
}

pub(super) fn execute(v: &Vector, memories: &mut Memories, scratch: &mut Scratch) {
    for row in [&mut scratch.a, &mut scratch.b, &mut scratch.out] {
        row.resize(v.length, 0.0);
    }
    if v.rule.b.is_none() {
        // Nothing changes it: it is the same for every row.
        scratch.b[..v.length].fill(canonical(v.float.constant));
    }
    for i2 in 0..v.counts[1] {
        for i1 in 0..v.counts[0] {
            match v.rule.shape {
                VectorShape::Window => windowed(v, i1, i2, memories, scratch),
                _ => row(v, i1, i2, memories, scratch),
            }
            write(v, v.d.row(i1, i2), memories, scratch);
        }
    }
}

/// Results of row `(i1, i2)`, or its one result, into `scratch.out`.
fn row(v: &Vector, i1: usize, i2: usize, memories: &Memories, scratch: &mut Scratch) {
    if v.rule.a.is_some() {
        read_a(v, v.a.row(i1, i2), memories, &mut scratch.a[..v.length]);
    }
    if v.rule.b.is_some() {
        let at = v.b.row(i1, i2);
        let elements = if v.rule.b_is_scalar { 1 } else { v.length };
        read_b(v, at, memories, &mut scratch.b[..elements]);
        let first = scratch.b[0];
        scratch.b[elements..v.length].fill(first);
    }
    let (a, b) = (&scratch.a[..v.length], &scratch.b[..v.length]);
    let out = &mut scratch.out[..v.length];
    match operation(v) {
        Some(operation) if operation.reduces() => operation.compute(a, b, &mut out[..1]),
        Some(operation) => operation.compute(a, b, out),
        None if v.operation == VectorOperation::FloatScale => {
            let records = memories.pram[v.p..v.p + v.length].iter();
            let records = records.map(|record| (canonical(record.float_bias()), canonical(record.scale())));
            ordered::scale_row(a, records, out);
        }
        // `float_fill` and `float_select` write b.
        None => out.copy_from_slice(b),
    }
}

/// What an instruction does to the rows of its operands; nothing if it is more than that.
fn operation(v: &Vector) -> Option<RowOperation> {
    use VectorOperation as V;
    Some(match v.operation {
        V::FloatCopy => RowOperation::Copy,
        V::FloatAdd => RowOperation::Add,
        V::FloatSubtract => RowOperation::Subtract,
        V::FloatMultiply => RowOperation::Multiply,
        V::FloatMaximum => RowOperation::Maximum,
        V::FloatMinimum => RowOperation::Minimum,
        V::FloatCompare => RowOperation::Compare(match v.float.relation {
            Relation::Equal => Comparison::Equal,
            Relation::NotEqual => Comparison::NotEqual,
            Relation::Less => Comparison::Less,
            Relation::LessEqual => Comparison::LessEqual,
            Relation::Greater => Comparison::Greater,
            Relation::GreaterEqual => Comparison::GreaterEqual,
        }),
        V::FloatExp2 => RowOperation::Exp2,
        V::FloatLog2 => RowOperation::Log2,
        V::FloatReciprocal => RowOperation::Reciprocal,
        V::FloatReciprocalRoot => RowOperation::ReciprocalRoot,
        V::FloatRoot => RowOperation::Root,
        V::FloatRowSum => RowOperation::RowSum,
        V::FloatRowDot => RowOperation::RowDot,
        V::FloatRowMaximum => RowOperation::RowMaximum,
        _ => return None,
    })
}

/// N-FLOAT-WINDOW of row `(i1, i2)` into `scratch.out`.
fn windowed(v: &Vector, i1: usize, i2: usize, memories: &Memories, scratch: &mut Scratch) {
    let Scratch { a, b, out, .. } = scratch;
    let (a, b, out) = (&mut a[..v.length], &mut b[..v.length], &mut out[..v.length]);
    out.fill(match v.operation {
        VectorOperation::FloatWindowMaximum => f32::NEG_INFINITY,
        _ => 0.0,
    });
    if v.float.accumulate {
        let d = v.d.row(i1, i2);
        read_stored(v.float.types.d, &memories.nram[d..d + v.d_units()], v.d_zero, 1.0, out);
    }
    let b_row = if v.rule.b_moves { v.b.row(i1, i2) } else { v.b.base };
    for (position, at) in v.window(v.a.row(i1, i2)) {
        read_a(v, at, memories, a);
        match v.operation {
            VectorOperation::FloatWindowSum => {
                out.iter_mut().zip(&*a).for_each(|(out, &a)| *out = add(*out, a));
            }
            VectorOperation::FloatWindowDot => {
                read_b(v, b_row + position * v.b_window_stride, memories, b);
                for ((out, &a), &b) in out.iter_mut().zip(&*a).zip(&*b) {
                    *out = add(*out, multiply(a, b));
                }
            }
            _ => out.iter_mut().zip(&*a).for_each(|(out, &a)| *out = maximum(*out, a)),
        }
    }
}

/// N-FLOAT-READ of the elements of a that begin `at`.
fn read_a(v: &Vector, at: usize, memories: &Memories, out: &mut [f32]) {
    if v.rule.a != Some(Memory::Aram) {
        let stored = &memories.nram[at..at + v.a_units()];
        return read_stored(v.float.types.a, stored, v.a_zero, v.float.a_scale, out);
    }
    let stored = &memories.aram[at..at + v.length];
    let is_integer = v.float.types.a == ElementType::I32;
    if v.rule.p.is_none() || v.operation == VectorOperation::FloatScale {
        let scale = v.float.a_scale;
        return match is_integer {
            true => ordered::read_accumulators(stored, std::iter::repeat((0, scale)), out),
            false => ordered::read_float_accumulators(stored, std::iter::repeat((None, scale)), out),
        };
    }
    let records = memories.pram[v.p..v.p + v.length].iter();
    match is_integer {
        true => ordered::read_accumulators(stored, records.map(|r| (r.bias, r.scale())), out),
        false => {
            let records = records.map(|r| (Some(r.float_bias()), r.scale()));
            ordered::read_float_accumulators(stored, records, out);
        }
    }
}

/// N-FLOAT-READ of the elements of b that begin `at`.
fn read_b(v: &Vector, at: usize, memories: &Memories, out: &mut [f32]) {
    let stored = &memories.nram[at..at + out.len() * v.units.b];
    read_stored(v.float.types.b, stored, v.b_zero, v.float.b_scale, out);
}

fn read_stored(element: ElementType, stored: &[i8], zero: i32, scale: f32, out: &mut [f32]) {
    match element {
        ElementType::I8 => ordered::read_i8(stored, zero, scale, out),
        ElementType::F16 => ordered::read_f16(stored, out),
        ElementType::BF16 => ordered::read_bf16(stored, out),
        // No operand in NRAM has another type: it was checked at issue.
        _ => ordered::read_f32(stored, out),
    }
}

/// N-FLOAT-WRITE of `scratch.out`.
fn write(v: &Vector, d: usize, memories: &mut Memories, scratch: &mut Scratch) {
    let bytes = v.d_units();
    let values = &scratch.out[..bytes / v.units.d];
    if v.operation != VectorOperation::FloatSelect {
        return write_stored(v, values, &mut memories.nram[d..d + bytes]);
    }
    scratch.stored.resize(bytes, 0);
    write_stored(v, values, &mut scratch.stored[..bytes]);
    let destination = memories.nram[d..d + bytes].chunks_exact_mut(v.units.d);
    for ((to, from), &mask) in destination.zip(scratch.stored.chunks_exact(v.units.d)).zip(&scratch.a) {
        if mask != 0.0 {
            to.copy_from_slice(from);
        }
    }
}

fn write_stored(v: &Vector, values: &[f32], stored: &mut [i8]) {
    match v.float.types.d {
        ElementType::I8 => {
            let inverse_scale = v.float.d_inverse_scale;
            let quantiser = Quantiser { inverse_scale, zero: v.d_zero, low: v.low, high: v.high };
            ordered::write_i8(values, &quantiser, stored);
        }
        ElementType::F16 => ordered::write_f16(values, stored),
        ElementType::BF16 => ordered::write_bf16(values, stored),
        _ => ordered::write_f32(values, stored),
    }
}
