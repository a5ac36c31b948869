//! `and`.

use crate::Cost;
use crate::ops::support::elementwise::binary_op;

binary_op! {
    /// Whether both are true.
    And, "and", "Whether both are true. Operands: x, y of one bool type, broadcast by NumPy's rule.",
    cost: Cost::others,
    boolean: |x, y| x & y
}
