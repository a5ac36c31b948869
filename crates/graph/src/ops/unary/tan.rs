//! `tan`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The tangent, x in radians.
    Tan, "tan", "The tangent, x in radians. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.tan()
}
