//! `pow`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;
use crate::ops::support::magnitude::Magnitude;

binary_op! {
    /// `x` to the power `y`; integers wrap.
    Pow, "pow", "The power x^y; integers wrap, a negative exponent truncates. Operands: x, y of one \
        floating-point or integer type, broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| if y == 2.0 { x * x } else { x.powf(y) },
    integer: |x, y| x.power(y)
}
