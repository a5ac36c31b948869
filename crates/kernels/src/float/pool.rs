//! Max and average pooling over NCHW planes.

use super::Float;
use crate::error::{check_length, elements};
use crate::scratch::with_scratch;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use crate::{KernelError, Window};
use rayon::prelude::*;

const KERNEL: &str = "pool2d";

/// What a pooling window computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element; padding never wins. A window wholly in the padding gives negative infinity.
    Max,
    /// The mean of the elements.
    ///
    /// With `count_include_pad`, the divisor counts the padding inside the padded input as zeros. As in ONNX,
    /// it does not count what a window reaches beyond that. Without it, only elements of the input count. A
    /// window without a counted element gives 0.
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
    /// Output `[height, width]`. It may exceed what [`Window::output`] gives, where ceil mode says so.
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
    let planes = y.par_chunks_mut(output_plane).enumerate().with_min_len(planes_a_task(output_plane));
    let counts = match kind {
        PoolKind::Max => Vec::new(),
        PoolKind::Average { count_include_pad } => average_counts(shape, count_include_pad),
    };
    planes.for_each(|(plane, y)| {
        let x = &x[plane * input_plane..][..input_plane];
        match kind {
            PoolKind::Max => vectorise(MaxPlane { shape, x, y }),
            PoolKind::Average { .. } => vectorise(AveragePlane { shape, counts: &counts, x, y }),
        }
    });
    Ok(())
}

/// Planes for which it is worth waking a thread.
fn planes_a_task(output_plane: usize) -> usize {
    (1 << 12) / output_plane + 1
}

/// Calls `body` with each of `y` and the element of `x` for it, where elements of `x` lie `stride` apart.
///
/// The common strides are constants to the compiler, which then shuffles vectors.
#[inline(always)]
fn with_stride<T: Copy, R>(y: &mut [R], x: &[T], stride: usize, mut body: impl FnMut(&mut R, T)) {
    match stride {
        1 => y.iter_mut().zip(x).for_each(|(y, &x)| body(y, x)),
        2 => {
            let (pairs, rest) = x.as_chunks::<2>();
            let paired = pairs.len().min(y.len());
            y[..paired].iter_mut().zip(pairs).for_each(|(y, pair)| body(y, pair[0]));
            y[paired..].iter_mut().zip(rest).for_each(|(y, &x)| body(y, x));
        }
        _ => y.iter_mut().zip(x.iter().step_by(stride)).for_each(|(y, &x)| body(y, x)),
    }
}

/// The maxima of a plane, tap by tap along rows, so that the inner loop has no branches.
struct MaxPlane<'a, T> {
    shape: &'a PoolShape,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Vectorise for MaxPlane<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let window = &self.shape.window;
        let [height, width] = self.shape.input;
        for (row, y) in self.y.chunks_exact_mut(self.shape.output[1]).enumerate() {
            y.fill(T::NEG_INFINITY);
            let (taps, start) = window.inside(0, row, height);
            for tap in taps {
                let line = (start + (tap * window.dilation[0]) as isize) as usize;
                let x = &self.x[line * width..][..width];
                for tap in 0..window.kernel[1] {
                    let (columns, first) = window.columns_of_tap(tap, width, y.len());
                    let Some(x) = x.get(first..) else { continue };
                    // NaN propagates: once stored it loses no comparison, and a NaN input is always taken.
                    with_stride(&mut y[columns], x, window.stride[1], |y, x| {
                        *y = if x <= *y || is_nan(*y) { *y } else { x };
                    });
                }
            }
        }
    }
}

/// Whether a value differs from itself.
#[inline(always)]
#[allow(clippy::eq_op, reason = "the way to find NaN in either type")]
fn is_nan<T: Float>(value: T) -> bool {
    value != value
}

/// The divisor of the sum of each window of an average pool, `[OH, OW]`; 0 for a window without a counted
/// element.
///
/// `count_include_pad` is as in [`PoolKind::Average`].
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

/// The means of a plane: first sums, tap by tap along rows, then the quotients.
struct AveragePlane<'a, T> {
    shape: &'a PoolShape,
    counts: &'a [usize],
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> Vectorise for AveragePlane<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let window = &self.shape.window;
        let [height, width] = self.shape.input;
        for (row, y) in self.y.chunks_exact_mut(self.shape.output[1]).enumerate() {
            y.fill(T::ZERO);
            let (taps, start) = window.inside(0, row, height);
            for tap in taps {
                let line = (start + (tap * window.dilation[0]) as isize) as usize;
                let x = &self.x[line * width..][..width];
                for tap in 0..window.kernel[1] {
                    let (columns, first) = window.columns_of_tap(tap, width, y.len());
                    let Some(x) = x.get(first..) else { continue };
                    with_stride(&mut y[columns], x, window.stride[1], |y, x| *y += x);
                }
            }
        }
        for (y, &count) in self.y.iter_mut().zip(self.counts) {
            *y = if count == 0 { T::ZERO } else { *y / T::from_usize(count) };
        }
    }
}

/// Where each window of a max pool finds its largest element, as an index into the plane `[H * W]`.
///
/// Of equal elements it is the first in row-major order; the first NaN comes before any number. A window
/// wholly in the padding has no largest element, and names element 0.
///
/// # Errors
/// Those of [`pool2d`]. Also, a plane is empty, or has 2^31 elements or more.
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
    let planes = indices.par_chunks_mut(output_plane).enumerate().with_min_len(planes_a_task(output_plane));
    planes.for_each(|(plane, indices)| {
        with_scratch(2 * shape.output[1], |lines| {
            let (best, values) = lines.split_at_mut(shape.output[1]);
            vectorise(MaxIndices {
                shape,
                x: &x[plane * input_plane..][..input_plane],
                best,
                values,
                indices,
            });
        });
    });
    Ok(())
}

/// The places of the maxima of a plane, as [`MaxPlane`] finds the maxima.
struct MaxIndices<'a, T> {
    shape: &'a PoolShape,
    x: &'a [T],
    /// The maxima of a row so far.
    best: &'a mut [T],
    /// The inputs of a tap for each element of a row.
    values: &'a mut [T],
    indices: &'a mut [i32],
}

impl<T: Float> Vectorise for MaxIndices<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        const NONE: i32 = -1;
        let window = &self.shape.window;
        let [height, width] = self.shape.input;
        let stride = window.stride[1];
        for (row, indices) in self.indices.chunks_exact_mut(self.shape.output[1]).enumerate() {
            indices.fill(NONE);
            self.best.fill(T::NEG_INFINITY);
            let (taps, start) = window.inside(0, row, height);
            for tap in taps {
                let line = (start + (tap * window.dilation[0]) as isize) as usize;
                for tap in 0..window.kernel[1] {
                    let (columns, first) = window.columns_of_tap(tap, width, indices.len());
                    let Some(x) = self.x[line * width..][..width].get(first..) else { continue };
                    let values = &mut self.values[..columns.len()];
                    with_stride(values, x, stride, |value, x| *value = x);
                    let places = self.best[columns.clone()].iter_mut().zip(&mut indices[columns]);
                    for (column, ((best, index), &value)) in places.zip(&*values).enumerate() {
                        let stays = ((value <= *best) | is_nan(*best)) & (*index != NONE);
                        *best = if stays { *best } else { value };
                        let place = (line * width + first) as i32 + column as i32 * stride as i32;
                        *index = if stays { *index } else { place };
                    }
                }
            }
            indices.iter_mut().for_each(|index| *index = (*index).max(0));
        }
    }
}
