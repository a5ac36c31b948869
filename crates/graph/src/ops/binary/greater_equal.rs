//! `greater_equal`.

use crate::ops::support::elementwise::comparison_op;

comparison_op! {
    /// Whether `x >= y`, as bool; false where either is NaN.
    GreaterEqual, "greater_equal", "Whether x >= y; false where either is NaN. Operands: x, y of one numeric \
        type, broadcast by NumPy's rule. Result: bool.",
    on: [Float, Integer],
    |x, y| x >= y
}
