//! Losses: scalars to be made small.
//!
//! Each is built of ordinary operators, on a static graph or an eager tape.

use ediacara_graph::ops::{Clamp, Greater, LogSoftmax, Mul, Neg, Reduce, ReduceKind, Select, Sub};
use ediacara_graph::{Emit, OpError, ValueId};
use ediacara_tensor::Tensor;

const CROSS_ENTROPY: &str = "cross_entropy";

/// Checks that predictions and targets have one shape and type, because a broadcast between them is a
/// mistake, not a wish.
fn check_pair(emit: &dyn Emit, loss: &str, predictions: ValueId, targets: ValueId) -> Result<(), OpError> {
    let (predicted, wanted) = (emit.type_of(loss, predictions)?, emit.type_of(loss, targets)?);
    let given = format!("predictions are {predicted} and targets {wanted}");
    let problem = if !predicted.dtype.is_float() {
        format!("{given}; predictions are of a floating-point type")
    } else if !wanted.dtype.is_float() && loss == CROSS_ENTROPY {
        let dtype = predicted.dtype;
        format!("{given}; targets are one-hot rows of {dtype}, not the numbers of classes")
    } else if predicted != wanted {
        format!("{given}; both have one shape and type")
    } else if predicted.elements() == 0 {
        format!("{given}; there is no mean over an empty batch")
    } else {
        return Ok(());
    };
    Err(OpError::Other { op: loss.to_owned(), problem })
}

fn mean(emit: &mut dyn Emit, x: ValueId) -> Result<ValueId, OpError> {
    let axes = (0..emit.ty(x).rank()).collect();
    emit.one(Reduce { kind: ReduceKind::Mean, axes, keep_dims: false }, &[x])
}

/// The mean over samples of `-sum(target * log_softmax(logits))`.
///
/// Logits and targets are `[N, classes]`, each row of targets a distribution (one-hot for a class).
///
/// # Errors
/// The types differ, targets are class numbers, or the batch is empty.
pub fn cross_entropy(emit: &mut dyn Emit, logits: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    check_pair(emit, CROSS_ENTROPY, logits, targets)?;
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
/// The types differ, or the batch is empty.
pub fn mean_squared_error(
    emit: &mut dyn Emit,
    predictions: ValueId,
    targets: ValueId,
) -> Result<ValueId, OpError> {
    check_pair(emit, "mean_squared_error", predictions, targets)?;
    let difference = emit.one(Sub, &[predictions, targets])?;
    let square = emit.one(Mul, &[difference, difference])?;
    mean(emit, square)
}

/// The mean over all elements of `max(0, 1 - t * prediction)`, where t is 1 for a positive target and -1 for
/// any other.
///
/// Targets are -1 and 1, or 0 and 1 (one-hot for a class, which makes each output one class against the
/// rest).
///
/// # Errors
/// The types differ, or the batch is empty.
pub fn hinge(emit: &mut dyn Emit, predictions: ValueId, targets: ValueId) -> Result<ValueId, OpError> {
    check_pair(emit, "hinge", predictions, targets)?;
    let dtype = emit.ty(targets).dtype;
    let [zero, one, minus_one] =
        [0.0_f64, 1.0, -1.0].map(|value| emit.constant(Tensor::scalar(value).cast(dtype)));
    let positive = emit.one(Greater, &[targets, zero])?;
    let sign = emit.one(Select, &[positive, one, minus_one])?;
    let product = emit.one(Mul, &[sign, predictions])?;
    let margin = emit.one(Sub, &[one, product])?;
    let loss = emit.one(Clamp { low: 0.0, high: f64::INFINITY }, &[margin])?;
    mean(emit, loss)
}
