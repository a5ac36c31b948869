//! `add`.

use crate::ops::support::elementwise::binary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// `x + y`; integers wrap.
    Add, "add", "The sum x + y; integers wrap. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::additions,
    float: |x, y| x + y,
    integer: |x, y| x.wrapping_add(y),
    gradient: gradient
}

fn gradient(_context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    Ok(gradient)
}
