//! Operators that are activations: what a layer before them can do with its own result.

use ediacara_graph::Op;
use ediacara_graph::ops::{Activation, Clamp, Relu};

/// The activation that an operator is.
pub(crate) fn activation_of(op: &dyn Op) -> Option<Activation> {
    if op.downcast_ref::<Relu>().is_some() {
        return Some(Activation::Relu);
    }
    let clamp = op.downcast_ref::<Clamp>()?;
    Some(Activation::Clamp { low: clamp.low as f32, high: clamp.high as f32 })
}
