//! Max and average pooling over NCHW planes.

use super::Float;
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
pub fn pool2d<T: Float>(shape: &PoolShape, kind: PoolKind, x: &[T], y: &mut [T]) -> Result<(), KernelError> {
    shape.window.check(KERNEL)?;
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &shape.output)?;
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[shape.planes, input_plane])?)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[shape.planes, output_plane])?)?;
    if y.is_empty() {
        return Ok(());
    }
    let planes = y.par_chunks_mut(output_plane).enumerate();
    match kind {
        PoolKind::Max => {
            planes.for_each(|(plane, y)| max_plane(shape, &x[plane * input_plane..][..input_plane], y));
        }
        PoolKind::Average { count_include_pad } => {
            let counts = average_counts(shape, count_include_pad);
            planes.for_each(|(plane, y)| {
                average_plane(shape, &counts, &x[plane * input_plane..][..input_plane], y);
            });
        }
    }
    Ok(())
}

fn max_plane<T: Float>(shape: &PoolShape, x: &[T], y: &mut [T]) {
    let window = &shape.window;
    let width = shape.input[1];
    for (row, y) in y.chunks_exact_mut(shape.output[1]).enumerate() {
        y.fill(T::NEG_INFINITY);
        let (taps, start) = window.inside(0, row, shape.input[0]);
        for tap in taps {
            let index = (start + (tap * window.dilation[0]) as isize) as usize;
            max_row(shape, &x[index * width..][..width], y);
        }
    }
}

/// Folds one input row into the maxima of an output row, tap by tap, so that the inner loop is free of
/// branches.
fn max_row<T: Float>(shape: &PoolShape, x: &[T], y: &mut [T]) {
    let window = &shape.window;
    for tap in 0..window.kernel[1] {
        let (columns, first) = window.columns_of_tap(tap, shape.input[1], y.len());
        let Some(x) = x.get(first..) else { continue };
        for (y, x) in y[columns].iter_mut().zip(x.iter().step_by(window.stride[1])) {
            // NaN propagates: once stored it loses no comparison, and a NaN input is always taken.
            *y = if *x <= *y || is_nan(*y) { *y } else { *x };
        }
    }
}

/// Whether a value differs from itself.
#[allow(clippy::eq_op, reason = "the way to find NaN in either type")]
fn is_nan<T: Float>(value: T) -> bool {
    value != value
}

/// What the sum of each window of an average pool is divided by, `[OH, OW]`; 0 for a window without a counted
/// element. `count_include_pad` as in [`PoolKind::Average`].
pub fn average_counts(shape: &PoolShape, count_include_pad: bool) -> Vec<usize> {
    let along = |axis: usize| -> Vec<usize> {
        let count = |index| {
            if count_include_pad {
                shape.window.inside_padded(axis, index, shape.input[axis]).len()
            } else {
                shape.window.inside(axis, index, shape.input[axis]).0.len()
            }
        };
        (0..shape.output[axis]).map(count).collect()
    };
    let columns = along(1);
    along(0).iter().flat_map(|rows| columns.iter().map(move |columns| rows * columns)).collect()
}

fn average_plane<T: Float>(shape: &PoolShape, counts: &[usize], x: &[T], y: &mut [T]) {
    let window = &shape.window;
    let width = shape.input[1];
    for (row, y) in y.chunks_exact_mut(shape.output[1]).enumerate() {
        y.fill(T::ZERO);
        let (taps, start) = window.inside(0, row, shape.input[0]);
        for tap in taps {
            let index = (start + (tap * window.dilation[0]) as isize) as usize;
            let x = &x[index * width..][..width];
            for tap in 0..window.kernel[1] {
                let (columns, first) = window.columns_of_tap(tap, width, y.len());
                let Some(x) = x.get(first..) else { continue };
                for (y, &x) in y[columns].iter_mut().zip(x.iter().step_by(window.stride[1])) {
                    *y += x;
                }
            }
        }
    }
    for (y, &count) in y.iter_mut().zip(counts) {
        *y = if count == 0 { T::ZERO } else { *y / T::from_usize(count) };
    }
}

/// Where each window of a max pool finds its largest element, as an index into the plane `[H * W]`: the first
/// in row-major order of equal ones, the first NaN before any number. A window wholly in the padding has none
/// and names element 0.
///
/// # Errors
/// As [`pool2d`]; an empty plane, or one of 2^31 elements and more.
pub fn max_pool2d_indices<T: Float>(
    shape: &PoolShape,
    x: &[T],
    indices: &mut [i32],
) -> Result<(), KernelError> {
    const KERNEL: &str = "max_pool2d_indices";
    shape.window.check(KERNEL)?;
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &shape.output)?;
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[shape.planes, input_plane])?)?;
    check_length(KERNEL, "indices", indices.len(), elements(KERNEL, &[shape.planes, output_plane])?)?;
    if input_plane == 0 || i32::try_from(input_plane).is_err() {
        let problem = format!("a plane of {:?} must have 1 to 2^31 - 1 elements", shape.input);
        return Err(KernelError::shape(KERNEL, problem));
    }
    if indices.is_empty() {
        return Ok(());
    }
    indices.par_chunks_mut(output_plane).enumerate().for_each(|(plane, indices)| {
        max_indices_of_plane(shape, &x[plane * input_plane..][..input_plane], indices);
    });
    Ok(())
}

fn max_indices_of_plane<T: Float>(shape: &PoolShape, x: &[T], indices: &mut [i32]) {
    let (window, width) = (&shape.window, shape.input[1]);
    let columns: Vec<_> = (0..shape.output[1]).map(|column| window.inside(1, column, width)).collect();
    for (row, indices) in indices.chunks_exact_mut(shape.output[1]).enumerate() {
        let (rows, top) = window.inside(0, row, shape.input[0]);
        for (index, (columns, left)) in indices.iter_mut().zip(&columns) {
            let mut best: Option<usize> = None;
            for tap_row in rows.clone() {
                let line = (top + (tap_row * window.dilation[0]) as isize) as usize * width;
                for tap_column in columns.clone() {
                    let at = line + (left + (tap_column * window.dilation[1]) as isize) as usize;
                    let loses = |best: usize| x[at] <= x[best] || is_nan(x[best]);
                    if !best.is_some_and(loses) {
                        best = Some(at);
                    }
                }
            }
            *index = best.unwrap_or(0) as i32;
        }
    }
}
