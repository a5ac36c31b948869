//! `stop_gradient`: x, through which no gradient flows.

use super::support::identity::identity_op;

identity_op! {
    /// x, through which no gradient flows.
    StopGradient, "stop_gradient", "x, through which no gradient flows.\n\
        Operand: x of any type. Result: y like x.\n\
        No attributes.",
    gradient: |context| context.none()
}
