//! Reductions along any axes, and what is made of them.

use std::f32::consts::{LN_2, LOG2_E};

use ediacara_graph::ops::{Concat, Lrn, Pool, PoolKind, Reading, ReduceKind, Slice, Transpose};
use ediacara_graph::{DType, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation as R;

use super::functions::scaled;
use super::rewriter::{Operand, Rewriter, Second};
use crate::Result;

/// The longest row that is reduced by one instruction, in elements.
///
/// A longer one is cut into equal parts, whose results are one row. This makes a sum of two levels; and a few rows of this
/// length fit the NRAM of every machine.
const LONGEST_ROW: usize = 4096;

/// A sum, mean, maximum or minimum along axes; nothing for a product. `shape` is that of the result.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn reduction(
    r: &mut Rewriter<'_>,
    name: String,
    (kind, axes): (ReduceKind, &[usize]),
    a: Operand,
    shape: Vec<usize>,
) -> Result<Option<Operand>> {
    if axes.is_empty() || shape.is_empty() {
        return Ok(None);
    }
    let a = in_rows(r, &name, a, axes)?;
    let length = r.shape(a).last().copied().unwrap_or(1);
    let reduced = match kind {
        ReduceKind::Sum => reduced(r, &name, R::RowSum, a)?,
        ReduceKind::Mean => {
            let sum = reduced(r, &format!("{name}.sum"), R::RowSum, a)?;
            r.pair(format!("{name}.rows"), R::Multiply, sum, Second::Number(1.0 / length as f32))?
        }
        ReduceKind::Max => reduced(r, &name, R::RowMaximum, a)?,
        ReduceKind::Min => {
            let negative = r.pair(format!("{name}.negative"), R::Multiply, a, Second::Number(-1.0))?;
            let largest = reduced(r, &format!("{name}.largest"), R::RowMaximum, negative)?;
            r.pair(format!("{name}.rows"), R::Multiply, largest, Second::Number(-1.0))?
        }
        ReduceKind::Product => return Ok(None),
    };
    r.reshape(format!("{name}.shaped"), reduced, shape).map(Some)
}

/// The reduction that a pool is whose windows are whole axes of `x[N,C,H,W]`; nothing for another.
pub(crate) fn whole_axes(pool: &Pool, shape: &[usize]) -> Option<(ReduceKind, Vec<usize>)> {
    let &[_, _, height, width] = shape else { return None };
    let mut axes = Vec::new();
    for (axis, place, extent) in [(2, 0, height), (3, 1, width)] {
        match (pool.kernel[place] == extent, pool.output[place]) {
            (true, 1) => axes.push(axis),
            (_, output) if pool.kernel[place] == 1 && output == extent => {}
            _ => return None,
        }
    }
    let kind = match pool.kind {
        PoolKind::Average => ReduceKind::Mean,
        PoolKind::Max => ReduceKind::Max,
    };
    (pool.padding == [0; 4]).then_some((kind, axes))
}

/// Normalisation over neighbouring channels of `x[N,C,..]` (Krizhevsky et al. 2012, 3.3): `x * (bias + alpha / size * sum of
/// squares)^-beta`.
///
/// The squares lie between zeros, so that each of `size` slices of them is as large as x; the power is one of two.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn local_response(r: &mut Rewriter<'_>, name: String, a: Operand, lrn: &Lrn) -> Result<Operand> {
    let shape = r.shape(a);
    let square = r.pair(format!("{name}.squares"), R::Multiply, a, Second::Value(a))?;
    let before = (lrn.size - 1) / 2;
    let zeros = |r: &mut Rewriter<'_>, side: &str, channels: usize| -> Result<Option<ValueId>> {
        let mut shape = shape.clone();
        shape[1] = channels;
        let tensor = Tensor::zeros(DType::F32, &shape)?;
        Ok((channels > 0).then(|| r.graph.add_constant(format!("{name}.{side}"), tensor)))
    };
    let parts = [zeros(r, "before", before)?, Some(square.value), zeros(r, "behind", lrn.size - 1 - before)?];
    let parts: Vec<ValueId> = parts.into_iter().flatten().collect();
    let padded = match parts[..] {
        [alone] => alone,
        _ => r.add(format!("{name}.padded"), Concat { axis: 1 }, &parts)?,
    };
    let mut all = shape.clone();
    all[1] += lrn.size - 1;
    let mut sum: Option<Operand> = None;
    for offset in 0..lrn.size {
        let mut slice = Slice::all(&all);
        (slice.starts[1], slice.ends[1]) = (offset as i64, (offset + shape[1]) as i64);
        let value = r.add(format!("{name}.neighbours.{offset}"), slice, &[padded])?;
        let part = Operand { value, reading: Reading::default() };
        sum = Some(match sum {
            None => part,
            Some(sum) => r.pair(format!("{name}.sum.{offset}"), R::Add, sum, Second::Value(part))?,
        });
    }
    let sum = sum.unwrap_or(square);
    let factor = Second::Number((lrn.alpha / lrn.size as f64) as f32);
    let mean = r.pair(format!("{name}.mean"), R::Multiply, sum, factor)?;
    let base = r.pair(format!("{name}.base"), R::Add, mean, Second::Number(lrn.bias as f32))?;
    let log2 = r.unary(format!("{name}.log2"), R::Log2, base)?;
    let exponent = r.pair(format!("{name}.exponent"), R::Multiply, log2, Second::Number(-lrn.beta as f32))?;
    let power = r.pair(format!("{name}.power"), R::Exp2, exponent, Second::Number(0.0))?;
    r.pair(format!("{name}.rows"), R::Multiply, power, Second::Value(a))
}

/// Softmax along an axis.
///
/// The logarithm of e goes into the scale of an int8 operand. The largest of a row is taken away, so that no power overflows.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn softmax(r: &mut Rewriter<'_>, name: String, a: Operand, axis: usize) -> Result<Operand> {
    along_axis(r, &name, a, axis, |r, a| {
        let scaled = scaled(r, &name, a, LOG2_E)?;
        let largest = reduced(r, &format!("{name}.largest"), R::RowMaximum, scaled)?;
        let powers = r.pair(format!("{name}.powers"), R::Exp2, scaled, Second::Value(largest))?;
        let sum = reduced(r, &format!("{name}.sum"), R::RowSum, powers)?;
        let share = r.unary(format!("{name}.share"), R::Reciprocal, sum)?;
        r.pair(format!("{name}.rows"), R::Multiply, powers, Second::Value(share))
    })
}

/// The logarithm of softmax along an axis: `a - max - ln(sum(e^(a - max)))`.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn log_softmax(r: &mut Rewriter<'_>, name: String, a: Operand, axis: usize) -> Result<Operand> {
    along_axis(r, &name, a, axis, |r, a| {
        let largest = reduced(r, &format!("{name}.largest"), R::RowMaximum, a)?;
        let below = r.pair(format!("{name}.below"), R::Subtract, a, Second::Value(largest))?;
        let scaled = scaled(r, &name, below, LOG2_E)?;
        let powers = r.pair(format!("{name}.powers"), R::Exp2, scaled, Second::Number(0.0))?;
        let sum = reduced(r, &format!("{name}.sum"), R::RowSum, powers)?;
        let log2 = r.unary(format!("{name}.log2"), R::Log2, sum)?;
        let log = r.pair(format!("{name}.log"), R::Multiply, log2, Second::Number(LN_2))?;
        r.pair(format!("{name}.rows"), R::Subtract, below, Second::Value(log))
    })
}

/// What `build` makes of rows, with an axis as the row.
fn along_axis(
    r: &mut Rewriter<'_>,
    name: &str,
    a: Operand,
    axis: usize,
    build: impl FnOnce(&mut Rewriter<'_>, Operand) -> Result<Operand>,
) -> Result<Operand> {
    let rank = r.shape(a).len();
    if axis + 1 == rank {
        return build(r, a);
    }
    let mut swap: Vec<usize> = (0..rank).collect();
    swap.swap(axis, rank - 1);
    let a = transposed(r, format!("{name}.turned"), a, &swap)?;
    let result = build(r, a)?;
    transposed(r, format!("{name}.back"), result, &swap)
}

/// The operand with the axes together as its last one, behind the others in their order.
fn in_rows(r: &mut Rewriter<'_>, name: &str, a: Operand, axes: &[usize]) -> Result<Operand> {
    let shape = r.shape(a);
    let (reduced, kept): (Vec<usize>, Vec<usize>) = (0..shape.len()).partition(|axis| axes.contains(axis));
    let order: Vec<usize> = kept.iter().chain(&reduced).copied().collect();
    let a = match order.is_sorted() {
        true => a,
        false => transposed(r, format!("{name}.turned"), a, &order)?,
    };
    let mut rows: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
    rows.push(reduced.iter().map(|&axis| shape[axis]).product());
    r.reshape(format!("{name}.merged"), a, rows)
}

fn transposed(r: &mut Rewriter<'_>, name: String, a: Operand, order: &[usize]) -> Result<Operand> {
    let value = r.moved(name, Transpose { permutation: order.to_vec() }, &[a.value])?;
    Ok(Operand { value, ..a })
}

/// A row reduction to one number a row.
fn reduced(r: &mut Rewriter<'_>, name: &str, operation: R, mut a: Operand) -> Result<Operand> {
    let mut rows = r.shape(a);
    let (mut name, mut length) = (name.to_owned(), rows.pop().unwrap_or(1));
    while length > LONGEST_ROW {
        let Some(part) = (16..=LONGEST_ROW).rev().find(|part| length % part == 0) else { break };
        let parts = length / part;
        let cut = rows.iter().copied().chain([parts, part]).collect();
        a = r.reshape(format!("{name}.cut"), a, cut)?;
        a = r.unary(format!("{name}.parts"), operation, a)?;
        a = r.reshape(format!("{name}.joined"), a, rows.iter().copied().chain([parts]).collect())?;
        (name, length) = (format!("{name}.again"), parts);
    }
    r.unary(format!("{name}.rows"), operation, a)
}
