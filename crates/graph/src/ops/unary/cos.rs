//! `cos`.

use super::Sin;
use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The cosine, x in radians.
    Cos, "cos", "The cosine, x in radians. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.cos(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let x = context.input(0)?;
    let sine = context.apply(Sin, &[x])?;
    let slope = context.neg(sine)?;
    context.mul(gradient, slope)
}
