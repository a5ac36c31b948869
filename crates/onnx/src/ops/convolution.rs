//! Convolution over one to three spatial axes, and its transpose over one or two.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Activation, Conv, ConvTranspose, Pad, PadMode, Slice};

use super::window::Window;
use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, sizes};

pub(super) const TABLE: Table = &[("Conv", conv), ("ConvTranspose", conv_transpose)];

/// Operands and spatial sizes, checked.
///
/// A single spatial axis has been widened to two.
struct Operands {
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
    input: Vec<usize>,
    kernel: Vec<usize>,
    groups: usize,
    /// Whether one spatial axis was widened to two.
    widened: bool,
}

fn operands(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Operands> {
    let (mut x, mut weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let (shape, weight_shape) = (context.shape(x).to_vec(), context.shape(weight).to_vec());
    if shape.len() != weight_shape.len() || shape.len() < 3 {
        return Err(NodeError::new(format!(
            "has data of shape {shape:?} and a weight of shape {weight_shape:?}; both need batch or output, channels \
             and the same number of spatial axes"
        )));
    }
    if shape.len() > 5 {
        return Err(NodeError::new(format!(
            "convolves over {} spatial axes (data of shape {shape:?}); one, two and three are supported",
            shape.len() - 2
        )));
    }
    let kernel = weight_shape[2..].to_vec();
    if let Some(declared) = node.ints("kernel_shape")?
        && sizes(declared, "kernel_shape")? != kernel
    {
        return Err(NodeError::new(format!("has kernel_shape {declared:?}, but its weight has {kernel:?}")));
    }
    let groups = node.int_or("group", 1)?;
    let groups = usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| NodeError::new(format!("has {groups} groups; at least one is needed")))?;
    let widened = shape.len() == 3;
    if widened {
        x = context.reshape(x, &[shape[0], shape[1], 1, shape[2]])?;
        weight = context.reshape(weight, &[weight_shape[0], weight_shape[1], 1, weight_shape[2]])?;
    }
    Ok(Operands { x, weight, bias, input: shape[2..].to_vec(), kernel, groups, widened })
}

/// The last two of one or two numbers, with `fill` for the axis that is not there.
fn pair(values: &[usize], fill: usize) -> [usize; 2] {
    match values {
        [only] => [fill, *only],
        [.., height, width] => [*height, *width],
        [] => [fill, fill],
    }
}

fn conv(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let operands = operands(context, node)?;
    let window = Window::read(node, &operands.input, &operands.kernel)?;
    let output = window.output(&operands.input, false)?;
    if operands.input.len() == 3 {
        return one(conv_3d(context, &operands, &window, output[0])?);
    }
    let y = context.conv(last_two(&window, operands.groups), operands.x, operands.weight, operands.bias)?;
    one(narrowed(context, y, operands.widened)?)
}

/// The convolution over the last two axes of a window, or over its only one.
fn last_two(window: &Window, groups: usize) -> Conv {
    let [top, left] = pair(&window.before, 0);
    let [bottom, right] = pair(&window.after, 0);
    Conv {
        stride: pair(&window.stride, 1),
        padding: [top, left, bottom, right],
        dilation: pair(&window.dilation, 1),
        groups,
        ..Conv::default()
    }
}

/// Three spatial axes: convolutions over the last two.
///
/// The planes that a tap of the first axis meets (`depth` of them, one for each plane of the output) go into the
/// batch. Each tap is a convolution, and they are added up. In a network that comes quantised the partial sums have
/// no scale: there the planes of all taps are the channels of one convolution, which costs copies of them.
fn conv_3d(
    context: &mut Context<'_>,
    operands: &Operands,
    window: &Window,
    depth: usize,
) -> NodeResult<ValueId> {
    let taps = planes(context, operands.x, window, depth)?;
    let &[outputs, inputs, _, height, width] = context.shape(operands.weight) else {
        return Err(NodeError::new("has a weight that does not fit its data"));
    };
    let conv = last_two(window, operands.groups);
    let is_stored = context.graph.constant(operands.weight).is_none();
    let sum = if operands.groups == 1 && is_stored {
        let met = context.concat(&taps, 1)?;
        let weight = context.transpose(operands.weight, &[0, 2, 1, 3, 4])?;
        let weight = context.reshape(weight, &[outputs, taps.len() * inputs, height, width])?;
        context.conv(conv, met, weight, operands.bias)?
    } else {
        let mut sum: Option<ValueId> = None;
        for (tap, &met) in taps.iter().enumerate() {
            let weight = context.slice_axis(operands.weight, 2, tap, tap + 1)?;
            let weight = context.reshape(weight, &[outputs, inputs, height, width])?;
            let bias = if sum.is_none() { operands.bias } else { None };
            let part = context.conv(conv.clone(), met, weight, bias)?;
            sum = Some(match sum {
                Some(sum) => context.binary("add", sum, part)?,
                None => part,
            });
        }
        sum.ok_or_else(|| NodeError::new("has a kernel without taps"))?
    };
    let batch = context.shape(operands.x)[0];
    let result = context.shape(sum).to_vec();
    let apart = context.reshape(sum, &[batch, depth, result[1], result[2], result[3]])?;
    context.transpose(apart, &[0, 2, 1, 3, 4])
}

/// For each tap of the first spatial axis, the planes `[batch * depth, channels, height, width]` that it meets.
fn planes(context: &mut Context<'_>, x: ValueId, window: &Window, depth: usize) -> NodeResult<Vec<ValueId>> {
    let mut pad = Pad { before: vec![0; 5], after: vec![0; 5], mode: PadMode::Constant, value: 0.0 };
    (pad.before[2], pad.after[2]) = (window.before[0], window.after[0]);
    let padded = if window.before[0] + window.after[0] == 0 { x } else { context.emit(pad, &[x])? };
    let planes = context.transpose(padded, &[0, 2, 1, 3, 4])?;
    let shape = context.shape(planes).to_vec();
    let flat = [shape[0] * depth, shape[2], shape[3], shape[4]];
    let mut taps = Vec::with_capacity(window.kernel[0]);
    for tap in 0..window.kernel[0] {
        let mut slice = Slice::all(&shape);
        let start = tap * window.dilation[0];
        slice.starts[1] = start as i64;
        slice.ends[1] = (start + (depth - 1) * window.stride[0] + 1) as i64;
        slice.steps[1] = window.stride[0] as i64;
        let met = context.slice(planes, &slice.starts, &slice.ends, &slice.steps)?;
        taps.push(context.reshape(met, &flat)?);
    }
    Ok(taps)
}

/// Drops the axis that `operands` added.
fn narrowed(context: &mut Context<'_>, y: ValueId, widened: bool) -> NodeResult<ValueId> {
    if !widened {
        return Ok(y);
    }
    let shape = context.shape(y).to_vec();
    context.reshape(y, &[shape[0], shape[1], shape[3]])
}

fn conv_transpose(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let operands = operands(context, node)?;
    let rank = operands.input.len();
    if rank > 2 {
        return Err(NodeError::new(
            "is a transposed convolution over three spatial axes; one and two are supported",
        ));
    }
    // Automatic padding of a transposed convolution follows from the output's size, not from the input's.
    let auto_pad = node.string_or("auto_pad", "NOTSET")?;
    let mut window = if matches!(auto_pad, "SAME_UPPER" | "SAME_LOWER") {
        Window::read_unpadded(node, rank, &operands.kernel)?
    } else {
        Window::read(node, &operands.input, &operands.kernel)?
    };
    let mut extra = match node.ints("output_padding")? {
        Some(values) if values.len() == rank => sizes(values, "output_padding")?,
        Some(values) => {
            return Err(NodeError::new(format!("has output_padding {values:?} for {rank} spatial axes")));
        }
        None => vec![0; rank],
    };
    let wanted = match node.ints("output_shape")? {
        // Some exporters also give batch and channels.
        Some(values) if values.len() >= rank => Some(sizes(&values[values.len() - rank..], "output_shape")?),
        Some(values) => {
            return Err(NodeError::new(format!("has output_shape {values:?} for {rank} spatial axes")));
        }
        None if auto_pad.starts_with("SAME") => {
            Some(operands.input.iter().zip(&window.stride).map(|(&size, &stride)| size * stride).collect())
        }
        None => None,
    };
    if let Some(wanted) = wanted {
        for (axis, &size) in wanted.iter().enumerate() {
            let full = full_size(operands.input[axis], &window, axis) + extra[axis];
            let cut = full.saturating_sub(size);
            let small = cut / 2;
            (window.before[axis], window.after[axis]) =
                if auto_pad == "SAME_UPPER" { (small, cut - small) } else { (cut - small, small) };
            // Zeros behind the data fill what the input does not reach.
            extra[axis] += size.saturating_sub(full);
        }
    }
    let [top, left] = pair(&window.before, 0);
    let [bottom, right] = pair(&window.after, 0);
    let conv = ConvTranspose {
        stride: pair(&window.stride, 1),
        padding: [top, left, bottom, right],
        dilation: pair(&window.dilation, 1),
        output_padding: pair(&extra, 0),
        groups: operands.groups,
        activation: Activation::None,
    };
    let y = context.conv_transpose(conv, operands.x, operands.weight, operands.bias)?;
    one(narrowed(context, y, operands.widened)?)
}

/// The elements on an axis that the input reaches, before padding is cut off.
fn full_size(input: usize, window: &Window, axis: usize) -> usize {
    input.saturating_sub(1).saturating_mul(window.stride[axis]).saturating_add(window.extent(axis))
}
