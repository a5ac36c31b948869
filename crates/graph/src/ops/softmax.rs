//! `softmax`: exponentials along an axis that sum to 1.

use super::support::softmax::softmax_op;
use crate::{Cost, GradientContext, OpError, ValueId};

softmax_op! {
    /// `exp(x - max) / sum(exp(x - max))` along an axis.
    Softmax, "softmax", "exp(x - max) / sum(exp(x - max)) along an axis, the maximum taken along it too, so that \
        nothing overflows.\n\
        Operand: x of a floating-point type. Result: y like x.\n\
        Attributes: axis, from 0.",
    // For each element: one comparison, one exponential, one division, one subtraction, and one addition to
    // the sum.
    cost: |elements: u64| Cost::others(3 * elements) + Cost::additions(2 * elements),
    term: |value| {
        *value = value.exp();
        *value
    },
    finish: |value, sum| *value /= sum,
    gradient: gradient
}

fn gradient(context: &mut GradientContext, axis: usize) -> Result<ValueId, OpError> {
    // y (dy - sum(y dy)).
    let (y, gradient) = (context.output(0)?, context.output_gradient(0)?);
    let product = context.mul(y, gradient)?;
    let mean = context.sum(product, &[axis])?;
    let centred = context.sub(gradient, mean)?;
    context.mul(y, centred)
}
