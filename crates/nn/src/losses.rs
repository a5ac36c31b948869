//! Losses: scalars to be made small. Each is built of ordinary operators, on a static graph or an eager tape.

use ediacara_graph::ops::{Clamp, Exp, Log, Mul, Neg, Reduce, ReduceKind, StopGradient, Sub};
use ediacara_graph::{Emit, IntoOp, OpError, ValueId};
use ediacara_tensor::Tensor;

fn apply(emit: &mut dyn Emit, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, OpError> {
    let op = op.into_op();
    let name = op.name();
    let problem = || OpError::Other { op: name.to_owned(), problem: "has no result".to_owned() };
    emit.apply(op, inputs)?.first().copied().ok_or_else(problem)
}

fn reduce(
    emit: &mut dyn Emit,
    kind: ReduceKind,
    x: ValueId,
    axes: Vec<usize>,
    keep_dims: bool,
) -> Result<ValueId, OpError> {
    apply(emit, Reduce { kind, axes, keep_dims }, &[x])
}

fn mean(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let axes = (0..emit.ty(x).shape.len()).collect();
    reduce(emit, ReduceKind::Mean, x, axes, false)
}

/// `log(softmax(x))` along the last axis, as `x - max - log(sum(exp(x - max)))`: nothing overflows, and no small
/// probability becomes 0.
///
/// # Errors
/// `x` has no dimension, or is not of a floating-point type.
pub fn log_softmax(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let axis = emit.ty(x).shape.len().saturating_sub(1);
    let largest = reduce(emit, ReduceKind::Max, x, vec![axis], true)?;
    // Whatever is subtracted, the result is the same: no gradient goes this way.
    let largest = apply(emit, StopGradient, &[largest])?;
    let shifted = apply(emit, Sub, &[x, largest])?;
    let exponentials = apply(emit, Exp, &[shifted])?;
    let sum = reduce(emit, ReduceKind::Sum, exponentials, vec![axis], true)?;
    let log = apply(emit, Log, &[sum])?;
    apply(emit, Sub, &[shifted, log])
}

/// The mean over samples of `-sum(target * log_softmax(logits))`: logits and targets `[N, classes]`, each row of targets
/// a distribution (one-hot for a class).
///
/// # Errors
/// The shapes differ.
pub fn cross_entropy(emit: &mut dyn Emit, logits: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    let log = log_softmax(emit, logits)?;
    let products = apply(emit, Mul, &[targets, log])?;
    let axis = emit.ty(products).shape.len().saturating_sub(1);
    let sums = reduce(emit, ReduceKind::Sum, products, vec![axis], false)?;
    let mean = mean(emit, sums)?;
    apply(emit, Neg, &[mean])
}

/// The mean over all elements of `(prediction - target)²`.
///
/// # Errors
/// The shapes cannot be broadcast.
pub fn mean_squared_error(
    emit: &mut dyn Emit,
    predictions: ValueId,
    targets: ValueId,
) -> Result<ValueId, OpError> {
    let difference = apply(emit, Sub, &[predictions, targets])?;
    let square = apply(emit, Mul, &[difference, difference])?;
    mean(emit, square)
}

/// The mean over all elements of `max(0, 1 - target * prediction)`, targets -1 or 1.
///
/// # Errors
/// The shapes cannot be broadcast.
pub fn hinge(emit: &mut dyn Emit, predictions: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    let product = apply(emit, Mul, &[targets, predictions])?;
    let one = Tensor::scalar(1.0_f64).cast(emit.ty(product).dtype);
    let one = emit.constant(one);
    let margin = apply(emit, Sub, &[one, product])?;
    let loss = apply(emit, Clamp { low: 0.0, high: f64::INFINITY }, &[margin])?;
    mean(emit, loss)
}
