//! Changes of shape that leave the elements alone, and questions about shapes, which are answered at import.

use ediacara_graph::ValueId;
use ediacara_tensor::{DType, Tensor};

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes, axis, sizes};

pub(super) const TABLE: Table = &[
    ("Identity", |_, node| one(node.input(0)?)),
    ("Dropout", dropout),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Transpose", transpose),
    ("Expand", expand),
    ("Tile", tile),
    ("Shape", shape),
    ("Size", |context, node| {
        let count: usize = context.shape(node.input(0)?).iter().product();
        one(context.constant(Tensor::scalar(count as i64))?)
    }),
    ("DepthToSpace", depth_to_space),
    ("SpaceToDepth", space_to_depth),
];

/// Inference passes the data on; if something reads a mask, it is all true.
fn dropout(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    if context.opset >= 12 && node.optional(2).is_some() {
        let training = context.constant_of(node, 2)?;
        let ratio = context.constant_of(node, 1)?.map_or(Some(0.5), |ratio| first_as_f64(&ratio));
        let trains =
            training.is_some_and(|training| first_as_f64(&training).is_none_or(|value| value != 0.0));
        if trains && ratio != Some(0.0) {
            return Err(NodeError::new(
                "is in training mode, which drops at random; export the model for inference",
            ));
        }
    }
    if !node.has_output(1) {
        return one(x);
    }
    let shape = context.shape(x).to_vec();
    let dtype = if context.opset >= 10 { DType::Bool } else { context.dtype(x) };
    let mask = context.full(dtype, &shape, 1.0)?;
    Ok(vec![x, mask])
}

fn first_as_f64(tensor: &Tensor) -> Option<f64> {
    tensor.cast(DType::F64).to_vec::<f64>().ok()?.first().copied()
}

/// 0 keeps the dimension (unless `allowzero` is set); one -1 takes what is left.
fn reshape(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let wanted = context.required_ints(node, 1)?;
    let old = context.shape(x).to_vec();
    let total: usize = old.iter().product();
    let allow_zero = node.flag("allowzero", false)?;
    let problem = |what: &str| NodeError::new(format!("reshapes {old:?} to {wanted:?}: {what}"));
    let mut shape = Vec::new();
    let mut free = None;
    for (index, &dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            -1 if free.is_none() => {
                free = Some(index);
                1
            }
            0 if !allow_zero => {
                *old.get(index).ok_or_else(|| problem("a 0 keeps a dimension that is not there"))?
            }
            _ => usize::try_from(dim).map_err(|_| problem("only one dimension may be -1, none below"))?,
        });
    }
    if let Some(index) = free {
        let known = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        let known = known.ok_or_else(|| problem("the dimensions overflow"))?;
        if known == 0 || !total.is_multiple_of(known) {
            return Err(problem("the elements do not divide evenly over the free dimension"));
        }
        shape[index] = total / known;
    }
    one(context.reshape(x, &shape)?)
}

fn flatten(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let old = context.shape(x).to_vec();
    let given = node.int_or("axis", 1)?;
    // The axis behind the last one is allowed; it makes one column.
    let split = if usize::try_from(given) == Ok(old.len()) { old.len() } else { axis(given, old.len())? };
    one(context.reshape(x, &[old[..split].iter().product(), old[split..].iter().product()])?)
}

/// Axes were an attribute before opset 13.
fn given_axes(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Option<Vec<i64>>> {
    if context.opset >= 13 {
        context.constant_ints(node, 1)
    } else {
        Ok(node.ints("axes")?.map(<[i64]>::to_vec))
    }
}

fn squeeze(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let old = context.shape(x).to_vec();
    let dropped = match given_axes(context, node)? {
        Some(given) => axes(&given, old.len())?,
        None => (0..old.len()).filter(|&axis| old[axis] == 1).collect(),
    };
    if let Some(&axis) = dropped.iter().find(|&&axis| old[axis] != 1) {
        return Err(NodeError::new(format!("squeezes axis {axis} of {old:?}, which is not 1")));
    }
    let kept = (0..old.len()).filter(|axis| !dropped.contains(axis)).map(|axis| old[axis]);
    let kept: Vec<usize> = kept.collect();
    one(context.reshape(x, &kept)?)
}

fn unsqueeze(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let old = context.shape(x).to_vec();
    let given =
        given_axes(context, node)?.ok_or_else(|| NodeError::new("has no axes; the file is damaged"))?;
    let rank = old.len() + given.len();
    let added = axes(&given, rank)?;
    let mut rest = old.iter().copied();
    let shape = (0..rank).map(|axis| if added.contains(&axis) { 1 } else { rest.next().unwrap_or(1) });
    let shape: Vec<usize> = shape.collect();
    one(context.reshape(x, &shape)?)
}

fn transpose(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let rank = context.shape(x).len();
    let permutation = match node.ints("perm")? {
        Some(given) if given.len() == rank => axes(given, rank)?,
        Some(given) => return Err(NodeError::new(format!("permutes {rank} axes by {given:?}"))),
        None => (0..rank).rev().collect(),
    };
    one(context.transpose(x, &permutation)?)
}

/// Both shapes broadcast against each other.
fn expand(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let wanted = sizes(&context.required_ints(node, 1)?, "its shape operand")?;
    let old = context.shape(x).to_vec();
    let rank = old.len().max(wanted.len());
    let at =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |index| shape[index]);
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        shape.push(match (at(&old, axis), at(&wanted, axis)) {
            (size, 1) => size,
            (1, size) => size,
            (left, right) if left == right => left,
            _ => {
                return Err(NodeError::new(format!("expands {old:?} to {wanted:?}, which do not broadcast")));
            }
        });
    }
    one(context.broadcast(x, &shape)?)
}

/// Each axis gets an axis of copies before it and is then merged with it.
fn tile(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let repeats = sizes(&context.required_ints(node, 1)?, "repeats")?;
    let old = context.shape(x).to_vec();
    if repeats.len() != old.len() {
        return Err(NodeError::new(format!("repeats {old:?} by {repeats:?}; it needs one number an axis")));
    }
    let (mut apart, mut copied, mut merged) = (Vec::new(), Vec::new(), Vec::new());
    for (&size, &count) in old.iter().zip(&repeats) {
        if count != 1 {
            apart.push(1);
            copied.push(count);
        }
        apart.push(size);
        copied.push(size);
        merged.push(size.saturating_mul(count));
    }
    let apart = context.reshape(x, &apart)?;
    let copied = context.broadcast(apart, &copied)?;
    one(context.reshape(copied, &merged)?)
}

fn shape(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let dims: Vec<i64> = context.shape(node.input(0)?).iter().map(|&dim| dim as i64).collect();
    let rank = dims.len() as i64;
    let bound =
        |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize;
    let (start, end) = (bound(node.int_or("start", 0)?), bound(node.int_or("end", rank)?));
    let dims = dims.get(start..end).unwrap_or(&[]).to_vec();
    let tensor = Tensor::from_vec(&[dims.len()], dims).map_err(|error| NodeError::new(error.to_string()))?;
    one(context.constant(tensor)?)
}

/// Batch, channels, height, width and the block size.
fn blocks(context: &Context<'_>, node: &Node<'_>) -> NodeResult<([usize; 4], usize)> {
    let shape = context.shape(node.input(0)?);
    let size = node.int_or("blocksize", 0)?;
    let block = usize::try_from(size).ok().filter(|&block| (1..=1 << 16).contains(&block));
    match (shape, block) {
        (&[batch, channels, height, width], Some(block)) => Ok(([batch, channels, height, width], block)),
        _ => Err(NodeError::new(format!(
            "has data of shape {shape:?} and blocksize {size}; it needs four axes"
        ))),
    }
}

fn depth_to_space(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let ([batch, channels, height, width], block) = blocks(context, node)?;
    let depth = channels / (block * block);
    if depth * block * block != channels {
        return Err(NodeError::new(format!("splits {channels} channels into blocks of {block} by {block}")));
    }
    let (apart, permutation) = match node.string_or("mode", "DCR")? {
        "CRD" => ([batch, depth, block, block, height, width], [0, 1, 4, 2, 5, 3]),
        _ => ([batch, block, block, depth, height, width], [0, 3, 4, 1, 5, 2]),
    };
    let apart = context.reshape(node.input(0)?, &apart)?;
    let moved = context.transpose(apart, &permutation)?;
    one(context.reshape(moved, &[batch, depth, height * block, width * block])?)
}

fn space_to_depth(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let ([batch, channels, height, width], block) = blocks(context, node)?;
    if !height.is_multiple_of(block) || !width.is_multiple_of(block) {
        return Err(NodeError::new(format!("splits {height} by {width} into blocks of {block} by {block}")));
    }
    let apart = [batch, channels, height / block, block, width / block, block];
    let apart = context.reshape(node.input(0)?, &apart)?;
    let moved = context.transpose(apart, &[0, 3, 5, 1, 2, 4])?;
    one(context.reshape(moved, &[batch, channels * block * block, height / block, width / block])?)
}
