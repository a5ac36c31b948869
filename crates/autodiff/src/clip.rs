//! Bounds on gradients.

use ediacara_graph::ops::{Add, Cast, Clamp, Min, Mul, Reciprocal, Reduce, ReduceKind, Sqrt};
use ediacara_graph::{DType, Emit, Op, OpError, Tensor, ValueId};
use std::sync::Arc;

fn apply(emit: &mut dyn Emit, op: impl Op, inputs: &[ValueId]) -> Result<ValueId, OpError> {
    let name = op.name();
    let results = emit.apply(Arc::new(op), inputs)?;
    let problem = "has no result".to_owned();
    results.first().copied().ok_or(OpError::Other { op: name.to_owned(), problem })
}

/// Each element brought between `-bound` and `bound`.
///
/// # Errors
/// A gradient is not of a numeric type, or the bound is NaN.
pub fn clip_by_value(
    emit: &mut dyn Emit,
    gradients: &[ValueId],
    bound: f64,
) -> Result<Vec<ValueId>, OpError> {
    gradients.iter().map(|&gradient| apply(emit, Clamp { low: -bound, high: bound }, &[gradient])).collect()
}

/// The gradients times `min(1, bound / norm)`, `norm` the Euclidean norm of all their elements together (Pascanu
/// et al., "On the difficulty of training recurrent neural networks", 2013). Also gives the norm, a scalar: f64
/// where a gradient is, else f32. A norm of 0 changes nothing.
///
/// # Errors
/// There is no gradient, or one is not of a floating-point type.
pub fn clip_by_global_norm(
    emit: &mut dyn Emit,
    gradients: &[ValueId],
    bound: f64,
) -> Result<(Vec<ValueId>, ValueId), OpError> {
    let wide = gradients.iter().any(|&gradient| emit.ty(gradient).dtype == DType::F64);
    let dtype = if wide { DType::F64 } else { DType::F32 };
    let mut sum: Option<ValueId> = None;
    for &gradient in gradients {
        let gradient = apply(emit, Cast { to: dtype }, &[gradient])?;
        let square = apply(emit, Mul, &[gradient, gradient])?;
        let axes = (0..emit.ty(gradient).rank()).collect();
        let part = apply(emit, Reduce { kind: ReduceKind::Sum, axes, keep_dims: false }, &[square])?;
        sum = Some(match sum {
            Some(sum) => apply(emit, Add, &[sum, part])?,
            None => part,
        });
    }
    let problem = "needs at least one gradient".to_owned();
    let sum = sum.ok_or(OpError::Other { op: "clip_by_global_norm".to_owned(), problem })?;
    let norm = apply(emit, Sqrt, &[sum])?;
    // A reciprocal of 0 is infinite, and its minimum with 1 is 1.
    let reciprocal = apply(emit, Reciprocal, &[norm])?;
    let bound = emit.constant(Tensor::scalar(bound).cast(dtype));
    let one = emit.constant(Tensor::scalar(1.0_f64).cast(dtype));
    let ratio = apply(emit, Mul, &[reciprocal, bound])?;
    let factor = apply(emit, Min, &[ratio, one])?;
    let scaled = gradients.iter().map(|&gradient| {
        let to = emit.ty(gradient).dtype;
        let factor = apply(emit, Cast { to }, &[factor])?;
        apply(emit, Mul, &[gradient, factor])
    });
    let scaled: Result<Vec<ValueId>, OpError> = scaled.collect();
    Ok((scaled?, norm))
}
