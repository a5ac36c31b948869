//! The convolution.

use ediacara_graph::ValueId;
use ediacara_graph::ops::Conv;

use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// A convolution of `x[N, C, H, W]` to `outputs` channels with a square kernel and a bias; weights by He, biases
    /// 0. Stride, padding, dilation and groups are those of `conv`.
    ///
    /// # Errors
    /// The groups do not divide the channels; the kernel does not fit.
    pub fn conv2d(
        &mut self,
        name: &str,
        x: ValueId,
        outputs: usize,
        kernel: usize,
        conv: Conv,
    ) -> Result<ValueId, NnError> {
        let channels = self.shape(x).get(1).copied().unwrap_or(1);
        let inputs = channels / conv.groups.max(1);
        let fan_in = inputs * kernel * kernel;
        let shape = [outputs, inputs, kernel, kernel];
        let weight = format!("{name}.weight");
        let weight = self.parameter(&weight, &shape, Initialiser::He { fan_in }, Role::Weight)?;
        let bias = format!("{name}.bias");
        let bias = self.parameter(&bias, &[outputs], Initialiser::Constant(0.0), Role::Bias)?;
        self.named(name, |scope| scope.apply(conv, &[x, weight, bias]))
    }
}
