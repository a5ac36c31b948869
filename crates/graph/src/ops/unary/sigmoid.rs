//! `sigmoid`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `1 / (1 + e^-x)`.
    Sigmoid, "sigmoid", "The logistic function 1 / (1 + e^-x). Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| {
        // Each branch takes the exponential of a number that is not positive, which cannot overflow.
        let decay = (-x.abs()).exp();
        if x >= 0.0 { 1.0 / (1.0 + decay) } else { decay / (1.0 + decay) }
    },
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    // y (1 - y).
    let y = context.output(0)?;
    let square = context.mul(y, y)?;
    let slope = context.sub(y, square)?;
    context.mul(gradient, slope)
}
