//! PReLU.

use ediacara_graph::ValueId;

use crate::{Initialiser, NnError, Role, Scope, functional};

impl Scope {
    /// [`prelu`](functional::prelu) with a learnt slope for each channel, axis 1, at first 0.25. Slopes do not decay: that
    /// would drive them to ReLU's (He et al., 2015).
    ///
    /// # Errors
    /// `x` is not of f32.
    pub fn prelu(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        let channels = self.shape(x).get(1).copied().unwrap_or(1);
        let slope = format!("{name}.weight");
        let slope = self.parameter(&slope, &[channels], Initialiser::Constant(0.25), Role::Bias)?;
        self.compose(name, |emit| functional::prelu(emit, x, slope))
    }
}
