//! The arithmetic of activations and layers as functions of values, without parameters of their own.
//!
//! They work on a static graph or an eager tape, in any floating-point type.
//!
//! The layers of [`Scope`](crate::Scope) declare parameters and call these. Start reading at any file: each
//! is one formula or a few that belong together.

mod activation;
mod attention;
mod layer_norm;
mod recurrent;

pub use activation::{elu, gelu, leaky_relu, prelu, softmax};
pub use attention::scaled_dot_product_attention;
pub use layer_norm::layer_norm;
pub use recurrent::{RecurrentWeights, gru_cell, lstm_cell, rnn_cell};

use ediacara_graph::ops::{Add, Mul};
use ediacara_graph::{Emit, OpError, Tensor, ValueId};

/// A scalar of the type of `x`.
fn scalar_like(emit: &mut dyn Emit, x: ValueId, value: f64) -> Result<ValueId, OpError> {
    let dtype = emit.type_of("scalar", x)?.dtype;
    Ok(emit.constant(Tensor::scalar(value).cast(dtype)))
}

/// `factor * x`.
fn scale(emit: &mut dyn Emit, x: ValueId, factor: f64) -> Result<ValueId, OpError> {
    let factor = scalar_like(emit, x, factor)?;
    emit.one(Mul, &[x, factor])
}

/// `offset + x`.
fn shift(emit: &mut dyn Emit, x: ValueId, offset: f64) -> Result<ValueId, OpError> {
    let offset = scalar_like(emit, x, offset)?;
    emit.one(Add, &[x, offset])
}
