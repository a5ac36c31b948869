//! `tanh`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The hyperbolic tangent.
    Tanh, "tanh", "The hyperbolic tangent. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.tanh()
}
