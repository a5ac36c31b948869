//! `exp`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// E to the power x.
    Exp, "exp", "The exponential function e^x. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.exp()
}
