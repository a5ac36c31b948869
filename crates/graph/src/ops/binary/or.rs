//! `or`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;

binary_op! {
    /// Whether at least one is true.
    Or, "or", "Whether at least one is true. Operands: x, y of one bool type, broadcast by NumPy's rule.",
    cost: Cost::others,
    boolean: |x, y| x | y
}
