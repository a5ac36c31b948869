//! Convolution over NCHW.

use super::Activation;
use crate::error::{check_length, elements};
use crate::{KernelError, Window};

const KERNEL: &str = "conv2d";

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
    /// Groups; equal to both channel counts for a depthwise convolution.
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
}

/// `y[N,O,OH,OW] = activation(x[N,C,H,W] * w[O,C/groups,KH,KW] + bias[O])`.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; a window larger than the padded
/// input.
pub fn conv2d(
    shape: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) -> Result<(), KernelError> {
    let [oh, ow] = shape.output()?;
    let [h, wd] = shape.input;
    let _ = elements(KERNEL, &[h, wd])?;
    check_length(KERNEL, "x", x.len(), shape.batch * shape.in_channels * h * wd)?;
    check_length(KERNEL, "y", y.len(), shape.batch * shape.out_channels * oh * ow)?;
    let (cg, og) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    let win = shape.window;
    let mut index = 0;
    for n in 0..shape.batch {
        for o in 0..shape.out_channels {
            for r in 0..oh {
                for c in 0..ow {
                    let mut sum = bias.map_or(0.0, |b| b[o]);
                    let (rows, r0) = win.inside(0, r, h);
                    let (cols, c0) = win.inside(1, c, wd);
                    for ch in 0..cg {
                        for kr in rows.clone() {
                            for kc in cols.clone() {
                                let ir = (r0 + (kr * win.dilation[0]) as isize) as usize;
                                let ic = (c0 + (kc * win.dilation[1]) as isize) as usize;
                                let xi = ((n * shape.in_channels + o / og * cg + ch) * h + ir) * wd + ic;
                                let wi = ((o * cg + ch) * win.kernel[0] + kr) * win.kernel[1] + kc;
                                sum += x[xi] * w[wi];
                            }
                        }
                    }
                    y[index] = sum;
                    index += 1;
                }
            }
        }
    }
    activation.apply(y);
    Ok(())
}
