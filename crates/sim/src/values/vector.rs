//! The vector engine's instructions (docs/isa.md, "Vector engine"; docs/numerics.md).

use ediacara_isa::VectorOperation;
use ediacara_kernels::int8::round_shift;

use super::float;
use crate::memory::{Memories, Record};
use crate::work::Vector;

/// A row of results before it goes to its destination, and of sums.
#[derive(Default)]
pub(super) struct Scratch {
    row: Vec<i8>,
    sums: Vec<i32>,
    float: float::Scratch,
}

pub(super) fn execute(v: &Vector, memories: &mut Memories, scratch: &mut Scratch) {
    match v.operation {
        VectorOperation::LoadTable => {
            memories.table.copy_from_slice(&memories.nram[v.a.base..v.a.base + v.length]);
            return;
        }
        VectorOperation::Transpose => return transpose(v, memories, scratch),
        _ if v.rule.float => return float::execute(v, memories, &mut scratch.float),
        _ => {}
    }
    scratch.row.resize(v.length, 0);
    scratch.sums.resize(v.length, 0);
    for i2 in 0..v.counts[1] {
        for i1 in 0..v.counts[0] {
            compute_row(v, i1, i2, memories, scratch);
            let d = v.d.row(i1, i2);
            memories.nram[d..d + v.length].copy_from_slice(&scratch.row[..v.length]);
        }
    }
}

/// Results of row `(i1, i2)` into `scratch.row`.
fn compute_row(v: &Vector, i1: usize, i2: usize, memories: &Memories, scratch: &mut Scratch) {
    let length = v.length;
    let out = &mut scratch.row[..length];
    let sums = &mut scratch.sums[..length];
    let nram = &memories.nram;
    let a_at = v.a.row(i1, i2);
    let a = || &nram[a_at..a_at + length];
    let b = || {
        let at = v.b.row(i1, i2);
        &nram[at..at + length]
    };
    let records = || &memories.pram[v.p..v.p + length];
    match v.operation {
        VectorOperation::Fill => out.fill(v.value),
        VectorOperation::Copy => out.copy_from_slice(a()),
        VectorOperation::Requantise => requantise(v, &memories.aram[a_at..a_at + length], records(), out),
        VectorOperation::Depthwise => {
            sums.fill(0);
            for (position, at) in v.window(a_at) {
                let weights = &nram[v.b.base + position * v.b_window_stride..][..length];
                multiply_add(sums, &nram[at..at + length], v.a_zero as i16, weights, v.b_zero as i16);
            }
            requantise(v, sums, records(), out);
        }
        VectorOperation::MaxPool => {
            out.fill(i8::MIN);
            for (_, at) in v.window(a_at) {
                out.iter_mut().zip(&nram[at..at + length]).for_each(|(out, &x)| *out = x.max(*out));
            }
            out.iter_mut().for_each(|out| *out = (*out).max(v.low).min(v.high));
        }
        VectorOperation::AveragePool => average(v, a_at, nram, sums, out),
        VectorOperation::Add => add(v, a(), b(), out),
        VectorOperation::Multiply => multiply(v, a(), b(), out),
        VectorOperation::Maximum => {
            for ((out, &x), &y) in out.iter_mut().zip(a()).zip(b()) {
                *out = x.max(y).max(v.low).min(v.high);
            }
        }
        VectorOperation::Table => {
            let table = &memories.table;
            out.iter_mut().zip(a()).for_each(|(out, &x)| *out = table[usize::from(x as u8 ^ 0x80)]);
        }
        // These do not go by integer rows.
        _ => {}
    }
}

/// `clamp(zero + value, low, high)`, in 64 bits.
#[inline(always)]
fn place(v: &Vector, value: i64) -> i8 {
    (value + i64::from(v.d_zero)).max(i64::from(v.low)).min(i64::from(v.high)) as i8
}

/// N-REQUANTISE
fn requantise(v: &Vector, sums: &[i32], records: &[Record], out: &mut [i8]) {
    for ((out, &sum), record) in out.iter_mut().zip(sums).zip(records) {
        let t = i64::from(sum.wrapping_add(record.bias));
        // The hardware takes a record as it is: a shift of 0 rounds nothing.
        let product = t * i64::from(record.multiplier());
        let value = if record.shift == 0 { product } else { round_shift(product, record.shift) };
        *out = place(v, value);
    }
}

/// `sums += (x - x_zero) * (w - w_zero)`, wrapping (N-DOT).
fn multiply_add(sums: &mut [i32], x: &[i8], x_zero: i16, w: &[i8], w_zero: i16) {
    for ((sum, &x), &w) in sums.iter_mut().zip(x).zip(w) {
        let product = i32::from(i16::from(x) - x_zero) * i32::from(i16::from(w) - w_zero);
        *sum = sum.wrapping_add(product);
    }
}

/// N-AVERAGE
fn average(v: &Vector, a: usize, nram: &[i8], sums: &mut [i32], out: &mut [i8]) {
    sums.fill(0);
    for (_, at) in v.window(a) {
        for (sum, &x) in sums.iter_mut().zip(&nram[at..at + v.length]) {
            *sum = sum.wrapping_add(i32::from(x) - v.a_zero);
        }
    }
    for (out, &sum) in out.iter_mut().zip(&*sums) {
        *out = place(v, round_shift(i64::from(sum) * i64::from(v.a_multiplier), v.shift));
    }
}

/// N-ADD
fn add(v: &Vector, a: &[i8], b: &[i8], out: &mut [i8]) {
    let (a_zero, b_zero) = (i64::from(v.a_zero), i64::from(v.b_zero));
    let (a_multiplier, b_multiplier) = (i64::from(v.a_multiplier), i64::from(v.b_multiplier));
    for ((out, &x), &y) in out.iter_mut().zip(a).zip(b) {
        let sum = (i64::from(x) - a_zero) * a_multiplier + (i64::from(y) - b_zero) * b_multiplier;
        *out = place(v, round_shift(sum, v.shift));
    }
}

/// N-MULTIPLY
fn multiply(v: &Vector, a: &[i8], b: &[i8], out: &mut [i8]) {
    for ((out, &x), &y) in out.iter_mut().zip(a).zip(b) {
        let product = (i32::from(x) - v.a_zero) * (i32::from(y) - v.b_zero);
        *out = place(v, round_shift(i64::from(product) * i64::from(v.a_multiplier), v.shift));
    }
}

/// Rows of the source become columns of the destination.
fn transpose(v: &Vector, memories: &mut Memories, scratch: &mut Scratch) {
    let bytes = v.units.d;
    for i2 in 0..v.counts[1] {
        let d = v.d.base + i2 * v.d.strides[1];
        for i1 in 0..v.counts[0] {
            let a = v.a.row(i1, i2);
            scratch.row.clear();
            scratch.row.extend_from_slice(&memories.nram[a..a + v.a_units()]);
            for (j, element) in scratch.row.chunks_exact(bytes).enumerate() {
                let at = d + j * v.d.strides[0] + i1 * bytes;
                memories.nram[at..at + bytes].copy_from_slice(element);
            }
        }
    }
}
