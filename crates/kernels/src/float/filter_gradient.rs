//! The gradient of a convolution with respect to its filter, over NCHW: a matrix product of output gradients
//! and windows, an image at a time.

use super::Float;
use super::conv::ConvShape;
use super::gemm::{MatrixMut, MatrixRef, gemm_block};
use crate::KernelError;
use crate::error::{check_length, elements};
use rayon::prelude::*;

const KERNEL: &str = "conv2d_filter_gradient";

/// Sums over parts of the batch that are computed apart, and then added in order. Fixed, so that the result
/// does not depend on the number of threads.
const PARTS: usize = 8;
/// Elements of all partial sums together: beyond it there are fewer parts, and channels are cut instead.
const PARTIAL_ELEMENTS: usize = 1 << 22;
/// Fewest output channels of a task.
const CHUNK_CHANNELS: usize = 16;
/// Elements of the column buffer: 1 MiB in f32, half of a second-level cache.
const BLOCK_ELEMENTS: usize = 256 * 1024;
/// Fewest pixels of a block.
const FEWEST_PIXELS: usize = 64;

/// `dw[O,C/groups,KH,KW]`, the sum over images and pixels of `dy[N,O,OH,OW]` times the windows of
/// `x[N,C,H,W]`. `shape` is the forward convolution's.
///
/// # Errors
/// As [`conv2d`](super::conv2d).
pub fn conv2d_filter_gradient<T: Float>(
    shape: &ConvShape,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
) -> Result<(), KernelError> {
    let output = shape.output()?;
    let groups = shape.groups;
    if groups == 0 || !shape.in_channels.is_multiple_of(groups) || !shape.out_channels.is_multiple_of(groups)
    {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let problem = format!("{groups} groups must divide {inputs} input and {outputs} output channels");
        return Err(KernelError::shape(KERNEL, problem));
    }
    let x_elements = elements(KERNEL, &[shape.batch, shape.in_channels, shape.input[0], shape.input[1]])?;
    let dy_elements = elements(KERNEL, &[shape.batch, shape.out_channels, output[0], output[1]])?;
    let [kernel_height, kernel_width] = shape.window.kernel;
    let dw_elements =
        elements(KERNEL, &[shape.out_channels, shape.group_inputs(), kernel_height, kernel_width])?;
    check_length(KERNEL, "x", x.len(), x_elements)?;
    check_length(KERNEL, "dy", dy.len(), dy_elements)?;
    check_length(KERNEL, "dw", dw.len(), dw_elements)?;
    dw.fill(T::ZERO);
    if dw.is_empty() || dy.is_empty() {
        return Ok(());
    }
    let parts = PARTS.min(shape.batch).min((PARTIAL_ELEMENTS / dw.len()).max(1));
    // The first part is summed in the result itself.
    let mut others = vec![T::ZERO; (parts - 1) * dw.len()];
    let gradient = FilterGradient { shape, output, x, dy };
    let tasks = gradient.tasks(std::iter::once(&mut *dw).chain(others.chunks_exact_mut(dw_elements)), parts);
    tasks.into_par_iter().try_for_each_init(Vec::new, |windows, task| gradient.compute(task, windows))?;
    for other in others.chunks_exact(dw_elements) {
        dw.iter_mut().zip(other).for_each(|(sum, &value)| *sum += value);
    }
    Ok(())
}

struct FilterGradient<'a, T> {
    shape: &'a ConvShape,
    output: [usize; 2],
    x: &'a [T],
    dy: &'a [T],
}

/// The sum over a part of the batch for a chunk of one group's output channels.
struct Task<'w, T> {
    part: usize,
    parts: usize,
    group: usize,
    /// The chunk's first channel, of all output channels.
    channel: usize,
    dw: &'w mut [T],
}

impl<T: Float> FilterGradient<'_, T> {
    fn depth(&self) -> usize {
        self.shape.group_inputs() * self.shape.window.taps()
    }

    /// Cuts the work by shape alone. Output channels are cut where parts and groups are fewer than the tasks
    /// to aim for.
    fn tasks<'w>(&self, sums: impl Iterator<Item = &'w mut [T]>, parts: usize) -> Vec<Task<'w, T>> {
        let (depth, channels) = (self.depth(), self.shape.group_outputs());
        let chunks = PARTS.div_ceil(parts * self.shape.groups).min(channels / CHUNK_CHANNELS).max(1);
        let chunk = channels.div_ceil(chunks);
        let mut tasks = Vec::with_capacity(parts * self.shape.groups * chunks);
        for (part, sum) in sums.enumerate() {
            for (group, sum) in sum.chunks_exact_mut(channels * depth).enumerate() {
                for (index, dw) in sum.chunks_mut(chunk * depth).enumerate() {
                    let channel = group * channels + index * chunk;
                    tasks.push(Task { part, parts, group, channel, dw });
                }
            }
        }
        tasks
    }

    fn compute(&self, task: Task<T>, windows: &mut Vec<T>) -> Result<(), KernelError> {
        let (shape, depth) = (self.shape, self.depth());
        let (input_plane, plane) = (shape.input[0] * shape.input[1], self.output[0] * self.output[1]);
        let group_elements = shape.group_inputs() * input_plane;
        let rows = task.dw.len() / depth;
        let block = (BLOCK_ELEMENTS / depth).max(FEWEST_PIXELS).min(plane);
        let images = task.part * shape.batch / task.parts..(task.part + 1) * shape.batch / task.parts;
        for image in images {
            let x = &self.x[(image * shape.groups + task.group) * group_elements..][..group_elements];
            let dy = &self.dy[(image * shape.out_channels + task.channel) * plane..][..rows * plane];
            for first in (0..plane).step_by(block) {
                let pixels = first..plane.min(first + block);
                let count = pixels.len();
                let dy = MatrixRef::strided(&dy[first..], rows, count, plane, 1)?;
                let windows = if shape.window.is_point() {
                    MatrixRef::strided(&x[first..], depth, count, input_plane, 1)?
                } else {
                    windows.resize(depth * count, T::ZERO);
                    shape.gather(self.output, x, pixels, windows);
                    MatrixRef::row_major(windows, depth, count)?
                };
                let sum = MatrixMut::row_major(&mut *task.dw, rows, depth)?;
                gemm_block(T::ONE, dy, windows.transposed(), T::ONE, sum)?;
            }
        }
        Ok(())
    }
}
