//! `log`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// The natural logarithm.
    Log, "log", "The natural logarithm. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.ln()
}
