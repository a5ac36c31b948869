//! `abs`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::Magnitude;

unary_op! {
    /// `|x|`; the smallest integer stays.
    Abs, "abs", "The absolute value |x|; the smallest integer stays itself. Operand: x of a floating-point \
        or integer type.",
    cost: Cost::others,
    float: |x| x.abs(),
    integer: |x| Magnitude::magnitude(x)
}
