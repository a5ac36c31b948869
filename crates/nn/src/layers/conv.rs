//! The convolution.

use ediacara_graph::ValueId;
use ediacara_graph::ops::Conv;

use crate::{Initialiser, NnError, Role, Scope};

/// The error of groups that do not divide the channels.
pub(super) fn check_groups(
    layer: &str,
    groups: usize,
    [channels, outputs]: [usize; 2],
) -> Result<(), NnError> {
    if groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups) {
        return Ok(());
    }
    let problem = format!("{groups} groups do not divide its {channels} input and {outputs} output channels");
    Err(NnError::Layer { layer: layer.to_owned(), problem })
}

impl Scope {
    /// A convolution of `x[N, C, H, W]` to `outputs` channels with a square kernel and a bias.
    ///
    /// Weights are initialised by He, biases with 0. Stride, padding, dilation and groups are those of
    /// `conv`.
    ///
    /// # Errors
    /// `x` does not have four dimensions, or has another type than layers compute in; the groups do not
    /// divide the channels; the kernel does not fit.
    pub fn conv2d(
        &mut self,
        name: &str,
        x: ValueId,
        outputs: usize,
        kernel: usize,
        conv: Conv,
    ) -> Result<ValueId, NnError> {
        let [_, channels, height, width] = self.images(name, x)?;
        self.positive(name, &[("outputs", outputs), ("pixels of kernel", kernel)])?;
        check_groups(name, conv.groups, [channels, outputs])?;
        let fits = |axis: usize, size: usize| {
            let padded = size.saturating_add(conv.padding[axis]).saturating_add(conv.padding[axis + 2]);
            conv.dilation[axis].saturating_mul(kernel - 1) < padded
        };
        if !fits(0, height) || !fits(1, width) {
            let padding = conv.padding.iter().any(|&pad| pad > 0);
            let problem = format!(
                "its kernel of {kernel} x {kernel} does not fit {height} x {width} pixels{}; make the kernel smaller, or \
                 pool less before it",
                if padding { ", padded" } else { "" }
            );
            return Err(NnError::Layer { layer: name.to_owned(), problem });
        }
        let inputs = channels / conv.groups;
        let fan_in = inputs * kernel * kernel;
        let shape = [outputs, inputs, kernel, kernel];
        let weight = format!("{name}.weight");
        let weight = self.parameter(&weight, &shape, Initialiser::He { fan_in }, Role::Weight)?;
        let bias = format!("{name}.bias");
        let bias = self.parameter(&bias, &[outputs], Initialiser::Constant(0.0), Role::Bias)?;
        self.named(name, |scope| scope.apply(conv, &[x, weight, bias]))
    }
}
