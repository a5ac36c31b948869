//! Losses: scalars to be made small. Each is built of ordinary operators, on a static graph or an eager tape.

use ediacara_graph::ops::{Clamp, LogSoftmax, Mul, Neg, Reduce, ReduceKind, Sub};
use ediacara_graph::{Emit, OpError, ValueId};
use ediacara_tensor::Tensor;

fn mean(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let axes = (0..emit.ty(x).rank()).collect();
    emit.one(Reduce { kind: ReduceKind::Mean, axes, keep_dims: false }, &[x])
}

/// The mean over samples of `-sum(target * log_softmax(logits))`: logits and targets `[N, classes]`, each row of targets
/// a distribution (one-hot for a class).
///
/// # Errors
/// The shapes differ.
pub fn cross_entropy(emit: &mut dyn Emit, logits: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    let axis = emit.ty(logits).rank().saturating_sub(1);
    let log = emit.one(LogSoftmax { axis }, &[logits])?;
    let products = emit.one(Mul, &[targets, log])?;
    let sums = emit.one(Reduce { kind: ReduceKind::Sum, axes: vec![axis], keep_dims: false }, &[products])?;
    let mean = mean(emit, sums)?;
    emit.one(Neg, &[mean])
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
    let difference = emit.one(Sub, &[predictions, targets])?;
    let square = emit.one(Mul, &[difference, difference])?;
    mean(emit, square)
}

/// The mean over all elements of `max(0, 1 - target * prediction)`, targets -1 or 1.
///
/// # Errors
/// The shapes cannot be broadcast.
pub fn hinge(emit: &mut dyn Emit, predictions: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    let product = emit.one(Mul, &[targets, predictions])?;
    let one = Tensor::scalar(1.0_f64).cast(emit.ty(product).dtype);
    let one = emit.constant(one);
    let margin = emit.one(Sub, &[one, product])?;
    let loss = emit.one(Clamp { low: 0.0, high: f64::INFINITY }, &[margin])?;
    mean(emit, loss)
}
