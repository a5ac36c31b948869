//! `log_softmax`: the logarithm of softmax, without loss where softmax is near 0.

use super::Exp;
use super::support::softmax::softmax_op;
use crate::{Cost, GradientContext, OpError, ValueId};

softmax_op! {
    /// `x - max - log(sum(exp(x - max)))` along an axis.
    LogSoftmax, "log_softmax", "x - max - log(sum(exp(x - max))) along an axis, the maximum taken along it too, so \
        that nothing overflows.\n\
        Operand: x of a floating-point type. Result: y like x.\n\
        Attributes: axis, from 0.",
    // For each element: one comparison, one exponential, two subtractions, and one addition to the sum.
    cost: |elements: u64| Cost::others(2 * elements) + Cost::additions(3 * elements),
    term: |value| value.exp(),
    total: |sum| *sum = sum.ln(),
    finish: |value, logarithm| *value -= logarithm,
    gradient: gradient
}

fn gradient(context: &mut GradientContext, axis: usize) -> Result<ValueId, OpError> {
    // dy - exp(y) sum(dy).
    let (y, gradient) = (context.output(0)?, context.output_gradient(0)?);
    let softmax = context.apply(Exp, &[y])?;
    let sum = context.sum(gradient, &[axis])?;
    let share = context.mul(softmax, sum)?;
    context.sub(gradient, share)
}
