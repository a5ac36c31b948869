//! N-DOT with N-REQUANTISE: convolution and the fully connected layer.

use super::requantise::{Multiplier, QOutput, requantise};
use crate::error::{check_length, elements};
use crate::{KernelError, Window};

/// The shape of [`q_conv`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QConvShape {
    /// Images.
    pub batch: usize,
    /// Input `[height, width]`.
    pub input: [usize; 2],
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Groups; equal to both channel counts for a depthwise convolution.
    pub groups: usize,
    /// The window; its padding stands for the input's zero point.
    pub window: Window,
}

impl QConvShape {
    /// Output `[height, width]`.
    ///
    /// # Errors
    /// As [`Window::output`].
    pub fn output(&self) -> Result<[usize; 2], KernelError> {
        self.window.output(self.input)
    }
}

/// The constants of a product: weights, their zero point, and a record `{bias, multiplier, shift}` an output channel.
#[derive(Debug, Clone, Copy)]
pub struct QWeights<'a> {
    /// Weights, output channel outermost: `[O, KH, KW, C / groups]` or `[O, K]`.
    pub values: &'a [i8],
    /// Zero point of the weights.
    pub zero: i8,
    /// Bias an output channel.
    pub bias: &'a [i32],
    /// Multiplier an output channel, not negative.
    pub multiplier: &'a [i32],
    /// Shift an output channel, `1..=62`.
    pub shift: &'a [u8],
}

/// `y[N,OH,OW,O] = requantise(sum (x - x_zero)(w - w_zero))` over `x[N,H,W,C]`, `w[O,KH,KW,C/groups]`.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; a window larger than the padded
/// input; a multiplier, shift or clamp out of range.
pub fn q_conv(
    shape: &QConvShape,
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    let [oh, ow] = shape.output()?;
    let [h, wd] = shape.input;
    let (cg, og) = (shape.in_channels / shape.groups, shape.out_channels / shape.groups);
    let win = shape.window;
    let _ = elements("q_conv", &[h, wd])?;
    check_length("q_conv", "x", x.len(), shape.batch * h * wd * shape.in_channels)?;
    check_length("q_conv", "y", y.len(), shape.batch * oh * ow * shape.out_channels)?;
    for n in 0..shape.batch {
        for r in 0..oh {
            for c in 0..ow {
                for o in 0..shape.out_channels {
                    let mut sum = 0i32;
                    let (rows, r0) = win.inside(0, r, h);
                    let (cols, c0) = win.inside(1, c, wd);
                    for kr in rows.clone() {
                        for kc in cols.clone() {
                            let ir = (r0 + (kr * win.dilation[0]) as isize) as usize;
                            let ic = (c0 + (kc * win.dilation[1]) as isize) as usize;
                            for ch in 0..cg {
                                let xv = x[((n * h + ir) * wd + ic) * shape.in_channels + o / og * cg + ch];
                                let wv =
                                    weights.values[((o * win.kernel[0] + kr) * win.kernel[1] + kc) * cg + ch];
                                sum = sum.wrapping_add(
                                    (i32::from(xv) - i32::from(x_zero))
                                        * (i32::from(wv) - i32::from(weights.zero)),
                                );
                            }
                        }
                    }
                    let m = Multiplier { value: weights.multiplier[o], shift: weights.shift[o] };
                    y[((n * oh + r) * ow + c) * shape.out_channels + o] =
                        requantise(sum, weights.bias[o], m, output);
                }
            }
        }
    }
    Ok(())
}

/// `y[M,O] = requantise(sum over k of (x - x_zero)(w - w_zero))` over `x[M,K]`, `w[O,K]`; `sizes` is `[M, O, K]`.
///
/// # Errors
/// As [`q_conv`].
pub fn q_matmul(
    [m, o, k]: [usize; 3],
    x: &[i8],
    x_zero: i8,
    weights: &QWeights,
    output: QOutput,
    y: &mut [i8],
) -> Result<(), KernelError> {
    let shape = QConvShape {
        batch: m,
        input: [1, 1],
        in_channels: k,
        out_channels: o,
        groups: 1,
        window: Window::POINT,
    };
    q_conv(&shape, x, x_zero, weights, output, y)
}
