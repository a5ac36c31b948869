//! `q_matmul`: the fully connected layer of i8.

use ediacara_kernels::int8::{QOutput, q_matmul};
use ediacara_tensor::Tensor;

use super::{constants, require_i8, require_range, require_records, with_dense};
use crate::ops::support::{integer_attributes, mismatch, operands, require_rank, single_output, tensors};

use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_matmul";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The fully connected layer of i8 (rules N-DOT and N-REQUANTISE of docs/numerics.md).\n\
        Operands: x i8[M,K], w i8[O,K], bias i32[O], multiplier i32[O], not negative, shift u8[O], 1 to 62. \
        Result: y i8[M,O].\n\
        Attributes: x_zero, w_zero, y_zero, low <= high: -128 to 127.",
    build,
};

/// The fully connected layer of i8: `x[M,K]`, `w[O,K]`, bias, multiplier and shift `[O]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QMatMul {
    /// Zero point of the input.
    pub x_zero: i8,
    /// Zero point of the weights.
    pub w_zero: i8,
    /// Zero point of the result.
    pub y_zero: i8,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

integer_attributes!(NAME, QMatMul { x_zero, w_zero, y_zero, low, high });

impl Op for QMatMul {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, w, bias, multiplier, shift] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_i8(NAME, [("x", x), ("w", w)])?;
        require_rank(NAME, "x", x, 2, "[M,K]")?;
        require_rank(NAME, "w", w, 2, "[O,K]")?;
        if x.shape[1] != w.shape[1] || x.shape[1] == 0 {
            return Err(mismatch(NAME, ("x", x), ("w", w), "x[M,K] and w[O,K] must have one K, at least 1"));
        }
        require_records(NAME, w.shape[0], [bias, multiplier, shift])?;
        Ok(vec![TensorType::i8(&[x.shape[0], w.shape[0]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, w, bias, multiplier, shift] = tensors(NAME, inputs)?;
        let sizes = [x.shape()[0], w.shape()[0], x.shape()[1]];
        let output = QOutput { zero: self.y_zero, low: self.low, high: self.high };
        constants(NAME, [w, bias, multiplier, shift], self.w_zero, |weights| {
            with_dense(NAME, x, single_output(NAME, outputs)?, |x, y| {
                q_matmul(sizes, x, self.x_zero, weights, output, y)
            })
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        super::dot_cost(outputs[0], inputs[1].shape[1])
    }
}
