//! Pooling over windows and over whole images.
//!
//! Both kinds of pooling are separable, so that three spatial axes take two steps.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Pool, PoolKind, ReduceKind};

use super::window::Window;
use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, sizes};

pub(super) const TABLE: Table = &[
    ("MaxPool", |context, node| {
        if node.has_output(1) {
            return Err(NodeError::new(
                "returns the indices of the largest elements, which is not supported; remove that output",
            ));
        }
        if node.int_or("storage_order", 0)? != 0 {
            return Err(NodeError::new(
                "asks for column-major storage, which is not supported; export it with storage_order 0",
            ));
        }
        pool(context, node, PoolKind::Max)
    }),
    ("AveragePool", |context, node| pool(context, node, PoolKind::Average)),
    ("GlobalMaxPool", |context, node| one(global(context, node, PoolKind::Max)?)),
    ("GlobalAveragePool", |context, node| one(global(context, node, PoolKind::Average)?)),
];

fn spatial(context: &Context<'_>, x: ValueId) -> NodeResult<Vec<usize>> {
    let shape = context.shape(x);
    if shape.len() < 3 {
        return Err(NodeError::new(format!(
            "pools data of shape {shape:?}; it needs batch, channels and at least one spatial axis"
        )));
    }
    Ok(shape[2..].to_vec())
}

fn pool(context: &mut Context<'_>, node: &Node<'_>, kind: PoolKind) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let input = spatial(context, x)?;
    let kernel = node
        .ints("kernel_shape")?
        .ok_or_else(|| NodeError::new("has no kernel_shape; the file is damaged"))?;
    if kernel.len() != input.len() {
        return Err(NodeError::new(format!("has kernel_shape {kernel:?} for {} spatial axes", input.len())));
    }
    let window = Window::read(node, &input, &sizes(kernel, "kernel_shape")?)?;
    let output = window.output(&input, node.flag("ceil_mode", false)?)?;
    let count_padding = node.flag("count_include_pad", false)?;
    one(steps(context, x, kind, &window, &output, count_padding)?)
}

/// Pools the last two axes and then, if there are three, the first.
fn steps(
    context: &mut Context<'_>,
    x: ValueId,
    kind: PoolKind,
    window: &Window,
    output: &[usize],
    count_padding: bool,
) -> NodeResult<ValueId> {
    let shape = context.shape(x).to_vec();
    let geometry = |axes: [Option<usize>; 2]| {
        let pick = |values: &[usize], none: usize| axes.map(|axis| axis.map_or(none, |axis| values[axis]));
        let ([top, left], [bottom, right]) = (pick(&window.before, 0), pick(&window.after, 0));
        Pool {
            kind,
            kernel: pick(&window.kernel, 1),
            stride: pick(&window.stride, 1),
            padding: [top, left, bottom, right],
            dilation: pick(&window.dilation, 1),
            output: pick(output, 1),
            count_include_pad: count_padding,
        }
    };
    match *shape.as_slice() {
        [batch, channels, width] => {
            let x = context.reshape(x, &[batch, channels, 1, width])?;
            let y = context.pool(geometry([None, Some(0)]), x)?;
            context.reshape(y, &[batch, channels, output[0]])
        }
        [_, _, _, _] => context.pool(geometry([Some(0), Some(1)]), x),
        [batch, channels, depth, height, width] => {
            let planes = context.reshape(x, &[batch, channels * depth, height, width])?;
            let pooled = context.pool(geometry([Some(1), Some(2)]), planes)?;
            let area = output[1] * output[2];
            let columns = context.reshape(pooled, &[batch, channels, depth, area])?;
            // The columns are `area` wide; none of them is pooled with its neighbour.
            let mut down = geometry([Some(0), None]);
            down.output[1] = area;
            let y = context.pool(down, columns)?;
            context.reshape(y, &[batch, channels, output[0], output[1], output[2]])
        }
        _ => Err(NodeError::new(format!(
            "pools data of shape {shape:?}; up to three spatial axes are supported"
        ))),
    }
}

fn global(context: &mut Context<'_>, node: &Node<'_>, kind: PoolKind) -> NodeResult<ValueId> {
    let x = node.input(0)?;
    let input = spatial(context, x)?;
    if input.len() != 2 {
        let axes: Vec<usize> = (2..input.len() + 2).collect();
        let kind = if kind == PoolKind::Max { ReduceKind::Max } else { ReduceKind::Mean };
        return context.reduce(x, kind, &axes, true);
    }
    let whole = Pool {
        kind,
        kernel: [input[0], input[1]],
        stride: [1, 1],
        padding: [0; 4],
        dilation: [1, 1],
        output: [1, 1],
        count_include_pad: false,
    };
    context.pool(whole, x)
}
