//! `min`.

use crate::ops::Less;
use crate::ops::support::elementwise::{binary_op, extremum_gradient};
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// The smaller of x and y; NaN wins.
    Min, "min", "The smaller of x and y; NaN wins. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| if x < y || x.is_nan() { x } else { y },
    integer: |x, y| x.min(y),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    extremum_gradient(context, Less, operand, gradient)
}
