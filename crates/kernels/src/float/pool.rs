//! Max and average pooling over NCHW planes.

use crate::error::{check_length, elements};
use crate::{KernelError, Window};
use rayon::prelude::*;

const KERNEL: &str = "pool2d";

/// What a pooling window computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element; padding never wins. A window wholly in the padding gives negative infinity.
    Max,
    /// The mean of the elements. With `count_include_pad` the divisor counts the padding inside the padded
    /// input as zeros (not what a window reaches beyond it, as ONNX has it); without, only elements of the
    /// input count. A window without a counted element gives 0.
    Average {
        /// Whether padding counts in the divisor.
        count_include_pad: bool,
    },
}

/// The shape of a pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Planes: batch times channels.
    pub planes: usize,
    /// Input `[height, width]`.
    pub input: [usize; 2],
    /// Output `[height, width]`; may exceed what [`Window::output`] gives, where ceil mode says so.
    pub output: [usize; 2],
    /// The window.
    pub window: Window,
}

/// Pools `x[planes, H, W]` to `y[planes, OH, OW]`.
///
/// # Errors
/// Slices whose length is not the shape's; a zero kernel, stride or dilation.
pub fn pool2d(shape: &PoolShape, kind: PoolKind, x: &[f32], y: &mut [f32]) -> Result<(), KernelError> {
    shape.window.check(KERNEL)?;
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &shape.output)?;
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[shape.planes, input_plane])?)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[shape.planes, output_plane])?)?;
    if y.is_empty() {
        return Ok(());
    }
    y.par_chunks_mut(output_plane).enumerate().for_each(|(plane, y)| {
        let x = &x[plane * input_plane..][..input_plane];
        match kind {
            PoolKind::Max => max_plane(shape, x, y),
            PoolKind::Average { count_include_pad } => average_plane(shape, count_include_pad, x, y),
        }
    });
    Ok(())
}

fn max_plane(shape: &PoolShape, x: &[f32], y: &mut [f32]) {
    let window = &shape.window;
    let width = shape.input[1];
    for (row, y) in y.chunks_exact_mut(shape.output[1]).enumerate() {
        y.fill(f32::NEG_INFINITY);
        let (taps, start) = window.inside(0, row, shape.input[0]);
        for tap in taps {
            let index = (start + (tap * window.dilation[0]) as isize) as usize;
            max_row(shape, &x[index * width..][..width], y);
        }
    }
}

/// Folds one input row into the maxima of an output row, tap by tap, so that the inner loop is free of
/// branches.
fn max_row(shape: &PoolShape, x: &[f32], y: &mut [f32]) {
    let window = &shape.window;
    for tap in 0..window.kernel[1] {
        let (columns, first) = window.columns_of_tap(tap, shape.input[1], y.len());
        let Some(x) = x.get(first..) else { continue };
        for (y, x) in y[columns].iter_mut().zip(x.iter().step_by(window.stride[1])) {
            // NaN propagates: once stored it loses no comparison, and a NaN input is always taken.
            *y = if *x <= *y || y.is_nan() { *y } else { *x };
        }
    }
}

fn average_plane(shape: &PoolShape, count_include_pad: bool, x: &[f32], y: &mut [f32]) {
    let window = &shape.window;
    let width = shape.input[1];
    for (row, y) in y.chunks_exact_mut(shape.output[1]).enumerate() {
        y.fill(0.0);
        let (taps, start) = window.inside(0, row, shape.input[0]);
        let rows_inside = taps.len();
        for tap in taps {
            let index = (start + (tap * window.dilation[0]) as isize) as usize;
            let x = &x[index * width..][..width];
            for tap in 0..window.kernel[1] {
                let (columns, first) = window.columns_of_tap(tap, width, y.len());
                let Some(x) = x.get(first..) else { continue };
                for (y, x) in y[columns].iter_mut().zip(x.iter().step_by(window.stride[1])) {
                    *y += x;
                }
            }
        }
        let rows =
            if count_include_pad { window.inside_padded(0, row, shape.input[0]).len() } else { rows_inside };
        for (column, y) in y.iter_mut().enumerate() {
            let columns = if count_include_pad {
                window.inside_padded(1, column, width).len()
            } else {
                window.inside(1, column, width).0.len()
            };
            let count = rows * columns;
            *y = if count == 0 { 0.0 } else { *y / count as f32 };
        }
    }
}
