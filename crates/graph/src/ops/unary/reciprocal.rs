//! `reciprocal`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `1 / x`.
    Reciprocal, "reciprocal", "The reciprocal 1 / x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.recip(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let y = context.output(0)?;
    let square = context.mul(y, y)?;
    let slope = context.neg(square)?;
    context.mul(gradient, slope)
}
