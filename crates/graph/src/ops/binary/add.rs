//! `add`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;

binary_op! {
    /// `x + y`; integers wrap.
    Add, "add", "The sum x + y with NumPy broadcasting; integers wrap. Operands: x, y of one numeric type.",
    cost: Cost::additions,
    float: |x, y| x + y,
    integer: |x, y| x.wrapping_add(y)
}
