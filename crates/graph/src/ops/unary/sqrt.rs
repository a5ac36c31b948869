//! `sqrt`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The square root.
    Sqrt, "sqrt", "The square root; NaN below zero. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.sqrt(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let y = context.output(0)?;
    let half = context.scale(gradient, 0.5)?;
    context.div(half, y)
}
