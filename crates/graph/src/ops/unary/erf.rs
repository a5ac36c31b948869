//! `erf`.

use std::f64::consts::FRAC_2_SQRT_PI;

use super::Exp;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::ErrorFunction;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The error function.
    Erf, "erf", "The error function. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| ErrorFunction::erf(x),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    // 2 / sqrt(pi) * exp(-x^2).
    let x = context.input(0)?;
    let square = context.mul(x, x)?;
    let exponent = context.neg(square)?;
    let bell = context.apply(Exp, &[exponent])?;
    let slope = context.scale(bell, FRAC_2_SQRT_PI)?;
    context.mul(gradient, slope)
}
