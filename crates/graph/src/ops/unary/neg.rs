//! `neg`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `-x`; integers wrap.
    Neg, "neg", "The negative -x; integers wrap. Operand: x of a floating-point or integer type.",
    cost: Cost::additions,
    float: |x| -x,
    integer: |x| x.wrapping_neg(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    context.neg(gradient)
}
