//! `erf`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::ErrorFunction;

unary_op! {
    /// The error function.
    Erf, "erf", "The error function. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| ErrorFunction::erf(x)
}
