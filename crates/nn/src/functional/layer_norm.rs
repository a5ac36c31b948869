//! Layer normalisation: Ba et al., "Layer normalization", 2016.

use ediacara_graph::ops::{Add, Div, Mul, Reduce, ReduceKind, Sqrt, Sub};
use ediacara_graph::{Emit, OpError, ValueId};

use super::shift;

/// Added to variances, so that a constant sample is not divided by 0; the value is PyTorch's.
const EPSILON: f64 = 1e-5;

/// `(x - mean) / sqrt(variance + 1e-5) * weight + bias`, with mean and biased variance over the last axes.
///
/// Those are the axes that `weight` and `bias` have: `x[.., A..]`, `weight[A..]`, `bias[A..]`.
///
/// # Errors
/// The last dimensions of `x` are not those of `weight` and `bias`; the types differ.
pub fn layer_norm(
    emit: &mut dyn Emit,
    x: ValueId,
    weight: ValueId,
    bias: ValueId,
) -> Result<ValueId, OpError> {
    let rank = emit.type_of("layer_norm", x)?.rank();
    let axes: Vec<usize> = (rank.saturating_sub(emit.type_of("layer_norm", weight)?.rank())..rank).collect();
    let mean = || Reduce { kind: ReduceKind::Mean, axes: axes.clone(), keep_dims: true };
    let centre = emit.one(mean(), &[x])?;
    let centred = emit.one(Sub, &[x, centre])?;
    let square = emit.one(Mul, &[centred, centred])?;
    let variance = emit.one(mean(), &[square])?;
    let variance = shift(emit, variance, EPSILON)?;
    let deviation = emit.one(Sqrt, &[variance])?;
    let normal = emit.one(Div, &[centred, deviation])?;
    let scaled = emit.one(Mul, &[normal, weight])?;
    emit.one(Add, &[scaled, bias])
}
