//! Reading and writing at positions that data give.

use ediacara_graph::ValueId;
use ediacara_graph::ops::TensorScatter;
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axis};

pub(super) const TABLE: Table = &[
    ("Gather", gather),
    ("GatherElements", gather_elements),
    ("GatherND", gather_nd),
    ("ScatterND", scatter_nd),
    ("ScatterElements", scatter_elements),
    ("Scatter", scatter_elements),
    ("TensorScatter", tensor_scatter),
];

/// Rows of a cache are replaced from an index on, one index for each batch.
fn tensor_scatter(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (cache, update) = (node.input(0)?, node.input(1)?);
    match node.string_or("mode", "linear")? {
        "linear" => {}
        other => {
            return Err(NodeError::new(format!(
                "has the mode '{other}', which is not supported; only 'linear' is"
            )));
        }
    }
    let axis = axis(node.int_or("axis", -2)?, context.shape(cache).len())?;
    let batches = context.shape(cache).first().copied().unwrap_or(1);
    let indices = match node.optional(2) {
        Some(indices) => context.cast(indices, DType::I64)?,
        None => context.full(DType::I64, &[batches], 0.0)?,
    };
    one(context.emit(TensorScatter { axis }, &[cache, update, indices])?)
}

fn gather(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (x, indices) = (node.input(0)?, node.input(1)?);
    let axis = axis(node.int_or("axis", 0)?, context.shape(x).len())?;
    let mut shape = context.shape(x).to_vec();
    check_indices(context, indices, shape[axis])?;
    // The only entry of an axis is there already.
    let only = context.shape(indices).is_empty() && context.known(indices).is_some();
    if only && shape[axis] == 1 {
        shape.remove(axis);
        return one(context.reshape(x, &shape)?);
    }
    one(context.gather(x, indices, axis)?)
}

/// Refuses constant indices that lie outside an axis; computed ones are checked when they are known.
fn check_indices(context: &Context<'_>, indices: ValueId, extent: usize) -> NodeResult<()> {
    let numbers = context.constant_integers(indices).unwrap_or_default();
    let extent = extent as i64;
    match numbers.iter().find(|&&index| index < -extent || index >= extent) {
        Some(index) => Err(NodeError::new(format!("has the constant index {index} for an axis of {extent}"))),
        None => Ok(()),
    }
}

/// The position in the flattened data of every index of an elementwise gather or scatter.
fn flat_positions(
    context: &mut Context<'_>,
    x: ValueId,
    indices: ValueId,
    axis: usize,
) -> NodeResult<ValueId> {
    let (shape, index_shape) = (context.shape(x).to_vec(), context.shape(indices).to_vec());
    if shape.len() != index_shape.len() {
        return Err(NodeError::new(format!(
            "has data of shape {shape:?} and indices of shape {index_shape:?}"
        )));
    }
    let indices = context.cast(indices, DType::I64)?;
    // Negative indices count from the end.
    let negative = context.binary_scalar("less", indices, 0.0)?;
    let moved = context.binary_scalar("add", indices, shape[axis] as f64)?;
    let mut position = context.select(negative, moved, indices)?;
    let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
    position = context.binary_scalar("mul", position, strides[axis] as f64)?;
    for other in (0..shape.len()).filter(|&other| other != axis) {
        let mut ramp_shape = vec![1; shape.len()];
        ramp_shape[other] = index_shape[other];
        let ramp = context.ramp(DType::I64, index_shape[other])?;
        let ramp = context.reshape(ramp, &ramp_shape)?;
        let part = context.binary_scalar("mul", ramp, strides[other] as f64)?;
        position = context.binary("add", position, part)?;
    }
    Ok(position)
}

fn gather_elements(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (x, indices) = (node.input(0)?, node.input(1)?);
    let shape = context.shape(x).to_vec();
    let axis = axis(node.int_or("axis", 0)?, shape.len())?;
    let positions = flat_positions(context, x, indices, axis)?;
    let flat = context.reshape(x, &[shape.iter().product()])?;
    one(context.gather(flat, positions, 0)?)
}

fn gather_nd(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (x, indices) = (node.input(0)?, node.input(1)?);
    let batch = usize::try_from(node.int_or("batch_dims", 0)?).unwrap_or(usize::MAX);
    one(context.gather_nd(x, indices, batch)?)
}

/// Refuses anything but plain replacement: sums, products and extremes of several updates are not supported.
pub(super) fn check_reduction(node: &Node<'_>) -> NodeResult<()> {
    match node.string_or("reduction", "none")? {
        "none" => Ok(()),
        other => Err(NodeError::new(format!(
            "has the reduction '{other}', which is not supported; only 'none' is"
        ))),
    }
}

fn scatter_nd(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    check_reduction(node)?;
    let (x, indices, updates) = (node.input(0)?, node.input(1)?, node.input(2)?);
    one(context.scatter_nd(x, indices, updates)?)
}

fn scatter_elements(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    check_reduction(node)?;
    let (x, indices, updates) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let shape = context.shape(x).to_vec();
    let axis = axis(node.int_or("axis", 0)?, shape.len())?;
    let positions = flat_positions(context, x, indices, axis)?;
    let count = context.shape(positions).iter().product();
    let total = shape.iter().product();
    let rows = context.reshape(positions, &[count, 1])?;
    let flat = context.reshape(x, &[total])?;
    let updates = context.reshape(updates, &[count])?;
    let result = context.scatter_nd(flat, rows, updates)?;
    one(context.reshape(result, &shape)?)
}
