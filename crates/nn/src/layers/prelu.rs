//! PReLU.

use ediacara_graph::ValueId;

use crate::{Initialiser, NnError, Role, Scope, functional};

impl Scope {
    /// [`prelu`](functional::prelu) with a learnt slope for each channel, axis 1, at first 0.25.
    ///
    /// Slopes do not decay, because that would drive them to ReLU's (He et al., 2015).
    ///
    /// # Errors
    /// `x` has fewer than two dimensions, or another type than layers compute in.
    pub fn prelu(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        let &[_, channels, ..] = &self.operand(name, x, "[N, C, ...]")?[..] else {
            return Err(self.misfit(name, x, "[N, C, ...]".to_owned()));
        };
        let slope = format!("{name}.weight");
        let slope = self.parameter(&slope, &[channels], Initialiser::Constant(0.25), Role::Bias)?;
        self.compose(name, |emit| functional::prelu(emit, x, slope))
    }
}
