//! The shape of N-DOT with N-REQUANTISE, and its constants.

use super::dot::Records;
use super::requantise::Multiplier;
use crate::error::check_length;
use crate::{KernelError, Window};

/// The shape of [`q_conv`](super::q_conv).
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
    /// A fully connected layer of `[M, O, K]`: a convolution of M pixels.
    pub(super) fn of_product([m, o, k]: [usize; 3]) -> QConvShape {
        QConvShape {
            batch: 1,
            input: [m, 1],
            in_channels: k,
            out_channels: o,
            groups: 1,
            window: Window::POINT,
        }
    }

    /// Output `[height, width]`.
    ///
    /// # Errors
    /// As [`Window::output`].
    pub fn output(&self) -> Result<[usize; 2], KernelError> {
        self.window.output(self.input)
    }
}

/// The constants of a product: weights, their zero point, and a record `{bias, multiplier, shift}` for each
/// output channel.
#[derive(Debug, Clone, Copy)]
pub struct QWeights<'a> {
    /// Weights, output channel outermost: `[O, KH, KW, C / groups]` or `[O, K]`.
    pub values: &'a [i8],
    /// Zero point of the weights.
    pub zero: i8,
    /// Bias of each output channel.
    pub bias: &'a [i32],
    /// Multiplier of each output channel, not negative.
    pub multiplier: &'a [i32],
    /// Shift of each output channel, `1..=62`.
    pub shift: &'a [u8],
}

/// The constants of a product that gives real numbers: weights, their zero point, and a record `{bias, scale}` for each
/// output channel.
#[derive(Debug, Clone, Copy)]
pub struct RealWeights<'a> {
    /// Weights, output channel outermost: `[O, K]`.
    pub values: &'a [i8],
    /// Zero point of the weights.
    pub zero: i8,
    /// Bias of each output channel, added to its sum, wrapping.
    pub bias: &'a [i32],
    /// What the sum of each output channel is multiplied by.
    pub scale: &'a [f32],
}

impl QWeights<'_> {
    /// Compares every length with the shape, and every record with its range.
    pub(super) fn check(
        &self,
        kernel: &'static str,
        weights: usize,
        channels: usize,
    ) -> Result<(), KernelError> {
        check_length(kernel, "w", self.values.len(), weights)?;
        check_length(kernel, "bias", self.bias.len(), channels)?;
        check_length(kernel, "multiplier", self.multiplier.len(), channels)?;
        check_length(kernel, "shift", self.shift.len(), channels)?;
        self.multiplier
            .iter()
            .zip(self.shift)
            .try_for_each(|(&value, &shift)| Multiplier { value, shift }.check(kernel))
    }

    /// The records with `bias(channel)` in place of the bias.
    pub(super) fn records(&self, bias: impl Fn(usize) -> i32) -> Records {
        Records {
            bias: (0..self.bias.len()).map(bias).collect(),
            multiplier: self.multiplier.to_vec(),
            shift: self.shift.iter().map(|&shift| i64::from(shift)).collect(),
        }
    }
}
