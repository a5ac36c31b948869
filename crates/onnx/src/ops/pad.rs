//! Padding around every axis; negative padding cuts off.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Pad, PadMode};
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes};

pub(super) const TABLE: Table = &[("Pad", pad)];

/// Pads and value were attributes before opset 11; axes came with opset 18.
fn pad(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let rank = shape.len();
    let (pads, value) = if context.opset < 11 {
        let pads = node.ints("pads")?.ok_or_else(|| NodeError::new("has no pads; the file is damaged"))?;
        (pads.to_vec(), f64::from(node.float_or("value", 0.0)?))
    } else {
        let value = match context.constant_of(node, 2)? {
            Some(value) if !value.is_empty() => value.cast(DType::F64).to_vec::<f64>(),
            _ => Ok(vec![0.0]),
        };
        (context.required_ints(node, 1)?, value.unwrap_or_default().first().copied().unwrap_or(0.0))
    };
    let axes = match context.constant_ints(node, 3)? {
        Some(given) if context.opset >= 18 => axes(&given, rank)?,
        _ => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(NodeError::new(format!(
            "has {} pads for {} axes; it needs two an axis",
            pads.len(),
            axes.len()
        )));
    }
    let (mut before, mut after) = (vec![0usize; rank], vec![0usize; rank]);
    let (mut starts, mut ends) = (vec![0usize; rank], shape.clone());
    for (index, &axis) in axes.iter().enumerate() {
        let (first, last) = (pads[index], pads[axes.len() + index]);
        let cut = |pad: i64| usize::try_from(pad.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let grow = |pad: i64| usize::try_from(pad.max(0)).unwrap_or(usize::MAX);
        (before[axis], after[axis]) = (grow(first), grow(last));
        starts[axis] = cut(first).min(shape[axis]);
        ends[axis] = shape[axis].saturating_sub(cut(last)).max(starts[axis]);
    }
    let mut result = x;
    for axis in 0..rank {
        if (starts[axis], ends[axis]) != (0, shape[axis]) {
            result = context.slice_axis(result, axis, starts[axis], ends[axis])?;
        }
    }
    if before.iter().chain(&after).all(|&count| count == 0) {
        return one(result);
    }
    let mode = match node.string_or("mode", "constant")? {
        "constant" => PadMode::Constant,
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        "wrap" => return one(wrap(context, result, &before, &after)?),
        other => {
            return Err(NodeError::new(format!(
                "has the mode '{other}'; known are constant, reflect, edge and wrap"
            )));
        }
    };
    one(context.emit(Pad { before, after, mode, value }, &[result])?)
}

/// The data as one period of a sequence that goes on in both directions.
fn wrap(context: &mut Context<'_>, x: ValueId, before: &[usize], after: &[usize]) -> NodeResult<ValueId> {
    let mut result = x;
    for axis in 0..before.len() {
        let size = context.shape(result)[axis];
        if before[axis] > size || after[axis] > size {
            return Err(NodeError::new(format!(
                "wraps {} and {} elements around axis {axis} of {size}; more than once around is not supported",
                before[axis], after[axis]
            )));
        }
        let mut parts = Vec::new();
        if before[axis] > 0 {
            parts.push(context.slice_axis(result, axis, size - before[axis], size)?);
        }
        parts.push(result);
        if after[axis] > 0 {
            parts.push(context.slice_axis(result, axis, 0, after[axis])?);
        }
        if parts.len() > 1 {
            result = context.concat(&parts, axis)?;
        }
    }
    Ok(result)
}
