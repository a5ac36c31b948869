//! `cos`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The cosine, x in radians.
    Cos, "cos", "The cosine, x in radians. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.cos()
}
