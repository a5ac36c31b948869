//! Activations that are compositions.
//!
//! Sigmoid, tanh and ReLU are operators.
//!
//! At a point without a derivative, the gradient is PyTorch's: the one on the side of the negative numbers.

use std::f64::consts::FRAC_1_SQRT_2;

use ediacara_graph::ops::{Add, Clamp, Erf, Exp, Mul, Relu, Reshape, Softmax};
use ediacara_graph::{Emit, OpError, ValueId};

use super::{scale, shift};

/// `min(x, 0)`.
fn negative_part(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    emit.one(Clamp { low: f64::NEG_INFINITY, high: 0.0 }, &[x])
}

/// `x` where it is positive, else `alpha * (exp(x) - 1)`.
///
/// Clevert et al., "Fast and accurate deep network learning by exponential linear units (ELUs)", 2016, where
/// `alpha` is 1.
///
/// # Errors
/// `x` is not of a floating-point type.
pub fn elu(emit: &mut dyn Emit, x: ValueId, alpha: f64) -> Result<ValueId, OpError> {
    // Only the negative part is exponentiated, because a large x would give an infinity, whose gradient is no
    // number.
    let negative = negative_part(emit, x)?;
    let exponential = emit.one(Exp, &[negative])?;
    let below = shift(emit, exponential, -1.0)?;
    let below = scale(emit, below, alpha)?;
    let above = emit.one(Relu, &[x])?;
    emit.one(Add, &[above, below])
}

/// `x * P(X <= x)` for a standard normal X, which is `x / 2 * (1 + erf(x / sqrt(2)))`.
///
/// Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016, without the approximation by tanh.
///
/// # Errors
/// `x` is not of a floating-point type.
pub fn gelu(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let scaled = scale(emit, x, FRAC_1_SQRT_2)?;
    let erf = emit.one(Erf, &[scaled])?;
    let twice = shift(emit, erf, 1.0)?;
    let probability = scale(emit, twice, 0.5)?;
    emit.one(Mul, &[x, probability])
}

/// `x` where it is positive, else `slope * x`.
///
/// Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
///
/// # Errors
/// `x` is not of a floating-point type.
pub fn leaky_relu(emit: &mut dyn Emit, x: ValueId, slope: f64) -> Result<ValueId, OpError> {
    let negative = negative_part(emit, x)?;
    let below = scale(emit, negative, slope)?;
    let above = emit.one(Relu, &[x])?;
    emit.one(Add, &[above, below])
}

/// `x` where it is positive, else `slope * x`, with one slope, or one for each channel (axis 1).
///
/// He et al., "Delving deep into rectifiers", 2015.
///
/// # Errors
/// There is neither one slope nor one for each channel; the types differ.
pub fn prelu(emit: &mut dyn Emit, x: ValueId, slope: ValueId) -> Result<ValueId, OpError> {
    let mut shape = vec![emit.type_of("prelu", slope)?.elements()];
    shape.resize(emit.type_of("prelu", x)?.rank().saturating_sub(1).max(1), 1);
    let slope = emit.one(Reshape { shape }, &[slope])?;
    let negative = negative_part(emit, x)?;
    let below = emit.one(Mul, &[negative, slope])?;
    let above = emit.one(Relu, &[x])?;
    emit.one(Add, &[above, below])
}

/// `exp(x) / sum(exp(x))` along an axis, computed so that nothing overflows.
///
/// # Errors
/// `x` has no such axis, or is not of a floating-point type.
pub fn softmax(emit: &mut dyn Emit, x: ValueId, axis: usize) -> Result<ValueId, OpError> {
    emit.one(Softmax { axis }, &[x])
}
