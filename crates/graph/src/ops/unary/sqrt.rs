//! `sqrt`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The square root.
    Sqrt, "sqrt", "The square root; NaN below zero. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.sqrt()
}
