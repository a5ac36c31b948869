//! `floor`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The largest integer not above x.
    Floor, "floor", "The largest integer not above x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.floor(),
    gradient_is_zero: context
}
