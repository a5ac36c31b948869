//! `log`.

use crate::ops::support::elementwise::unary_op;
use crate::{Cost, GradientContext, OpError, ValueId};

unary_op! {
    /// The natural logarithm.
    Log, "log", "The natural logarithm. Operand: x of a floating-point type.",
    cost: Cost::others,
    float: |x| x.ln(),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, _operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let x = context.input(0)?;
    context.div(gradient, x)
}
