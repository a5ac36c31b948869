//! `pow`.

use crate::ops::support::elementwise::binary_op;
use crate::ops::support::magnitude::Magnitude;
use crate::ops::{Equal, Log, Select};
use crate::{Cost, GradientContext, OpError, ValueId};

binary_op! {
    /// `x` to the power `y`; integers wrap.
    Pow, "pow", "The power x^y; integers wrap, a negative exponent truncates. Operands: x, y of one \
        floating-point or integer type, broadcast by NumPy's rule.",
    cost: Cost::others,
    float: |x, y| if y == 2.0 { x * x } else { x.powf(y) },
    integer: |x, y| x.power(y),
    gradient: gradient
}

fn gradient(context: &mut GradientContext, operand: usize, gradient: ValueId) -> Result<ValueId, OpError> {
    let (x, y, z) = (context.input(0)?, context.input(1)?, context.output(0)?);
    let dtype = context.ty(x).dtype;
    let zero = context.scalar(dtype, 0.0);
    if operand == 0 {
        // y x^(y - 1); 0 and not NaN for x^0 at 0.
        let exponent = context.shift(y, -1.0)?;
        let power = context.apply(Pow, &[x, exponent])?;
        let slope = context.mul(y, power)?;
        let constant = context.apply(Equal, &[y, zero])?;
        let slope = context.apply(Select, &[constant, zero, slope])?;
        return context.mul(gradient, slope);
    }
    // z log(x); 0 and not NaN for 0^y. Where z is 0 the logarithm is taken of 1.
    let one = context.scalar(dtype, 1.0);
    let vanishes = context.apply(Equal, &[x, zero])?;
    let base = context.apply(Select, &[vanishes, one, x])?;
    let logarithm = context.apply(Log, &[base])?;
    let slope = context.mul(z, logarithm)?;
    context.mul(gradient, slope)
}
