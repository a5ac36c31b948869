//! Reductions along axes.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{CumulativeSum, ReduceKind};
use ediacara_tensor::{DType, bf16, f16};

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes, axis};

pub(super) const TABLE: Table = &[
    ("ReduceSum", |context, node| {
        reduce(context, node, 13, |c, x, axes, keep| c.reduce(x, ReduceKind::Sum, axes, keep))
    }),
    ("ReduceMean", |context, node| {
        reduce(context, node, 18, |c, x, axes, keep| c.reduce(x, ReduceKind::Mean, axes, keep))
    }),
    ("ReduceProd", |context, node| {
        reduce(context, node, 18, |c, x, axes, keep| c.reduce(x, ReduceKind::Product, axes, keep))
    }),
    ("ReduceMax", |context, node| {
        reduce(context, node, 18, |c, x, axes, keep| c.reduce(x, ReduceKind::Max, axes, keep))
    }),
    ("ReduceMin", |context, node| {
        reduce(context, node, 18, |c, x, axes, keep| c.reduce(x, ReduceKind::Min, axes, keep))
    }),
    ("ReduceL1", |context, node| {
        reduce(context, node, 18, |context, x, axes, keep| {
            let size = context.unary("abs", x)?;
            context.reduce(size, ReduceKind::Sum, axes, keep)
        })
    }),
    ("ReduceL2", |context, node| {
        reduce(context, node, 18, |context, x, axes, keep| {
            let sum = sum_of_squares(context, x, axes, keep)?;
            context.unary("sqrt", sum)
        })
    }),
    ("ReduceSumSquare", |context, node| reduce(context, node, 18, sum_of_squares)),
    ("ReduceLogSum", |context, node| {
        reduce(context, node, 18, |context, x, axes, keep| {
            let sum = context.reduce(x, ReduceKind::Sum, axes, keep)?;
            context.unary("log", sum)
        })
    }),
    ("ReduceLogSumExp", |context, node| reduce(context, node, 18, log_sum_exp)),
    ("ArgMax", |context, node| {
        position(context, node, |c, x, axis, keep, last| c.arg_max(x, axis, keep, last))
    }),
    ("ArgMin", |context, node| {
        position(context, node, |c, x, axis, keep, last| c.arg_min(x, axis, keep, last))
    }),
    ("CumSum", cumulative_sum),
    ("TopK", top_k),
];

type Function = fn(&mut Context<'_>, ValueId, &[usize], bool) -> NodeResult<ValueId>;

/// Reads axes (an attribute, or an operand since the opset `operand_since`) and `keepdims`, then reduces.
fn reduce(
    context: &mut Context<'_>,
    node: &Node<'_>,
    operand_since: i64,
    function: Function,
) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let rank = context.shape(x).len();
    let given = if context.opset >= operand_since {
        context.constant_ints(node, 1)?
    } else {
        node.ints("axes")?.map(<[i64]>::to_vec)
    };
    let given = given.unwrap_or_default();
    if given.is_empty() && node.flag("noop_with_empty_axes", false)? {
        // The reduction is left out, but the functions around it are not.
        return one(function(context, x, &[], true)?);
    }
    let mut axes = if given.is_empty() { (0..rank).collect() } else { axes(&given, rank)? };
    axes.sort_unstable();
    one(function(context, x, &axes, node.flag("keepdims", true)?)?)
}

fn sum_of_squares(context: &mut Context<'_>, x: ValueId, axes: &[usize], keep: bool) -> NodeResult<ValueId> {
    let square = context.binary("mul", x, x)?;
    context.reduce(square, ReduceKind::Sum, axes, keep)
}

/// log(sum(exp(x - max))) + max, which does not overflow.
///
/// If the maximum is infinite, the largest number is subtracted instead, so that no infinity is subtracted
/// from itself. All minus infinity then gives minus infinity, and an infinity gives itself.
fn log_sum_exp(context: &mut Context<'_>, x: ValueId, axes: &[usize], keep: bool) -> NodeResult<ValueId> {
    if context.shape(x).contains(&0) {
        // An empty sum gives the logarithm of zero. There is no largest element to subtract.
        let power = context.unary("exp", x)?;
        let sum = context.reduce(power, ReduceKind::Sum, axes, keep)?;
        return context.unary("log", sum);
    }
    let largest = context.reduce(x, ReduceKind::Max, axes, true)?;
    let bound = largest_number(context.dtype(x));
    let largest = context.clamp(largest, -bound, bound)?;
    let shifted = context.binary("sub", x, largest)?;
    let power = context.unary("exp", shifted)?;
    let sum = context.reduce(power, ReduceKind::Sum, axes, true)?;
    let log = context.unary("log", sum)?;
    let result = context.binary("add", log, largest)?;
    if keep {
        return Ok(result);
    }
    let shape = context.shape(result).to_vec();
    let kept = shape.iter().enumerate().filter(|(index, _)| !axes.contains(index)).map(|(_, &size)| size);
    let kept: Vec<usize> = kept.collect();
    context.reshape(result, &kept)
}

/// The largest finite number of a type.
fn largest_number(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => f64::from(f16::MAX),
        DType::BF16 => f64::from(bf16::MAX),
        DType::F32 => f64::from(f32::MAX),
        _ => f64::MAX,
    }
}

type Position = fn(&mut Context<'_>, ValueId, usize, bool, bool) -> NodeResult<ValueId>;

fn position(context: &mut Context<'_>, node: &Node<'_>, find: Position) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let axis = axis(node.int_or("axis", 0)?, context.shape(x).len())?;
    let (keep, last) = (node.flag("keepdims", true)?, node.flag("select_last_index", false)?);
    one(find(context, x, axis, keep, last)?)
}

fn cumulative_sum(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let given = context.required_ints(node, 1)?;
    let axis = axis(given.first().copied().unwrap_or(0), context.shape(x).len())?;
    let (exclusive, reverse) = (node.flag("exclusive", false)?, node.flag("reverse", false)?);
    one(context.emit(CumulativeSum { axis, exclusive, reverse }, &[x])?)
}

/// `k` was an attribute before opset 10.
fn top_k(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let axis = axis(node.int_or("axis", -1)?, context.shape(x).len())?;
    let count = if context.opset >= 10 {
        context.required_ints(node, 1)?.first().copied().unwrap_or(0)
    } else {
        node.int_or("k", 0)?
    };
    let size = context.shape(x)[axis];
    let count = usize::try_from(count)
        .ok()
        .filter(|&count| count <= size)
        .ok_or_else(|| NodeError::new(format!("asks for the top {count} of {size} elements")))?;
    context.top_k(x, axis, count, node.flag("largest", true)?)
}
