//! `sub`.

use crate::ops::support::elementwise::binary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// `x - y`; integers wrap.
    Sub, "sub", "The difference x - y; integers wrap. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::additions,
    float: |x, y| x - y,
    integer: |x, y| x.wrapping_sub(y),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    if operand == 0 { Ok(gradient) } else { context.neg(gradient) }
}
