//! `neg`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// `-x`; integers wrap.
    Neg, "neg", "The negative -x; integers wrap. Operand: x of a floating-point or integer type.",
    cost: Cost::additions,
    float: |x| -x,
    integer: |x| x.wrapping_neg()
}
