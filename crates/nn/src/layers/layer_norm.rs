//! Layer normalisation.

use ediacara_graph::{DType, ValueId};

use crate::{Initialiser, NnError, Role, Scope, functional};

impl Scope {
    /// [`layer_norm`](functional::layer_norm) over the last `axes` axes of `x`.
    ///
    /// Each of their elements has a learnt weight, at first 1, and a learnt bias, at first 0. It computes in
    /// f32, whatever the type of `x`.
    ///
    /// # Errors
    /// `x` has fewer axes.
    pub fn layer_norm(&mut self, name: &str, x: ValueId, axes: usize) -> Result<ValueId, NnError> {
        self.graph().check_value(x)?;
        let shape = self.shape(x);
        let first = shape.len().checked_sub(axes).filter(|_| axes > 0);
        let Some(first) = first else {
            return Err(self.misfit(name, x, format!("at least {} dimensions", axes.max(1))));
        };
        let shape = shape[first..].to_vec();
        let mut parameter = |part: &str, value: f32| {
            self.full_parameter(&format!("{name}.{part}"), &shape, Initialiser::Constant(value), Role::Bias)
        };
        let (weight, bias) = (parameter("weight", 1.0)?, parameter("bias", 0.0)?);
        let dtype = self.dtype(x);
        let x = self.named(name, |scope| scope.cast(x, DType::F32))?;
        let normal = self.compose(name, |emit| functional::layer_norm(emit, x, weight, bias))?;
        self.named(name, |scope| scope.cast(normal, dtype))
    }
}
