//! Softmax and its relatives, whose axis means something else before opset 13.

use ediacara_graph::ValueId;
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axis};

pub(super) const TABLE: Table = &[
    ("Softmax", |context, node| over_axis(context, node, |context, x, axis| context.softmax(x, axis))),
    ("LogSoftmax", |context, node| over_axis(context, node, |context, x, axis| context.log_softmax(x, axis))),
    ("Hardmax", |context, node| over_axis(context, node, hardmax)),
];

type Function = fn(&mut Context<'_>, ValueId, usize) -> NodeResult<ValueId>;

/// From opset 13 the function runs along one axis (default: the last).
///
/// Before that, `axis` (default 1) split the shape into rows and columns, and the function ran over all
/// columns together.
fn over_axis(context: &mut Context<'_>, node: &Node<'_>, function: Function) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    if shape.is_empty() {
        return Err(NodeError::new("runs over an axis of a scalar, which has none"));
    }
    let before_13 = context.opset < 13;
    let given = node.int_or("axis", if before_13 { 1 } else { -1 })?;
    // The old form also accepts the axis behind the last one; columns then have one element.
    if before_13 && usize::try_from(given) == Ok(shape.len()) {
        let column = context.reshape(x, &[shape.iter().product(), 1])?;
        let result = function(context, column, 1)?;
        return one(context.reshape(result, &shape)?);
    }
    let axis = axis(given, shape.len())?;
    if !before_13 || shape[axis + 1..].iter().all(|&size| size == 1) {
        return one(function(context, x, axis)?);
    }
    let (rows, columns) = (shape[..axis].iter().product(), shape[axis..].iter().product());
    let matrix = context.reshape(x, &[rows, columns])?;
    let result = function(context, matrix, 1)?;
    one(context.reshape(result, &shape)?)
}

/// 1 at the first largest element, 0 elsewhere.
fn hardmax(context: &mut Context<'_>, x: ValueId, axis: usize) -> NodeResult<ValueId> {
    let shape = context.shape(x).to_vec();
    let position = context.arg_max(x, axis, true, false)?;
    let mut ramp_shape = vec![1; shape.len()];
    ramp_shape[axis] = shape[axis];
    let ramp = context.ramp(DType::I64, shape[axis])?;
    let ramp = context.reshape(ramp, &ramp_shape)?;
    let hit = context.binary("equal", ramp, position)?;
    let dtype = context.dtype(x);
    context.cast(hit, dtype)
}
