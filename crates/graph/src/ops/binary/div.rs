//! `div`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;
use crate::ops::support::magnitude::Magnitude;

binary_op! {
    /// `x / y`; integers truncate towards zero and give 0 where y is 0.
    Div, "div", "The quotient x / y; integers truncate towards zero and give 0 where y is 0. Operands: x, y \
        of one floating-point or integer type, broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| x / y,
    integer: |x, y| x.quotient(y)
}
