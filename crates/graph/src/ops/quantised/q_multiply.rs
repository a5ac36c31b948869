//! `q_multiply`: the product of two i8 tensors.

use ediacara_kernels::int8::{Multiplier, QOperand, QOutput, q_multiply, q_multiply_channels};
use ediacara_tensor::Tensor;

use super::{require_i8, require_multiplier, require_range, with_dense_pair};
use crate::ops::support::{integer_attributes, mismatch, operands, tensors};

use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_multiply";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The product of two i8 tensors (rule N-MULTIPLY of docs/numerics.md).\n\
        Operands: x i8, y i8 of x's shape, or y i8[N,1,1,C] where x is [N,H,W,C]. Result: i8 of x's shape.\n\
        Attributes: x_zero, y_zero, out_zero: -128 to 127; multiplier: 0 to 2^31 - 1; shift: 1 to 62; low <= \
        high.",
    build,
};

/// The product of two i8 tensors of one shape, or of `x[N,H,W,C]` and `y[N,1,1,C]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QMultiply {
    /// Zero point of x.
    pub x_zero: i8,
    /// Zero point of y.
    pub y_zero: i8,
    /// Multiplier, not negative.
    pub multiplier: i32,
    /// Right shift, 1 to 62.
    pub shift: u8,
    /// Zero point of the result.
    pub out_zero: i8,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

integer_attributes!(NAME, QMultiply { x_zero, y_zero, multiplier, shift, out_zero, low, high });

impl Op for QMultiply {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, y] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_multiplier(NAME, "multiplier", self.multiplier, self.shift)?;
        require_i8(NAME, [("x", x), ("y", y)])?;
        let by_channel =
            matches!((&x.shape[..], &y.shape[..]), ([n, _, _, c], [m, 1, 1, d]) if n == m && c == d);
        if x.shape != y.shape && !by_channel {
            let problem = "y must have x's shape, or be [N,1,1,C] where x is [N,H,W,C]";
            return Err(mismatch(NAME, ("x", x), ("y", y), problem));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, y] = tensors(NAME, inputs)?;
        let same_shape = x.shape() == y.shape();
        let output = QOutput { zero: self.out_zero, low: self.low, high: self.high };
        let multiplier = Multiplier { value: self.multiplier, shift: self.shift };
        let shape = x.shape();
        with_dense_pair(NAME, [x, y], outputs, |x, y, out| {
            let (x, y) =
                (QOperand { values: x, zero: self.x_zero }, QOperand { values: y, zero: self.y_zero });
            if same_shape {
                q_multiply(x, y, multiplier, output, out)
            } else {
                q_multiply_channels([shape[0], shape[1] * shape[2], shape[3]], x, y, multiplier, output, out)
            }
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::additions(2 * elements) + Cost::multiplications(elements) + super::requantise_cost(elements)
    }
}
