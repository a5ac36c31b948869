//! Convolution over NCHW: as a matrix product of weights and windows, a block of pixels at a time, or
//! directly where every channel is its own group.

use super::depthwise::depthwise;
use super::gemm::{MatrixMut, MatrixRef, gemm_block};
use super::{Activation, Float};
use crate::error::{check_length, elements};
use crate::{KernelError, Window};
use rayon::prelude::*;
use std::ops::Range;

const KERNEL: &str = "conv2d";

/// Elements of the column buffer: 1 MiB, half of a second-level cache.
const BLOCK_ELEMENTS: usize = 256 * 1024;
/// Pixels of a block are a multiple of this where there are enough: the width of the product's widest kernel.
const PIXEL_STEP: usize = 48;
/// Most pixels of a block, so that there are enough tasks where windows are small.
const BLOCK_PIXELS: usize = 16 * PIXEL_STEP;
/// Tasks to aim for where there are few blocks of pixels, by cutting output channels too.
const TASKS: usize = 8;
/// Fewest output channels of a chunk.
const CHUNK_CHANNELS: usize = 64;

/// The shape of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Input `[height, width]`.
    pub input: [usize; 2],
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Groups; equal to the channels of the input for a depthwise convolution.
    pub groups: usize,
    /// The window.
    pub window: Window,
}

impl ConvShape {
    /// Output `[height, width]`.
    ///
    /// # Errors
    /// As [`Window::output`].
    pub fn output(&self) -> Result<[usize; 2], KernelError> {
        self.window.output(self.input)
    }

    pub(super) fn group_inputs(&self) -> usize {
        self.in_channels / self.groups
    }

    pub(super) fn group_outputs(&self) -> usize {
        self.out_channels / self.groups
    }
}

/// `y[N,O,OH,OW] = activation(x[N,C,H,W] * w[O,C/groups,KH,KW] + bias[O])`.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; a window larger than the
/// padded input.
pub fn conv2d<T: Float>(
    shape: &ConvShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    y: &mut [T],
) -> Result<(), KernelError> {
    let output = shape.output()?;
    let groups = shape.groups;
    if groups == 0 || !shape.in_channels.is_multiple_of(groups) || !shape.out_channels.is_multiple_of(groups)
    {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let problem = format!("{groups} groups must divide {inputs} input and {outputs} output channels");
        return Err(KernelError::shape(KERNEL, problem));
    }
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &output)?;
    let [kernel_height, kernel_width] = shape.window.kernel;
    let x_elements = elements(KERNEL, &[shape.batch, shape.in_channels, input_plane])?;
    let w_elements =
        elements(KERNEL, &[shape.out_channels, shape.group_inputs(), kernel_height, kernel_width])?;
    check_length(KERNEL, "x", x.len(), x_elements)?;
    check_length(KERNEL, "w", w.len(), w_elements)?;
    check_length(KERNEL, "y", y.len(), elements(KERNEL, &[shape.batch, shape.out_channels, output_plane])?)?;
    if let Some(bias) = bias {
        check_length(KERNEL, "bias", bias.len(), shape.out_channels)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    if shape.group_inputs() == 1 && groups > 1 {
        depthwise(shape, output, x, w, bias, activation, y);
        return Ok(());
    }
    Product { shape, output, x, w, bias, activation }.run(y)
}

/// The convolution as `y[channel, pixel] = w[channel, depth] * windows[depth, pixel]`, an image and a group
/// at a time.
struct Product<'a, T> {
    shape: &'a ConvShape,
    output: [usize; 2],
    x: &'a [T],
    w: &'a [T],
    bias: Option<&'a [T]>,
    activation: Activation,
}

/// A chunk of one group's output channels by a block of one image's pixels.
struct Task<'y, T> {
    image: usize,
    group: usize,
    /// Within the group.
    channels: Range<usize>,
    pixels: Range<usize>,
    /// One piece of output a channel.
    y: Vec<&'y mut [T]>,
}

/// Buffers that a thread keeps from task to task.
#[derive(Default)]
struct Scratch<T> {
    windows: Vec<T>,
    product: Vec<T>,
}

impl<T: Float> Product<'_, T> {
    fn depth(&self) -> usize {
        self.shape.group_inputs() * self.shape.window.taps()
    }

    fn run(&self, y: &mut [T]) -> Result<(), KernelError> {
        self.tasks(y)
            .into_par_iter()
            .try_for_each_init(Scratch::default, |scratch, task| self.compute(task, scratch))
    }

    /// Cuts the work by shape alone. Each task owns the pieces of the output planes that it writes.
    fn tasks<'y>(&self, y: &'y mut [T]) -> Vec<Task<'y, T>> {
        let plane = self.output[0] * self.output[1];
        let channels = self.shape.group_outputs();
        let fitting = (BLOCK_ELEMENTS / self.depth().max(1)).clamp(PIXEL_STEP, BLOCK_PIXELS);
        let block = plane.div_ceil(plane.div_ceil(fitting)).next_multiple_of(PIXEL_STEP);
        let blocks = plane.div_ceil(block) * self.shape.groups * self.shape.batch;
        let chunks = TASKS.div_ceil(blocks).min(channels / CHUNK_CHANNELS).max(1);
        let chunk = channels.div_ceil(chunks);
        let mut tasks = Vec::new();
        for (outer, y) in y.chunks_exact_mut(channels * plane).enumerate() {
            let (image, group) = (outer / self.shape.groups, outer % self.shape.groups);
            for (index, y) in y.chunks_mut(chunk * plane).enumerate() {
                let first_task = tasks.len();
                let channels = index * chunk..index * chunk + y.len() / plane;
                tasks.extend((0..plane).step_by(block).map(|first| Task {
                    image,
                    group,
                    channels: channels.clone(),
                    pixels: first..plane.min(first + block),
                    y: Vec::with_capacity(channels.len()),
                }));
                for y in y.chunks_exact_mut(plane) {
                    tasks[first_task..]
                        .iter_mut()
                        .zip(y.chunks_mut(block))
                        .for_each(|(task, y)| task.y.push(y));
                }
            }
        }
        tasks
    }

    fn compute(&self, task: Task<T>, scratch: &mut Scratch<T>) -> Result<(), KernelError> {
        let shape = self.shape;
        let depth = self.depth();
        let (rows, columns) = (task.channels.len(), task.pixels.len());
        let input_plane = shape.input[0] * shape.input[1];
        let group_elements = shape.group_inputs() * input_plane;
        let x = &self.x[(task.image * shape.groups + task.group) * group_elements..][..group_elements];
        let windows = if shape.window.is_point() {
            MatrixRef::strided(&x[task.pixels.start..], depth, columns, input_plane, 1)?
        } else {
            scratch.windows.resize(depth * columns, T::ZERO);
            shape.gather(self.output, x, task.pixels.clone(), &mut scratch.windows);
            MatrixRef::row_major(&scratch.windows, depth, columns)?
        };
        let first = task.group * shape.group_outputs() + task.channels.start;
        let weights = MatrixRef::row_major(&self.w[first * depth..][..rows * depth], rows, depth)?;
        scratch.product.resize(rows * columns, T::ZERO);
        let product = MatrixMut::row_major(&mut scratch.product, rows, columns)?;
        gemm_block(T::ONE, weights, windows, T::ZERO, product)?;
        for (channel, (y, product)) in
            task.y.into_iter().zip(scratch.product.chunks_exact(columns)).enumerate()
        {
            let bias = self.bias.map_or(T::ZERO, |bias| bias[first + channel]);
            self.activation.store(product, bias, y);
        }
        Ok(())
    }
}

impl ConvShape {
    /// im2col of one group of one image: `to[channel, tap, pixel]`, zeros where a tap falls into the padding.
    pub(super) fn gather<T: Float>(&self, output: [usize; 2], x: &[T], pixels: Range<usize>, to: &mut [T]) {
        let [kernel_height, kernel_width] = self.window.kernel;
        let input_plane = self.input[0] * self.input[1];
        for (row, to) in to.chunks_exact_mut(pixels.len()).enumerate() {
            let tap = row % (kernel_height * kernel_width);
            let channel = row / (kernel_height * kernel_width);
            let x = &x[channel * input_plane..][..input_plane];
            self.gather_tap(output[1], x, [tap / kernel_width, tap % kernel_width], pixels.clone(), to);
        }
    }

    /// One tap of one channel for every pixel of a block, an output row (or a part of one) at a time.
    fn gather_tap<T: Float>(
        &self,
        output_width: usize,
        x: &[T],
        [tap_row, tap_column]: [usize; 2],
        pixels: Range<usize>,
        mut to: &mut [T],
    ) {
        let window = &self.window;
        let [height, width] = self.input;
        let (inside, first_input) = window.columns_of_tap(tap_column, width, output_width);
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let (row, column) = (pixel / output_width, pixel % output_width);
            let count = (output_width - column).min(pixels.end - pixel);
            let (line, rest) = to.split_at_mut(count);
            let source = (row * window.stride[0] + tap_row * window.dilation[0])
                .checked_sub(window.padding[0])
                .filter(|&row| row < height);
            match source {
                None => line.fill(T::ZERO),
                Some(row) => {
                    // The columns column..column + count of this output row, of which
                    // inside.start..inside.end exist.
                    let start = inside.start.clamp(column, column + count);
                    let end = inside.end.clamp(start, column + count);
                    line[..start - column].fill(T::ZERO);
                    line[end - column..].fill(T::ZERO);
                    if start < end {
                        let from = row * width + first_input + (start - inside.start) * window.stride[1];
                        copy_strided(&x[from..], window.stride[1], &mut line[start - column..end - column]);
                    }
                }
            }
            to = rest;
            pixel += count;
        }
    }
}

fn copy_strided<T: Copy>(from: &[T], stride: usize, to: &mut [T]) {
    if stride == 1 {
        to.copy_from_slice(&from[..to.len()]);
    } else {
        to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from);
    }
}
