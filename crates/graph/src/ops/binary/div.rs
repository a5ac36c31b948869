//! `div`.

use crate::ops::support::elementwise::binary_op;
use crate::ops::support::magnitude::Magnitude;
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// `x / y`; integers truncate towards zero and give 0 where y is 0.
    Div, "div", "The quotient x / y; integers truncate towards zero and give 0 where y is 0. Operands: x, y \
        of one floating-point or integer type, broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| x / y,
    integer: |x, y| x.quotient(y),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let y = context.input(1)?;
    let share = context.div(gradient, y)?;
    if operand == 0 {
        return Ok(share);
    }
    // -z / y.
    let z = context.output(0)?;
    let product = context.mul(share, z)?;
    context.neg(product)
}
