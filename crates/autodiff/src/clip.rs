//! Bounds on gradients.

use ediacara_graph::ops::{Add, Cast, Clamp, Min, Mul, Reciprocal, Reduce, ReduceKind, Sqrt};
use ediacara_graph::{DType, Emit, OpError, Tensor, ValueId};

/// Brings each element between `-bound` and `bound`.
///
/// # Errors
/// A gradient is not of a numeric type, or the bound is NaN.
pub fn clip_by_value(
    emit: &mut dyn Emit,
    gradients: &[ValueId],
    bound: f64,
) -> Result<Vec<ValueId>, OpError> {
    gradients.iter().map(|&gradient| emit.one(Clamp { low: -bound, high: bound }, &[gradient])).collect()
}

/// The gradients times `min(1, bound / norm)`, with `norm` the Euclidean norm of all their elements together
/// (Pascanu et al., "On the difficulty of training recurrent neural networks", 2013).
///
/// Also gives the norm, a scalar: f64 where a gradient is, else f32. A norm of 0 changes nothing.
///
/// # Errors
/// There is no gradient, or one is not of a floating-point type.
pub fn clip_by_global_norm(
    emit: &mut dyn Emit,
    gradients: &[ValueId],
    bound: f64,
) -> Result<(Vec<ValueId>, ValueId), OpError> {
    let wide = gradients
        .iter()
        .map(|&gradient| Ok(emit.type_of("clip_by_global_norm", gradient)?.dtype == DType::F64))
        .collect::<Result<Vec<bool>, OpError>>()?
        .contains(&true);
    let dtype = if wide { DType::F64 } else { DType::F32 };
    let mut sum: Option<ValueId> = None;
    for &gradient in gradients {
        let gradient = emit.one(Cast { to: dtype }, &[gradient])?;
        let square = emit.one(Mul, &[gradient, gradient])?;
        let axes = (0..emit.ty(gradient).rank()).collect();
        let part = emit.one(Reduce { kind: ReduceKind::Sum, axes, keep_dims: false }, &[square])?;
        sum = Some(match sum {
            Some(sum) => emit.one(Add, &[sum, part])?,
            None => part,
        });
    }
    let problem = "needs at least one gradient".to_owned();
    let sum = sum.ok_or(OpError::Other { op: "clip_by_global_norm".to_owned(), problem })?;
    let norm = emit.one(Sqrt, &[sum])?;
    // A reciprocal of 0 is infinite, and its minimum with 1 is 1.
    let reciprocal = emit.one(Reciprocal, &[norm])?;
    let bound = emit.constant(Tensor::scalar(bound).cast(dtype));
    let one = emit.constant(Tensor::scalar(1.0_f64).cast(dtype));
    let ratio = emit.one(Mul, &[reciprocal, bound])?;
    let factor = emit.one(Min, &[ratio, one])?;
    let scaled = gradients.iter().map(|&gradient| {
        let to = emit.ty(gradient).dtype;
        let factor = emit.one(Cast { to }, &[factor])?;
        emit.one(Mul, &[gradient, factor])
    });
    let scaled: Result<Vec<ValueId>, OpError> = scaled.collect();
    Ok((scaled?, norm))
}
