//! `exp`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `e` to the power `x`.
    Exp, "exp", "The exponential function e^x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.exp(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let y = context.output(0)?;
    context.mul(gradient, y)
}
