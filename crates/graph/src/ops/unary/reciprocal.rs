//! `reciprocal`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// `1 / x`.
    Reciprocal, "reciprocal", "The reciprocal 1 / x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.recip()
}
