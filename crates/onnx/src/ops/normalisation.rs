//! Normalisations.
//!
//! That of batches is folded into a factor and an offset for each channel; the others are composed.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Lrn, ReduceKind};
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes, axis};

pub(super) const TABLE: Table = &[
    ("BatchNormalization", batch),
    ("InstanceNormalization", instance),
    ("LayerNormalization", layer),
    ("RMSNormalization", root_mean_square),
    ("GroupNormalization", group),
    ("MeanVarianceNormalization", mean_variance),
    ("LpNormalization", power),
    ("LRN", |context, node| {
        let size = node.int_or("size", 0)?;
        let size = usize::try_from(size)
            .ok()
            .filter(|&size| size > 0)
            .ok_or_else(|| NodeError::new(format!("has size {size}; at least one channel is needed")))?;
        let alpha = f64::from(node.float_or("alpha", 0.0001)?);
        let (beta, bias) = (f64::from(node.float_or("beta", 0.75)?), f64::from(node.float_or("bias", 1.0)?));
        one(context.emit(Lrn { size, alpha, beta, bias }, &[node.input(0)?])?)
    }),
];

/// Normalises by stored statistics or, in training, by those of the data, which then move the stored ones.
fn batch(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (x, mean, variance) = (node.input(0)?, node.input(3)?, node.input(4)?);
    if !node.flag("training_mode", false)? {
        // Before opset 7 the attribute is_test meant inference, but old exporters forget it; a lone output
        // also tells.
        if (1..node.output_count()).any(|index| node.has_output(index)) {
            return Err(NodeError::new(
                "returns running statistics, which only training does; export the model for inference",
            ));
        }
        return one(batch_by(context, node, mean, variance)?);
    }
    let axes: Vec<usize> = (0..context.shape(x).len()).filter(|&axis| axis != 1).collect();
    let mean_kept = context.reduce(x, ReduceKind::Mean, &axes, true)?;
    let centred = context.binary("sub", x, mean_kept)?;
    let square = context.binary("mul", centred, centred)?;
    let own_variance = context.reduce(square, ReduceKind::Mean, &axes, false)?;
    let channels = context.shape(own_variance).to_vec();
    let own_mean = context.reshape(mean_kept, &channels)?;
    let result = batch_by(context, node, own_mean, own_variance)?;
    let momentum = f64::from(node.float_or("momentum", 0.9)?);
    let mut moved = vec![result];
    for (stored, own) in [(mean, own_mean), (variance, own_variance)] {
        let kept = context.binary_scalar("mul", stored, momentum)?;
        let added = context.binary_scalar("mul", own, 1.0 - momentum)?;
        let added = context.cast(added, context.dtype(stored))?;
        moved.push(context.binary("add", kept, added)?);
    }
    Ok(moved)
}

/// y = x * factor + offset, factor = scale / sqrt(variance + epsilon), offset = bias - mean * factor.
fn batch_by(
    context: &mut Context<'_>,
    node: &Node<'_>,
    mean: ValueId,
    variance: ValueId,
) -> NodeResult<ValueId> {
    let (x, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let epsilon = f64::from(node.float_or("epsilon", 1e-5)?);
    let dtype = context.dtype(x);
    let shifted = context.binary_scalar("add", variance, epsilon)?;
    let deviation = context.unary("sqrt", shifted)?;
    let deviation = context.cast(deviation, context.dtype(scale))?;
    let factor = context.binary("div", scale, deviation)?;
    let mean = context.cast(mean, context.dtype(scale))?;
    let moved = context.binary("mul", mean, factor)?;
    let offset = context.binary("sub", bias, moved)?;
    let rank = context.shape(x).len();
    let mut placed = [factor, offset];
    for value in &mut placed {
        let per_element = context.shape(*value).len() > 1;
        *value = if per_element {
            // With spatial = 0 (before opset 9) there are statistics for every element of a sample.
            let shape: Vec<usize> = std::iter::once(1).chain(context.shape(*value).iter().copied()).collect();
            context.reshape(*value, &shape)?
        } else {
            context.along_channels(*value, rank)?
        };
        *value = context.cast(*value, dtype)?;
    }
    let scaled = context.binary("mul", x, placed[0])?;
    context.binary("add", scaled, placed[1])
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`.
///
/// Also gives the mean and the reciprocal deviation, both with the axes kept.
fn standardise(
    context: &mut Context<'_>,
    x: ValueId,
    axes: &[usize],
    epsilon: f64,
) -> NodeResult<(ValueId, ValueId, ValueId)> {
    let mean = context.reduce(x, ReduceKind::Mean, axes, true)?;
    let centred = context.binary("sub", x, mean)?;
    let square = context.binary("mul", centred, centred)?;
    let variance = context.reduce(square, ReduceKind::Mean, axes, true)?;
    let shifted = context.binary_scalar("add", variance, epsilon)?;
    let deviation = context.unary("sqrt", shifted)?;
    let inverse = context.unary("reciprocal", deviation)?;
    Ok((context.binary("mul", centred, inverse)?, mean, inverse))
}

fn instance(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let rank = context.shape(x).len();
    let spatial: Vec<usize> = (2..rank).collect();
    let epsilon = f64::from(node.float_or("epsilon", 1e-5)?);
    let (standard, _, _) = standardise(context, x, &spatial, epsilon)?;
    let scale = context.along_channels(node.input(1)?, rank)?;
    let bias = context.along_channels(node.input(2)?, rank)?;
    let scaled = context.binary("mul", standard, scale)?;
    one(context.binary("add", scaled, bias)?)
}

/// The axes from `axis` on, and the type to compute in (`stash_type`, f32 unless it says otherwise).
fn trailing(context: &Context<'_>, node: &Node<'_>, x: ValueId) -> NodeResult<(Vec<usize>, DType)> {
    let rank = context.shape(x).len();
    let first = axis(node.int_or("axis", -1)?, rank)?;
    let stash = i32::try_from(node.int_or("stash_type", 1)?).unwrap_or(0);
    Ok(((first..rank).collect(), crate::tensor::dtype(stash).map_err(NodeError::new)?))
}

fn layer(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let dtype = context.dtype(x);
    let (axes, wide) = trailing(context, node, x)?;
    let epsilon = f64::from(node.float_or("epsilon", 1e-5)?);
    let wide_x = context.cast(x, wide)?;
    let (standard, mean, inverse) = standardise(context, wide_x, &axes, epsilon)?;
    let standard = context.cast(standard, dtype)?;
    let mut result = context.binary("mul", standard, node.input(1)?)?;
    if let Some(bias) = node.optional(2) {
        result = context.binary("add", result, bias)?;
    }
    Ok(vec![result, mean, inverse])
}

fn root_mean_square(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let dtype = context.dtype(x);
    let (axes, wide) = trailing(context, node, x)?;
    let wide_x = context.cast(x, wide)?;
    let square = context.binary("mul", wide_x, wide_x)?;
    let mean = context.reduce(square, ReduceKind::Mean, &axes, true)?;
    let shifted = context.binary_scalar("add", mean, f64::from(node.float_or("epsilon", 1e-5)?))?;
    let root = context.unary("sqrt", shifted)?;
    let standard = context.binary("div", wide_x, root)?;
    let standard = context.cast(standard, dtype)?;
    one(context.binary("mul", standard, node.input(1)?)?)
}

/// Scale and bias have one element for each channel; before opset 21, one for each group.
fn group(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let groups = node.int_or("num_groups", 0)?;
    let count = usize::try_from(groups).unwrap_or(0);
    if shape.len() < 2 || count == 0 || !shape[1].is_multiple_of(count) {
        return Err(NodeError::new(format!("splits the channels of {shape:?} into {groups} groups")));
    }
    let rows: usize = shape[1..].iter().product::<usize>() / count;
    let grouped = context.reshape(x, &[shape[0], count, rows])?;
    let (mut standard, _, _) =
        standardise(context, grouped, &[2], f64::from(node.float_or("epsilon", 1e-5)?))?;
    let per_channel = context.opset >= 21;
    if per_channel {
        standard = context.reshape(standard, &shape)?;
    }
    let rank = if per_channel { shape.len() } else { 3 };
    let scale = context.along_channels(node.input(1)?, rank)?;
    let bias = context.along_channels(node.input(2)?, rank)?;
    let scaled = context.binary("mul", standard, scale)?;
    let result = context.binary("add", scaled, bias)?;
    one(context.reshape(result, &shape)?)
}

fn mean_variance(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let given = node.ints("axes")?.unwrap_or(&[0, 2, 3]);
    let axes = axes(given, context.shape(x).len())?;
    // The specification's function adds 1e-9 to the deviation, not to the variance.
    let mean = context.reduce(x, ReduceKind::Mean, &axes, true)?;
    let centred = context.binary("sub", x, mean)?;
    let square = context.binary("mul", centred, centred)?;
    let variance = context.reduce(square, ReduceKind::Mean, &axes, true)?;
    let deviation = context.unary("sqrt", variance)?;
    let shifted = context.binary_scalar("add", deviation, 1e-9)?;
    one(context.binary("div", centred, shifted)?)
}

/// x divided by its norm; 0 where the norm is 0.
fn power(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let axis = axis(node.int_or("axis", -1)?, context.shape(x).len())?;
    let norm = match node.int_or("p", 2)? {
        1 => {
            let size = context.unary("abs", x)?;
            context.reduce(size, ReduceKind::Sum, &[axis], true)?
        }
        2 => {
            let square = context.binary("mul", x, x)?;
            let sum = context.reduce(square, ReduceKind::Sum, &[axis], true)?;
            context.unary("sqrt", sum)?
        }
        other => return Err(NodeError::new(format!("has p = {other}; it has to be 1 or 2"))),
    };
    let quotient = context.binary("div", x, norm)?;
    let zero = context.scalar_like(x, 0.0)?;
    let empty = context.binary("equal", norm, zero)?;
    one(context.select(empty, zero, quotient)?)
}
