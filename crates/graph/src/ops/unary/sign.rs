//! `sign`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::Magnitude;

unary_op! {
    /// -1, 0 or 1; NaN stays.
    Sign, "sign", "The sign: -1, 0 or 1; NaN stays NaN. Operand: x of a floating-point or integer type.",
    cost: Cost::others,
    float: |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x },
    integer: |x| Magnitude::sign(x),
    gradient_is_zero: context
}
