//! `mul`.

use crate::ops::support::elementwise::binary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// `x * y`; integers wrap.
    Mul, "mul", "The product x * y; integers wrap. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::multiplications,
    float: |x, y| x * y,
    integer: |x, y| x.wrapping_mul(y),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let other = context.input(1 - operand)?;
    context.mul(gradient, other)
}
