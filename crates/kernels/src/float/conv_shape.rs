//! The shape of a convolution over NCHW, what follows its sums, and what every convolution refuses.

use super::Activation;
use crate::error::{check_length, elements};
use crate::{KernelError, Window};

/// The kernel that errors about filters name.
pub(super) const KERNEL: &str = "conv2d";

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

    /// Terms of an element of the output.
    pub(super) fn depth(&self) -> usize {
        self.group_inputs() * self.window.taps()
    }
}

/// What is done to the sums of a convolution before they are stored:
/// `activation(sum + bias[O] + addend[N,O,OH,OW])`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a, T> {
    /// A number for each output channel.
    pub bias: Option<&'a [T]>,
    /// A tensor like the result.
    pub addend: Option<&'a [T]>,
    /// Applied last.
    pub activation: Activation,
}

/// Refuses steps over columns of an input that would be nearly all padding, since they are taken from a
/// padded copy.
pub(super) fn check_padding(
    kernel: &'static str,
    shape: &ConvShape,
    output: [usize; 2],
) -> Result<(), KernelError> {
    if shape.window.stride[1] == 1 || shape.window.pads_little(shape.input, output) {
        return Ok(());
    }
    let (input, padding) = (shape.input, shape.window.padding);
    let problem = format!("an input of {input:?} padded by {padding:?} is nearly all padding; shrink it");
    Err(KernelError::shape(kernel, problem))
}

/// Refuses groups that do not divide the channels, and filters that are not the shape's.
pub(super) fn check_filters(shape: &ConvShape, found: usize) -> Result<(), KernelError> {
    let groups = shape.groups;
    if groups == 0 || !shape.in_channels.is_multiple_of(groups) || !shape.out_channels.is_multiple_of(groups)
    {
        let (inputs, outputs) = (shape.in_channels, shape.out_channels);
        let problem = format!("{groups} groups must divide {inputs} input and {outputs} output channels");
        return Err(KernelError::shape(KERNEL, problem));
    }
    let [kernel_height, kernel_width] = shape.window.kernel;
    let sizes = [shape.out_channels, shape.group_inputs(), kernel_height, kernel_width];
    check_length(KERNEL, "w", found, elements(KERNEL, &sizes)?)
}
