//! `arg_max`: the index of the largest element along an axis.

use super::support::fold::best_index_op;

best_index_op! {
    /// The index (i64) of the largest element along an axis.
    ArgMax, "arg_max", "The index of the largest element along an axis; NaN counts as largest.\n\
        Operand: x of a numeric type, the axis not empty. Result: y (i64) without the axis, or with 1 in its \
        place.\n\
        Attributes: axis, from 0; keep_dims; last: whether of equal elements the last one is taken and not \
        the first.",
    better: |new, best| new.gt(&best)
}
