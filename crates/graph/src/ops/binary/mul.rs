//! `mul`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;

binary_op! {
    /// `x * y`; integers wrap.
    Mul, "mul", "The product x * y; integers wrap. Operands: x, y of one floating-point or integer type, \
        broadcast by NumPy's rule.",
    cost: Cost::multiplications,
    float: |x, y| x * y,
    integer: |x, y| x.wrapping_mul(y)
}
