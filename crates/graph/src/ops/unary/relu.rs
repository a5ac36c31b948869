//! `relu`.

use crate::Cost;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::Magnitude;

unary_op! {
    /// `max(x, 0)`; NaN stays.
    Relu, "relu", "The rectifier max(x, 0); NaN stays NaN. Operand: x of a floating-point or integer type.",
    cost: Cost::others,
    float: |x| if x < 0.0 { 0.0 } else { x },
    integer: |x| Magnitude::positive_part(x)
}
