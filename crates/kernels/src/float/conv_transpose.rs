//! Transposed convolution over NCHW.

use super::Activation;
use super::gemm::{MatrixMut, MatrixRef, gemm_block};
use crate::error::{check_length, elements};
use crate::{KernelError, Window};
use rayon::prelude::*;

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

/// `y[N,O,OH,OW] = activation(conv_transpose(x[N,C,H,W], w[C,O/groups,KH,KW]) + bias[O])`, weights laid out
/// as ONNX has them.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; padding that leaves
/// nothing.
pub fn conv_transpose2d(
    shape: &ConvTransposeShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
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
    let group_x = group_inputs * input_plane;
    let group_w = group_inputs * group_outputs * window.taps();
    y.par_chunks_mut(group_outputs * output_plane).enumerate().try_for_each(|(chunk, y)| {
        let group = chunk % groups;
        let x = &x[chunk * group_x..][..group_x];
        let w = &w[group * group_w..][..group_w];
        for (channel, y) in y.chunks_exact_mut(output_plane).enumerate() {
            y.fill(bias.map_or(0.0, |bias| bias[group * group_outputs + channel]));
        }
        scatter_group(shape, output, x, w, y)?;
        activation.apply(y);
        Ok(())
    })
}

/// One group of one image: a product `w^T x` gives every tap's contribution to every output channel, which is
/// then added where the tap falls. Output channels go one at a time, so that the scratch stays at `taps *
/// input plane`.
fn scatter_group(
    shape: &ConvTransposeShape,
    output: [usize; 2],
    x: &[f32],
    w: &[f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    let taps = shape.window.taps();
    let input_plane = shape.input[0] * shape.input[1];
    let output_plane = output[0] * output[1];
    let inputs = x.len() / input_plane.max(1);
    let outputs = y.len() / output_plane;
    let mut columns = vec![0.0; taps * input_plane];
    for (channel, y) in y.chunks_exact_mut(output_plane).enumerate() {
        // w is [inputs, outputs * taps]; its transpose's rows for this channel start at column channel *
        // taps.
        let weights = MatrixRef::strided(&w[channel * taps..], taps, inputs, 1, outputs * taps)?;
        let pixels = MatrixRef::row_major(x, inputs, input_plane)?;
        gemm_block(1.0, weights, pixels, 0.0, MatrixMut::row_major(&mut columns, taps, input_plane)?)?;
        for (tap, columns) in columns.chunks_exact(input_plane).enumerate() {
            scatter_tap(shape, output, tap, columns, y);
        }
    }
    Ok(())
}

/// Adds one tap's plane of contributions, `columns[H, W]`, to the output plane.
fn scatter_tap(shape: &ConvTransposeShape, output: [usize; 2], tap: usize, columns: &[f32], y: &mut [f32]) {
    let window = &shape.window;
    let offset = [tap / window.kernel[1] * window.dilation[0], tap % window.kernel[1] * window.dilation[1]];
    for (row, columns) in columns.chunks_exact(shape.input[1]).enumerate() {
        let Some(row) = (row * window.stride[0] + offset[0]).checked_sub(window.padding[0]) else { continue };
        if row >= output[0] {
            continue;
        }
        let y = &mut y[row * output[1]..][..output[1]];
        for (column, value) in columns.iter().enumerate() {
            let Some(column) = (column * window.stride[1] + offset[1]).checked_sub(window.padding[1]) else {
                continue;
            };
            if let Some(y) = y.get_mut(column) {
                *y += value;
            }
        }
    }
}
