//! `min`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;

binary_op! {
    /// The smaller of x and y; NaN wins.
    Min, "min", "The smaller of x and y; NaN wins. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| if x < y || x.is_nan() { x } else { y },
    integer: |x, y| x.min(y)
}
