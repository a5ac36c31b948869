//! `q_add`: the sum of two i8 tensors of one shape.

use ediacara_kernels::int8::{QOperand, QOutput, q_add};
use ediacara_tensor::Tensor;

use super::{require_i8, require_multiplier, require_range, with_dense_pair};
use crate::ops::support::{integer_attributes, operands, require_shape, tensors};

use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_add";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The sum of two i8 tensors of different scales (rule N-ADD of docs/numerics.md).\n\
        Operands: x, y i8 of one shape. Result: i8 of that shape.\n\
        Attributes: x_zero, y_zero, out_zero: -128 to 127; x_multiplier, y_multiplier: 0 to 2^31 - 1; shift: \
        1 to 62; low <= high.",
    build,
};

/// The sum of two i8 tensors of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QAdd {
    /// Zero point of x.
    pub x_zero: i8,
    /// Zero point of y.
    pub y_zero: i8,
    /// Multiplier of x, not negative.
    pub x_multiplier: i32,
    /// Multiplier of y, not negative.
    pub y_multiplier: i32,
    /// Right shift of both, 1 to 62.
    pub shift: u8,
    /// Zero point of the result.
    pub out_zero: i8,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

integer_attributes!(NAME, QAdd { x_zero, y_zero, x_multiplier, y_multiplier, shift, out_zero, low, high });

impl Op for QAdd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, y] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_multiplier(NAME, "x_multiplier", self.x_multiplier, self.shift)?;
        require_multiplier(NAME, "y_multiplier", self.y_multiplier, self.shift)?;
        require_i8(NAME, [("x", x), ("y", y)])?;
        require_shape(NAME, "y", y, &x.shape, "that of x")?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let output = QOutput { zero: self.out_zero, low: self.low, high: self.high };
        let multipliers = [self.x_multiplier, self.y_multiplier];
        with_dense_pair(NAME, tensors(NAME, inputs)?, outputs, |x, y, out| {
            let (x, y) =
                (QOperand { values: x, zero: self.x_zero }, QOperand { values: y, zero: self.y_zero });
            q_add(x, y, multipliers, self.shift, output, out)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        // Two differences, two products and their sum, then one rounding shift.
        let elements = outputs[0].elements() as u64;
        Cost::additions(3 * elements) + Cost::multiplications(elements) + super::requantise_cost(elements)
    }
}
