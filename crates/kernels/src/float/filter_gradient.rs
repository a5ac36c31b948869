//! The gradient of a convolution with respect to its filter, over NCHW: a matrix product of output gradients
//! and windows, an image at a time.

use super::Float;
use super::conv::with_planes;
use super::conv_shape::{ConvShape, check_padding};
use super::product::{
    BLOCK_ELEMENTS, Panels, ROWS, Store, Strided, Update, pack_block, pack_rows, packed_elements,
    panel_width, part, term_blocks,
};
use super::raster::Raster;
use super::windows::{TransposedWindows, WindowLayout, Windows};
use crate::KernelError;
use crate::error::{check_length, elements};
use crate::scratch::with_scratch;
use rayon::prelude::*;
use std::ops::Range;

const KERNEL: &str = "conv2d_filter_gradient";

/// Parts of the batch whose sums are computed apart, and then added in order.
///
/// The number is fixed, so that the result does not depend on the number of threads.
const PARTS: usize = 8;
/// Most elements of all partial sums together.
///
/// Beyond it there are fewer parts, and channels are cut instead.
const PARTIAL_ELEMENTS: usize = 1 << 22;
/// Fewest output channels of a task.
const CHUNK_CHANNELS: usize = 16;

/// Computes `dw[O,C/groups,KH,KW]`.
///
/// It is the sum over images and pixels of `dy[N,O,OH,OW]` times the windows of `x[N,C,H,W]`. `shape` is the
/// forward convolution's.
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
    check_padding(KERNEL, shape, output)?;
    dw.fill(T::ZERO);
    if dw.is_empty() || dy.is_empty() || x.is_empty() {
        return Ok(());
    }
    let parts = PARTS.min(shape.batch).min((PARTIAL_ELEMENTS / dw.len()).max(1));
    // The first part is summed in the result itself.
    let mut others = vec![T::ZERO; (parts - 1) * dw.len()];
    let sums = std::iter::once(&mut *dw).chain(others.chunks_exact_mut(dw_elements));
    if let Some(raster) = Raster::new(shape, output) {
        let parts: Vec<_> = sums.zip((0..parts).map(|part| images_of(part, parts, shape.batch))).collect();
        parts.into_par_iter().for_each(|(dw, images)| raster.add_filter_gradient(images, x, dy, dw));
    } else {
        let layout = WindowLayout::new(shape, output);
        with_planes(shape, &layout, x, |x| {
            let gradient = FilterGradient { shape, output, layout: &layout, x, dy };
            gradient.tasks(sums, parts).into_par_iter().for_each(|task| gradient.compute(task));
        });
    }
    for other in others.chunks_exact(dw_elements) {
        dw.iter_mut().zip(other).for_each(|(sum, &value)| *sum += value);
    }
    Ok(())
}

/// The images of a part of the batch.
fn images_of(part: usize, parts: usize, batch: usize) -> Range<usize> {
    part * batch / parts..(part + 1) * batch / parts
}

struct FilterGradient<'a, T> {
    shape: &'a ConvShape,
    output: [usize; 2],
    layout: &'a WindowLayout,
    x: &'a [T],
    dy: &'a [T],
}

/// The sum over a part of the batch for a chunk of one group's output channels.
struct Task<'w, T> {
    part: usize,
    parts: usize,
    group: usize,
    /// The first channel of the chunk, counted through all output channels.
    channel: usize,
    dw: &'w mut [T],
}

impl<T: Float> FilterGradient<'_, T> {
    /// Cuts the work by shape alone.
    ///
    /// It cuts output channels where parts and groups are fewer than the tasks to aim for.
    fn tasks<'w>(&self, sums: impl Iterator<Item = &'w mut [T]>, parts: usize) -> Vec<Task<'w, T>> {
        let (depth, channels) = (self.shape.depth(), self.shape.group_outputs());
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

    fn compute(&self, task: Task<T>) {
        let (shape, depth) = (self.shape, self.shape.depth());
        let (plane, width) = (self.output[0] * self.output[1], panel_width::<T>());
        let rows = task.dw.len() / depth;
        let images = images_of(task.part, task.parts, shape.batch);
        let mut sums: Vec<&mut [T]> = task.dw.chunks_exact_mut(depth).collect();
        for image in images {
            let dy = &self.dy[(image * shape.out_channels + task.channel) * plane..][..rows * plane];
            let dy = Strided { data: dy, line_stride: plane, term_stride: 1 };
            let windows = TransposedWindows(Windows {
                layout: self.layout,
                x: self.x,
                first_plane: image * shape.in_channels + task.group * shape.group_inputs(),
                row_stride: shape.window.stride[0],
            });
            for block in term_blocks(plane) {
                let (terms, store) = (block.len(), Store { scale: T::ONE, keep: T::ONE, finish: None });
                with_scratch(packed_elements(rows, terms, ROWS), |left| {
                    pack_rows(&dy, 0..rows, block.clone(), left);
                    let step = part(depth, BLOCK_ELEMENTS / terms, width);
                    for first in (0..depth).step_by(step) {
                        let lines = first..depth.min(first + step);
                        with_scratch(packed_elements(lines.len(), terms, width), |right| {
                            pack_block(&windows, lines.clone(), block.clone(), right);
                            let mut y: Vec<&mut [T]> =
                                sums.iter_mut().map(|sum| &mut sum[lines.clone()]).collect();
                            let left = Panels::of(left, ROWS, terms, 0, 0);
                            let right = Panels::of(right, width, terms, 0, 0);
                            Update { left, right, terms, y: &mut y, store }.run();
                        });
                    }
                });
            }
        }
    }
}
