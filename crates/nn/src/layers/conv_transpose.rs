//! The transposed convolution.

use ediacara_graph::ValueId;
use ediacara_graph::ops::ConvTranspose;

use super::conv::check_groups;
use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// A transposed convolution of `x[N, C, H, W]` to `outputs` channels with a square kernel and a bias.
    ///
    /// Weights `[C, outputs / groups, kernel, kernel]` are initialised by He, biases with 0. Stride, padding,
    /// dilation, output padding and groups are those of `conv`.
    ///
    /// # Errors
    /// `x` does not have four dimensions, or has another type than layers compute in; the groups do not
    /// divide the channels; padding leaves nothing.
    pub fn conv_transpose2d(
        &mut self,
        name: &str,
        x: ValueId,
        outputs: usize,
        kernel: usize,
        conv: ConvTranspose,
    ) -> Result<ValueId, NnError> {
        let [_, channels, _, _] = self.images(name, x)?;
        self.positive(name, &[("outputs", outputs), ("pixels of kernel", kernel)])?;
        check_groups(name, conv.groups, [channels, outputs])?;
        let groups = conv.groups;
        // An output element meets one tap of the kernel in each stride.
        let taps: usize = conv.stride.iter().map(|stride| kernel.div_ceil((*stride).max(1))).product();
        let fan_in = channels / groups * taps;
        let shape = [channels, outputs / groups, kernel, kernel];
        let weight = format!("{name}.weight");
        let weight = self.parameter(&weight, &shape, Initialiser::He { fan_in }, Role::Weight)?;
        let bias = format!("{name}.bias");
        let bias = self.parameter(&bias, &[outputs], Initialiser::Constant(0.0), Role::Bias)?;
        self.named(name, |scope| scope.apply(conv, &[x, weight, bias]))
    }
}
