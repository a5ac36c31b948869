//! Pools.

use ediacara_graph::ops::{FRow, FWindow, Pool, PoolKind, WindowOperation};
use ediacara_graph::{Node, Tensor};
use ediacara_kernels::ordered::RowOperation;

use super::forms::{Form, Forms, Lowered};
use crate::Result;

/// What a pool becomes; nothing for other nodes. An average is a sum times a constant: one number, or one for each pixel where
/// windows count different numbers of elements.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let Some(pool) = node.op_as::<Pool>() else { return Ok(None) };
    let Some(x) = forms.image(node.inputs[0])? else {
        return Ok(Some(Err("its operand is no real image".to_owned())));
    };
    let operation = match pool.kind {
        PoolKind::Average => WindowOperation::Sum,
        PoolKind::Max => WindowOperation::Maximum,
    };
    let op = FWindow {
        operation,
        kernel: pool.kernel,
        stride: pool.stride,
        padding: pool.padding,
        dilation: pool.dilation,
        output: pool.output,
        result: forms.writing(),
    };
    let name = &node.name;
    let window = forms.r.add(format!("{name}.window"), op, &[x])?;
    if pool.kind == PoolKind::Max {
        return Ok(Some(Ok(Form::Last(window))));
    }
    let shape = forms.shape(node.inputs[0]);
    let factors = factors(pool, [shape[2], shape[3]]);
    let multiply = FRow { result: forms.writing(), ..FRow::new(RowOperation::Multiply) };
    let first = factors[0];
    let mean = match factors.iter().all(|&factor| factor == first) {
        true => forms.r.add(format!("{name}.mean"), FRow { constant: first, ..multiply }, &[window])?,
        false => {
            let tensor = Tensor::from_vec(&[1, pool.output[0], pool.output[1], 1], factors)?;
            let factors = forms.constant(format!("{name}.factors"), tensor);
            forms.r.add(format!("{name}.mean"), multiply, &[window, factors])?
        }
    };
    Ok(Some(Ok(Form::Last(mean))))
}

/// By output pixel, one over the number of elements that an average counts there; 0 where it counts none.
fn factors(pool: &Pool, input: [usize; 2]) -> Vec<f32> {
    let counted = |axis: usize| -> Vec<usize> {
        let (before, size) = (pool.padding[axis], input[axis]);
        let range = match pool.count_include_pad {
            true => 0..before + size + pool.padding[axis + 2],
            false => before..before + size,
        };
        let taps = |output: usize| {
            let position = |tap: usize| output * pool.stride[axis] + tap * pool.dilation[axis];
            (0..pool.kernel[axis]).filter(|&tap| range.contains(&position(tap))).count()
        };
        (0..pool.output[axis]).map(taps).collect()
    };
    let (down, across) = (counted(0), counted(1));
    let factor = |count: usize| if count == 0 { 0.0 } else { 1.0 / count as f32 };
    down.iter().flat_map(|rows| across.iter().map(move |columns| factor(rows * columns))).collect()
}
