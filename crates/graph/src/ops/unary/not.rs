//! `not`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The negation.
    Not, "not", "The negation of a truth value. Operand: x of a bool type.",
    cost: Cost::others,
    boolean: |x| !x
}
