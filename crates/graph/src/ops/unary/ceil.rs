//! `ceil`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The smallest integer not below x.
    Ceil, "ceil", "The smallest integer not below x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.ceil(),
    gradient_is_zero: context
}
