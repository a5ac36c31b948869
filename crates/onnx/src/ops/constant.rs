//! Operators that make constants.

use ediacara_graph::ValueId;
use ediacara_tensor::{DType, Tensor};

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, sizes};
use crate::tensor;

pub(super) const TABLE: Table = &[
    ("Constant", constant),
    ("ConstantOfShape", constant_of_shape),
    ("Range", range),
    ("EyeLike", eye_like),
    ("Trilu", trilu),
    ("OneHot", one_hot),
];

fn constant(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    if let Some(proto) = node.tensor("value")? {
        return one(context.stored(proto, "attribute 'value'")?);
    }
    let tensor = if let Some(value) = node.float("value_float")? {
        Ok(Tensor::scalar(value))
    } else if let Some(value) = node.int("value_int")? {
        Ok(Tensor::scalar(value))
    } else if let Some(values) = node.floats("value_floats")? {
        Tensor::from_vec(&[values.len()], values.to_vec())
    } else if let Some(values) = node.ints("value_ints")? {
        Tensor::from_vec(&[values.len()], values.to_vec())
    } else {
        return Err(NodeError::new(
            "holds neither a tensor nor numbers; strings and sparse tensors are not supported",
        ));
    };
    one(context.constant(tensor.map_err(|error| NodeError::new(error.to_string()))?)?)
}

fn constant_of_shape(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let shape = sizes(&context.required_ints(node, 0)?, "its shape operand")?;
    let value = match node.tensor("value")? {
        Some(proto) => context.stored(proto, "attribute 'value'")?,
        None => context.constant(Tensor::scalar(0.0f32))?,
    };
    if context.shape(value).iter().product::<usize>() != 1 {
        return Err(NodeError::new(format!(
            "fills with a tensor of shape {:?}, not one element",
            context.shape(value)
        )));
    }
    let scalar = context.reshape(value, &[])?;
    one(context.broadcast(scalar, &shape)?)
}

/// max(ceil((limit - start) / delta), 0) numbers.
fn range(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let mut bounds = Vec::new();
    for index in 0..3 {
        bounds.push(context.required(node, index)?);
    }
    let dtype = bounds[0].dtype();
    let number = |index: usize| -> NodeResult<f64> {
        let values = bounds[index].cast(DType::F64).to_vec::<f64>();
        match values.as_deref() {
            Ok([value]) => Ok(*value),
            _ => Err(NodeError::new(format!(
                "its operand {index} has the shape {:?}, not one number",
                bounds[index].shape()
            ))),
        }
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let count = ((limit - start) / delta).ceil().max(0.0);
    if !count.is_finite() || count > 1e12 {
        return Err(NodeError::new(format!(
            "counts from {start} to {limit} in steps of {delta}, which does not end"
        )));
    }
    let ramp = context.ramp(DType::F64, count as usize)?;
    let scaled = context.binary_scalar("mul", ramp, delta)?;
    let moved = context.binary_scalar("add", scaled, start)?;
    one(context.cast(moved, dtype)?)
}

/// Column minus row, of shape `[rows, columns]`, i64; it tells diagonals apart.
fn diagonal(context: &mut Context<'_>, rows: usize, columns: usize) -> NodeResult<ValueId> {
    let row = context.ramp(DType::I64, rows)?;
    let row = context.reshape(row, &[rows, 1])?;
    let column = context.ramp(DType::I64, columns)?;
    let column = context.reshape(column, &[1, columns])?;
    context.binary("sub", column, row)
}

fn eye_like(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let &[rows, columns] = context.shape(x) else {
        return Err(NodeError::new(format!(
            "has data of shape {:?}; it has to be a matrix",
            context.shape(x)
        )));
    };
    let dtype = match node.int("dtype")? {
        Some(number) => tensor::dtype(i32::try_from(number).unwrap_or(0)).map_err(NodeError::new)?,
        None => context.dtype(x),
    };
    let distance = diagonal(context, rows, columns)?;
    let hit = context.binary_scalar("equal", distance, node.int_or("k", 0)? as f64)?;
    one(context.cast(hit, dtype)?)
}

fn trilu(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let &[.., rows, columns] = context.shape(x) else {
        return Err(NodeError::new(format!("has data of shape {:?}; it needs two axes", context.shape(x))));
    };
    let offset = context.constant_ints(node, 1)?.and_then(|values| values.first().copied()).unwrap_or(0);
    let distance = diagonal(context, rows, columns)?;
    let keeps = if node.flag("upper", true)? { "greater_equal" } else { "less_equal" };
    let kept = context.binary_scalar(keeps, distance, offset as f64)?;
    let zero = context.scalar_like(x, 0.0)?;
    one(context.select(kept, x, zero)?)
}

fn one_hot(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (indices, values) = (node.input(0)?, node.input(2)?);
    let depth = context.required(node, 1)?.cast(DType::I64).to_vec::<i64>().unwrap_or_default();
    let depth = depth.first().and_then(|&depth| usize::try_from(depth).ok());
    let depth = depth.ok_or_else(|| NodeError::new("has a negative depth"))?;
    let mut shape = context.shape(indices).to_vec();
    let axis = crate::node::axis(node.int_or("axis", -1)?, shape.len() + 1)?;
    shape.insert(axis, 1);
    // Negative indices count from the end.
    let wide = context.cast(indices, DType::I64)?;
    let negative = context.binary_scalar("less", wide, 0.0)?;
    let moved = context.binary_scalar("add", wide, depth as f64)?;
    let wrapped = context.select(negative, moved, wide)?;
    let spread = context.reshape(wrapped, &shape)?;
    let mut ramp_shape = vec![1; shape.len()];
    ramp_shape[axis] = depth;
    let ramp = context.ramp(DType::I64, depth)?;
    let ramp = context.reshape(ramp, &ramp_shape)?;
    let hit = context.binary("equal", spread, ramp)?;
    let pick = |context: &mut Context<'_>, index: usize| {
        let picked = context.slice(values, &[index as i64], &[index as i64 + 1], &[1])?;
        context.reshape(picked, &[])
    };
    let (off, on) = (pick(context, 0)?, pick(context, 1)?);
    one(context.select(hit, on, off)?)
}
