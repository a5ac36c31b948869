//! `softplus`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;

unary_op! {
    /// `log(1 + e^x) without overflow`.
    Softplus, "softplus", "The function log(1 + e^x), without overflow for large x. Operand: x of a \
        floating-point type.",
    cost: Cost::others,
    float: |x| x.max(0.0) + (-x.abs()).exp().ln_1p()
}
