//! `round`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The nearest integer, halves to even.
    Round, "round", "The nearest integer, halves to the even one. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.round_ties_even(),
    gradient_is_zero: context
}
