//! `tanh`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The hyperbolic tangent.
    Tanh, "tanh", "The hyperbolic tangent. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.tanh(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    // 1 - y^2.
    let y = context.output(0)?;
    let square = context.mul(y, y)?;
    let fall = context.neg(square)?;
    let slope = context.shift(fall, 1.0)?;
    context.mul(gradient, slope)
}
