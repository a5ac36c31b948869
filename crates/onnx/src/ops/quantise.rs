//! Conversions between floats and 8-bit integers.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{DequantizeLinear, QuantizeLinear};
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axis};
use crate::tensor;

pub(super) const TABLE: Table = &[("QuantizeLinear", quantize), ("DequantizeLinear", dequantize)];

/// Scale and zero point, and the axis along which they vary (0 where they do not).
struct Parameters {
    scale: ValueId,
    zero: ValueId,
    axis: usize,
    /// Whether scale and zero point have been spread from blocks to every element.
    spread: bool,
}

fn parameters(context: &mut Context<'_>, node: &Node<'_>, dtype: DType) -> NodeResult<Parameters> {
    let (x, scale) = (node.input(0)?, node.input(1)?);
    let scale_shape = context.shape(scale).to_vec();
    let zero = match node.optional(2) {
        Some(zero) => zero,
        None => context.full(dtype, &scale_shape, 0.0)?,
    };
    let zero_shape = context.shape(zero).to_vec();
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let whole = count(&scale_shape) == 1;
    // One scale and one zero point may have different numbers of axes: onnxruntime writes [1] beside [].
    if zero_shape != scale_shape && !(whole && count(&zero_shape) == 1) {
        return Err(NodeError::new(format!(
            "has scales of shape {scale_shape:?} but zero points of {zero_shape:?}"
        )));
    }
    let axis = if whole { 0 } else { axis(node.int_or("axis", 1)?, context.shape(x).len())? };
    let block = node.int_or("block_size", 0)?;
    if block != 0 && !whole {
        let block =
            usize::try_from(block).map_err(|_| NodeError::new(format!("has blocks of {block} elements")))?;
        let (scale, zero) = (spread(context, x, scale, axis, block)?, spread(context, x, zero, axis, block)?);
        return Ok(Parameters { scale, zero, axis, spread: true });
    }
    if !whole && scale_shape != [context.shape(x)[axis]] {
        return Err(NodeError::new(format!(
            "has scales of shape {scale_shape:?} for axis {axis} of data of shape {:?}",
            context.shape(x)
        )));
    }
    let shape: &[usize] = if whole { &[] } else { &scale_shape };
    let (scale, zero) = (context.reshape(scale, shape)?, context.reshape(zero, shape)?);
    Ok(Parameters { scale, zero, axis, spread: false })
}

/// Spreads one entry for each block to one for each element; the last block may be cut short.
fn spread(
    context: &mut Context<'_>,
    x: ValueId,
    value: ValueId,
    axis: usize,
    block: usize,
) -> NodeResult<ValueId> {
    let (shape, blocks) = (context.shape(x).to_vec(), context.shape(value).to_vec());
    let fits = blocks.len() == shape.len()
        && (0..shape.len()).all(|other| match other == axis {
            true => shape[other].div_ceil(block) == blocks[other],
            false => shape[other] == blocks[other],
        });
    if !fits {
        return Err(NodeError::new(format!(
            "has parameters of shape {blocks:?} for blocks of {block} in {shape:?}"
        )));
    }
    let (mut apart, mut copied, mut merged) = (blocks.clone(), blocks.clone(), blocks.clone());
    apart.insert(axis + 1, 1);
    copied.insert(axis + 1, block);
    merged[axis] = blocks[axis].saturating_mul(block);
    let apart = context.reshape(value, &apart)?;
    let copied = context.broadcast(apart, &copied)?;
    let merged = context.reshape(copied, &merged)?;
    context.slice_axis(merged, axis, 0, shape[axis])
}

fn quantize(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let dtype = match (node.optional(2), node.int_or("output_dtype", 0)?) {
        (Some(zero), _) => context.dtype(zero),
        (None, 0) => DType::U8,
        (None, number) => tensor::dtype(i32::try_from(number).unwrap_or(0)).map_err(NodeError::new)?,
    };
    let x = node.input(0)?;
    let Parameters { scale, zero, axis, spread } = parameters(context, node, dtype)?;
    if !spread {
        let (x, scale) = (context.cast(x, DType::F32)?, context.cast(scale, DType::F32)?);
        return one(context.emit(QuantizeLinear { axis }, &[x, scale, zero])?);
    }
    let (low, high) = match dtype {
        DType::I8 => (-128.0, 127.0),
        DType::U8 => (0.0, 255.0),
        _ => return Err(NodeError::new(format!("quantises to {dtype} in blocks; i8 and u8 are supported"))),
    };
    let scaled = context.binary("div", x, scale)?;
    let rounded = context.unary("round", scaled)?;
    let zero = context.cast(zero, context.dtype(rounded))?;
    let moved = context.binary("add", rounded, zero)?;
    let kept = context.clamp(moved, low, high)?;
    one(context.cast(kept, dtype)?)
}

fn dequantize(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let Parameters { scale, zero, axis, spread } = parameters(context, node, context.dtype(x))?;
    let real = context.dtype(scale);
    if !spread {
        let scale = context.cast(scale, DType::F32)?;
        let y = context.emit(DequantizeLinear { axis }, &[x, scale, zero])?;
        return one(context.cast(y, real)?);
    }
    let (x, zero) = (context.cast(x, real)?, context.cast(zero, real)?);
    let moved = context.binary("sub", x, zero)?;
    one(context.binary("mul", moved, scale)?)
}

/// The real values of integers with one scale and zero point, or one for each index of an axis.
///
/// Without a zero point it is 0.
pub(super) fn dequantised(
    context: &mut Context<'_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
    axis: usize,
) -> NodeResult<ValueId> {
    let scale = context.cast(scale, DType::F32)?;
    let [scale, zero] = aligned(context, scale, zero, context.dtype(x))?;
    context.emit(DequantizeLinear { axis }, &[x, scale, zero])
}

/// Real values as integers of the zero point's type; u8 with the zero point 0 if it is left out.
pub(super) fn quantised(
    context: &mut Context<'_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
) -> NodeResult<ValueId> {
    let (x, scale) = (context.cast(x, DType::F32)?, context.cast(scale, DType::F32)?);
    let [scale, zero] = aligned(context, scale, zero, DType::U8)?;
    context.emit(QuantizeLinear { axis: 0 }, &[x, scale, zero])
}

/// Scale and zero point, both scalars or both of one axis.
fn aligned(
    context: &mut Context<'_>,
    scale: ValueId,
    zero: Option<ValueId>,
    dtype: DType,
) -> NodeResult<[ValueId; 2]> {
    let zero = match zero {
        Some(zero) => zero,
        None => context.scalar(dtype, 0.0)?,
    };
    let counts = [scale, zero].map(|value| context.shape(value).iter().product::<usize>());
    let count = counts[0].max(counts[1]);
    let shape: &[usize] = if count == 1 { &[] } else { &[count] };
    let mut both = [scale, zero];
    for (value, own) in both.iter_mut().zip(counts) {
        if own != 1 && own != count {
            return Err(NodeError::new(format!("has {} scales, but {} zero points", counts[0], counts[1])));
        }
        *value = context.reshape(*value, if own == 1 { &[] } else { shape })?;
        *value = context.broadcast(*value, shape)?;
    }
    Ok(both)
}
