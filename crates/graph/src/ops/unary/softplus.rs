//! `softplus`.

use super::Sigmoid;
use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `log(1 + e^x)` without overflow.
    Softplus, "softplus", "The function log(1 + e^x), without overflow for large x. Operand: x of a \
        floating-point type.",
    cost: Cost::others,
    float: |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let x = context.input(0)?;
    let slope = context.apply(Sigmoid, &[x])?;
    context.mul(gradient, slope)
}
