//! `abs`.

use super::Sign;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::Magnitude;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `|x|`; the smallest integer stays.
    Abs, "abs", "The absolute value |x|; the smallest integer stays itself. Operand: x of a floating-point \
        or integer type.",
    cost: Cost::others,
    float: |x| x.abs(),
    integer: |x| Magnitude::magnitude(x),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let x = context.input(0)?;
    let sign = context.apply(Sign, &[x])?;
    context.mul(gradient, sign)
}
