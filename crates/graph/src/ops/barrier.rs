//! `barrier`: x, as a value that no rewrite takes for x.

use super::support::identity::identity_op;

identity_op! {
    /// x, as a value that no rewrite takes for x: what is computed from it is not shared with what is
    /// computed from x.
    Barrier, "barrier", "x, as a value that no rewrite takes for x: what reads it is computed anew, and not shared \
        with what reads x. The backward pass computes with it what it did not keep.\n\
        Operand: x of any type. Result: y like x.\n\
        No attributes.",
    gradient: |context| vec![Some(context.output_gradient(0)?)]
}
