//! i8 kernels, NHWC: the arithmetic of docs/numerics.md to the bit.
//!
//! Accumulation wraps in i32, so sums may run in any order and every variant of the inner product gives the same bits.

mod requantise;

use crate::error::{check_length, elements};
use crate::{KernelError, Window};
pub use requantise::{Multiplier, Requantise, dequantize, quantize, quantize_multiplier, requantise};

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
    /// The window; padding stands for the input's zero point.
    pub window: Window,
}

/// The zero points that a product subtracts: `(x - x_zero) * (w - w_zero)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zeros {
    /// Zero point of the activations.
    pub x: i8,
    /// Zero point of the weights.
    pub w: i8,
}
