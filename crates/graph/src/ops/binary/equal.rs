//! `equal`.

use crate::ops::support::elementwise::comparison_op;

comparison_op! {
    /// Whether `x == y`, as bool; false where either is NaN.
    Equal, "equal", "Whether x == y; false where either is NaN. Operands: x, y of one any type, broadcast by \
        NumPy's rule. Result: bool.",
    on: [Float, Integer, Bool],
    |x, y| x == y
}
