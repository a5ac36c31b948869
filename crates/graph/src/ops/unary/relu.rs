//! `relu`.

use crate::ops::Greater;
use crate::ops::support::elementwise::unary_op;
use crate::ops::support::magnitude::Magnitude;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// `max(x, 0)`; NaN stays.
    Relu, "relu", "The rectifier max(x, 0); NaN stays NaN. Operand: x of a floating-point or integer type.",
    cost: Cost::others,
    float: |x| if x < 0.0 { 0.0 } else { x },
    integer: |x| Magnitude::positive_part(x),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let y = context.output(0)?;
    let zero = context.scalar(context.ty(y).dtype, 0.0);
    let positive = context.apply(Greater, &[y, zero])?;
    context.masked(positive, gradient)
}
