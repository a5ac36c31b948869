//! The fully connected layer, and what precedes it.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Gemm, Reshape};

use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// `y[N, outputs] = x[N, K] * weight[outputs, K]^T + bias[outputs]`, weights by He, biases 0.
    ///
    /// # Errors
    /// `x` is not a matrix of f32.
    pub fn dense(&mut self, name: &str, x: ValueId, outputs: usize) -> Result<ValueId, NnError> {
        let fan_in = self.shape(x).last().copied().unwrap_or(1);
        let weight = format!("{name}.weight");
        let weight = self.parameter(&weight, &[outputs, fan_in], Initialiser::He { fan_in }, Role::Weight)?;
        let bias = format!("{name}.bias");
        let bias = self.parameter(&bias, &[outputs], Initialiser::Constant(0.0), Role::Bias)?;
        self.named(name, |scope| scope.apply(Gemm::default(), &[x, weight, bias]))
    }

    /// `[N, everything else]`.
    ///
    /// # Errors
    /// `x` has no dimension.
    pub fn flatten(&mut self, x: ValueId) -> Result<ValueId, NnError> {
        let shape = match self.shape(x) {
            [] => vec![],
            [batch, rest @ ..] => vec![*batch, rest.iter().product()],
        };
        self.apply(Reshape { shape }, &[x])
    }
}
