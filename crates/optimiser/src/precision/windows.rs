//! Pools.

use ediacara_graph::ops::{FRow, FWindow, Pool, PoolKind, WindowOperation, Writing};
use ediacara_graph::{DType, Node, Tensor, ValueId};
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
    let (name, average) = (&node.name, pool.kind == PoolKind::Average);
    // A sum of many may be more than f16 holds, and is rounded to no type but f32. A window stores what it reads.
    let is_wide = average && forms.dtype != DType::F32 && pool.kernel[0] * pool.kernel[1] > MOST_SUMMED;
    let x = match is_wide {
        true => forms.r.add(format!("{name}.wide"), FRow::new(RowOperation::Copy), &[x])?,
        false => x,
    };
    let op = FWindow {
        operation: if average { WindowOperation::Sum } else { WindowOperation::Maximum },
        kernel: pool.kernel,
        stride: pool.stride,
        padding: pool.padding,
        dilation: pool.dilation,
        output: pool.output,
        result: if is_wide { Writing::default() } else { forms.writing() },
    };
    let [height, width] = [2, 3].map(|axis| forms.shape(node.inputs[0])[axis]);
    let window = windowed(forms, &format!("{name}.window"), op, x, [height, width])?;
    if !average {
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

/// Elements under one window, at most: those of a beat's channels lie in NRAM together.
const MOST_TAPS: usize = 1024;

/// Elements of a sum in 16 bits, at most.
const MOST_SUMMED: usize = 64;

/// A window over an image `[N,H,W,C]` of this height and width: a large one goes first along rows and then along columns, and one
/// that spans a long side goes over parts of it first.
fn windowed(forms: &mut Forms, name: &str, op: FWindow, x: ValueId, size: [usize; 2]) -> Result<ValueId> {
    if op.kernel[0] * op.kernel[1] <= MOST_TAPS {
        return forms.r.add(name.to_owned(), op, &[x]);
    }
    let along = |axis: usize| {
        let mut one = FWindow { kernel: [1; 2], stride: [1; 2], padding: [0; 4], dilation: [1; 2], ..op };
        (one.kernel[axis], one.stride[axis], one.dilation[axis]) =
            (op.kernel[axis], op.stride[axis], op.dilation[axis]);
        (one.padding[axis], one.padding[axis + 2]) = (op.padding[axis], op.padding[axis + 2]);
        one
    };
    if op.kernel[0] > 1 && op.kernel[1] > 1 {
        let rows = FWindow { output: [size[0], op.output[1]], ..along(1) };
        let rows = windowed(forms, &format!("{name}.rows"), rows, x, size)?;
        return windowed(forms, name, along(0), rows, [size[0], op.output[1]]);
    }
    let axis = usize::from(op.kernel[1] > 1);
    let is_all = op.kernel[axis] == size[axis] && op.output[axis] == 1 && op.padding == [0; 4];
    if !is_all || op.dilation[axis] > 1 {
        return forms.r.add(name.to_owned(), op, &[x]);
    }
    let parts = size[axis].div_ceil(MOST_TAPS);
    let mut part = FWindow { output: size, ..along(axis) };
    (part.kernel[axis], part.stride[axis], part.output[axis]) = (MOST_TAPS, MOST_TAPS, parts);
    part.padding[axis + 2] = parts * MOST_TAPS - size[axis];
    let sums = forms.r.add(format!("{name}.parts"), part, &[x])?;
    let mut rest = op;
    rest.kernel[axis] = parts;
    windowed(forms, name, rest, sums, part.output)
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
