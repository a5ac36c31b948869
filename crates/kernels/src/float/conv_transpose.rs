//! Transposed convolution over NCHW.

use super::conv::{run, with_packed};
use super::conv_shape::{ConvShape, Epilogue};
use super::gemm::{MatrixMut, MatrixRef, gemm};
use super::product::Operand;
use super::{Activation, Float};
use crate::error::{check_length, elements};
use crate::{KernelError, Window};
use rayon::prelude::*;
use std::ops::Range;

const KERNEL: &str = "conv_transpose2d";

/// The shape of a transposed convolution: the convolution whose gradient it is, read backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTransposeShape {
    /// Images.
    pub batch: usize,
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Input `[height, width]`.
    pub input: [usize; 2],
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Groups.
    pub groups: usize,
    /// Kernel, stride, dilation, and the padding that is cut off the output.
    pub window: Window,
    /// Rows and columns added to the bottom and the right of the output `[height, width]`.
    pub output_padding: [usize; 2],
}

impl ConvTransposeShape {
    /// Output `[height, width]`: `stride * (input - 1) + output_padding + extent - padding` along each axis.
    ///
    /// # Errors
    /// A zero size, or padding that leaves nothing.
    pub fn output(&self) -> Result<[usize; 2], KernelError> {
        self.window.check(KERNEL)?;
        let extent = self.window.extent();
        let mut output = [0; 2];
        for axis in 0..2 {
            if self.input[axis] == 0 || self.input[axis] > 1 << 30 {
                let problem =
                    format!("the input {:?} must be between 1 and 2^30 along each axis", self.input);
                return Err(KernelError::shape(KERNEL, problem));
            }
            let full =
                self.window.stride[axis] * (self.input[axis] - 1) + self.output_padding[axis] + extent[axis];
            let cut = self.window.padding[axis] + self.window.padding[axis + 2];
            if full <= cut {
                let problem =
                    format!("padding {cut} along axis {axis} leaves nothing of an output of {full}");
                return Err(KernelError::shape(KERNEL, problem));
            }
            output[axis] = full - cut;
        }
        Ok(output)
    }
}

/// `y[N,O,OH,OW] = activation(conv_transpose(x[N,C,H,W], w[C,O/groups,KH,KW]) + bias[O])`.
///
/// The weights are laid out as in ONNX.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; padding that leaves
/// nothing.
pub fn conv_transpose2d<T: Float>(
    shape: &ConvTransposeShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    y: &mut [T],
) -> Result<(), KernelError> {
    let output = shape.output()?;
    let (groups, window) = (shape.groups, &shape.window);
    if groups == 0 || !shape.in_channels.is_multiple_of(groups) || !shape.out_channels.is_multiple_of(groups)
    {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let problem = format!("{groups} groups must divide {inputs} input and {outputs} output channels");
        return Err(KernelError::shape(KERNEL, problem));
    }
    let (group_inputs, group_outputs) = (shape.in_channels / groups, shape.out_channels / groups);
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &output)?;
    let x_elements = elements(KERNEL, &[shape.batch, shape.in_channels, input_plane])?;
    let w_elements = elements(KERNEL, &[shape.in_channels, group_outputs, window.taps()])?;
    let y_elements = elements(KERNEL, &[shape.batch, shape.out_channels, output_plane])?;
    check_length(KERNEL, "x", x.len(), x_elements)?;
    check_length(KERNEL, "w", w.len(), w_elements)?;
    check_length(KERNEL, "y", y.len(), y_elements)?;
    if let Some(bias) = bias {
        check_length(KERNEL, "bias", bias.len(), shape.out_channels)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    if let Some(forward) = shape.as_convolution(output) {
        let filter = |group: usize| FlippedFilter {
            w: &w[group * group_inputs * group_outputs * window.taps()..],
            outputs: group_outputs,
            taps: window.taps(),
        };
        let epilogue = Epilogue { bias, addend: None, activation };
        with_packed(&forward, filter, |w| run(&forward, output, x, w, epilogue, y));
        return Ok(());
    }
    let group_x = group_inputs * input_plane;
    let group_w = group_inputs * group_outputs * window.taps();
    let chunks = y.par_chunks_mut(group_outputs * output_plane).enumerate();
    chunks.try_for_each_init(Vec::new, |columns, (chunk, y)| {
        let group = chunk % groups;
        let x = &x[chunk * group_x..][..group_x];
        let w = &w[group * group_w..][..group_w];
        for (channel, y) in y.chunks_exact_mut(output_plane).enumerate() {
            y.fill(bias.map_or(T::ZERO, |bias| bias[group * group_outputs + channel]));
        }
        scatter_group(shape, output, x, w, y, columns)?;
        activation.apply(y);
        Ok(())
    })
}

impl ConvTransposeShape {
    /// The same as a convolution of a padded input with the flipped filter, where that is not much more work.
    ///
    /// That needs no steps, several input channels a group, and an output that is not much larger than the
    /// input.
    fn as_convolution(&self, output: [usize; 2]) -> Option<ConvShape> {
        let window = &self.window;
        let grown = output[0] * output[1] > 2 * self.input[0] * self.input[1];
        if window.stride != [1, 1]
            || self.output_padding != [0, 0]
            || self.in_channels == self.groups
            || grown
        {
            return None;
        }
        let mut padding = [0; 4];
        for (side, padding) in padding.iter_mut().enumerate() {
            *padding = (window.extent()[side % 2] - 1).checked_sub(window.padding[side])?;
        }
        Some(ConvShape {
            batch: self.batch,
            in_channels: self.in_channels,
            input: self.input,
            out_channels: self.out_channels,
            groups: self.groups,
            window: Window { padding, ..*window },
        })
    }
}

/// The filters `w[C, O, KH, KW]` of one group, with channels exchanged and taps reversed: a line for each
/// output channel.
struct FlippedFilter<'a, T> {
    w: &'a [T],
    outputs: usize,
    taps: usize,
}

impl<T: Float> Operand<T> for FlippedFilter<'_, T> {
    #[inline(always)]
    fn pack<const W: usize>(&self, lines: Range<usize>, terms: Range<usize>, to: &mut [[T; W]]) {
        for (term, to) in terms.zip(to) {
            let (channel, tap) = (term / self.taps, self.taps - 1 - term % self.taps);
            for (line, to) in lines.clone().zip(to) {
                *to = self.w[(channel * self.outputs + line) * self.taps + tap];
            }
        }
    }
}

/// Elements of the scratch that holds every tap's contributions to a few output channels: 1 MiB in f32.
const SCRATCH_ELEMENTS: usize = 256 * 1024;

/// Scatters one group of one image.
///
/// A product `w^T x` gives every tap's contribution to every output channel, which is then added where the
/// tap falls. It takes as many output channels at a time as the scratch holds.
fn scatter_group<T: Float>(
    shape: &ConvTransposeShape,
    output: [usize; 2],
    x: &[T],
    w: &[T],
    y: &mut [T],
    columns: &mut Vec<T>,
) -> Result<(), KernelError> {
    let taps = shape.window.taps();
    let input_plane = shape.input[0] * shape.input[1];
    let output_plane = output[0] * output[1];
    let inputs = x.len() / input_plane;
    let outputs = y.len() / output_plane;
    let step = (SCRATCH_ELEMENTS / (taps * input_plane)).clamp(1, outputs);
    columns.resize(step * taps * input_plane, T::ZERO);
    let pixels = MatrixRef::row_major(x, inputs, input_plane)?;
    for (chunk, y) in y.chunks_mut(step * output_plane).enumerate() {
        let rows = y.len() / output_plane * taps;
        let columns = &mut columns[..rows * input_plane];
        // w is [inputs, outputs * taps], so that the rows of its transpose for these channels are
        // consecutive.
        let weights = MatrixRef::strided(&w[chunk * step * taps..], rows, inputs, 1, outputs * taps)?;
        gemm(T::ONE, weights, pixels, T::ZERO, MatrixMut::row_major(columns, rows, input_plane)?)?;
        let channels = y.chunks_exact_mut(output_plane).zip(columns.chunks_exact(taps * input_plane));
        for (y, columns) in channels {
            for (tap, columns) in columns.chunks_exact(input_plane).enumerate() {
                scatter_tap(shape, output, tap, columns, y);
            }
        }
    }
    Ok(())
}

/// Adds one tap's plane of contributions, `columns[H, W]`, to the output plane.
fn scatter_tap<T: Float>(
    shape: &ConvTransposeShape,
    output: [usize; 2],
    tap: usize,
    columns: &[T],
    y: &mut [T],
) {
    let window = &shape.window;
    let (tap_row, tap_column) = (tap / window.kernel[1], tap % window.kernel[1]);
    // As in a convolution's window, column c adds to output column c * stride + offset - padding.
    let (inside, first) = window.columns_of_tap(tap_column, output[1], shape.input[1]);
    for (row, columns) in columns.chunks_exact(shape.input[1]).enumerate() {
        let target = (row * window.stride[0] + tap_row * window.dilation[0]).checked_sub(window.padding[0]);
        let Some(row) = target.filter(|&row| row < output[0]) else { continue };
        let Some(y) = y[row * output[1]..][..output[1]].get_mut(first..) else { continue };
        let columns = &columns[inside.clone()];
        if window.stride[1] == 1 {
            y.iter_mut().zip(columns).for_each(|(y, &value)| *y += value);
        } else {
            y.iter_mut().step_by(window.stride[1]).zip(columns).for_each(|(y, &value)| *y += value);
        }
    }
}
