//! The fully connected layer, and what precedes it.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Gemm, Reshape};

use crate::{Initialiser, NnError, Role, Scope};

impl Scope {
    /// `y[N, outputs] = x[N, K] * weight[outputs, K]^T + bias[outputs]`; weights are initialised by He,
    /// biases with 0.
    ///
    /// # Errors
    /// `x` is not `[N, K]` of the type that layers compute in; images have to be [flattened](Scope::flatten)
    /// first.
    pub fn dense(&mut self, name: &str, x: ValueId, outputs: usize) -> Result<ValueId, NnError> {
        const EXPECTED: &str = "[N, features]";
        let fan_in = match self.operand(name, x, EXPECTED)?[..] {
            [_, features] if features > 0 => features,
            [_, _, _, ..] => {
                return Err(self.misfit(name, x, format!("{EXPECTED}: add a `flatten` before it")));
            }
            _ => return Err(self.misfit(name, x, format!("{EXPECTED} with at least one feature"))),
        };
        self.positive(name, &[("outputs", outputs)])?;
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
        self.graph().check_value(x)?;
        let shape = match self.shape(x) {
            [] => return Err(self.misfit(&self.layer_name("flatten"), x, "[N, ...]".to_owned())),
            [batch, rest @ ..] => vec![*batch, rest.iter().product()],
        };
        self.apply(Reshape { shape }, &[x])
    }
}
