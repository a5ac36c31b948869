//! `sin`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The sine, x in radians.
    Sin, "sin", "The sine, x in radians. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.sin()
}
