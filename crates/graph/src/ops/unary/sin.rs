//! `sin`.

use super::Cos;
use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The sine, x in radians.
    Sin, "sin", "The sine, x in radians. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.sin(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let x = context.input(0)?;
    let slope = context.apply(Cos, &[x])?;
    context.mul(gradient, slope)
}
