//! `q_matmul_real`: the fully connected layer of i8 that gives real numbers.

use ediacara_kernels::int8::{RealWeights, q_matmul_real};
use ediacara_tensor::{DType, Tensor};

use super::{i8_values, require_i8};
use crate::ops::support::{
    integer_attributes, mismatch, operands, require_dtype, require_rank, require_shape, single_output,
    tensor_error, tensors,
};

use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_matmul_real";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The fully connected layer of i8 whose sums become real numbers: float(sum + bias) * scale, where the sum \
        and the bias wrap in 32 bits (rules N-DOT and N-FLOAT-READ of docs/numerics.md).\n\
        Operands: x i8[M,K], w i8[O,K], bias i32[O], scale f32[O]. Result: y f32[M,O].\n\
        Attributes: x_zero, w_zero: -128 to 127.",
    build,
};

/// The fully connected layer of i8 that gives real numbers: `x[M,K]`, `w[O,K]`, bias and scale `[O]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QMatMulReal {
    /// Zero point of the input.
    pub x_zero: i8,
    /// Zero point of the weights.
    pub w_zero: i8,
}

integer_attributes!(NAME, QMatMulReal { x_zero, w_zero });

impl Op for QMatMulReal {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, w, bias, scale] = operands(NAME, inputs)?;
        require_i8(NAME, [("x", x), ("w", w)])?;
        require_rank(NAME, "x", x, 2, "[M,K]")?;
        require_rank(NAME, "w", w, 2, "[O,K]")?;
        if x.shape[1] != w.shape[1] || x.shape[1] == 0 {
            return Err(mismatch(NAME, ("x", x), ("w", w), "x[M,K] and w[O,K] must have one K, at least 1"));
        }
        for (name, ty, dtype) in [("bias", bias, DType::I32), ("scale", scale, DType::F32)] {
            require_dtype(NAME, name, ty, dtype)?;
            require_shape(NAME, name, ty, &[w.shape[0]], "one entry for each output channel of w")?;
        }
        Ok(vec![TensorType::f32(&[x.shape[0], w.shape[0]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let error = tensor_error(NAME);
        let [x, w, bias, scale] = tensors(NAME, inputs)?.map(Tensor::to_contiguous);
        let sizes = [x.shape()[0], w.shape()[0], x.shape()[1]];
        let weights = RealWeights {
            values: i8_values(NAME, &w)?,
            zero: self.w_zero,
            bias: bias.as_slice().map_err(&error)?,
            scale: scale.as_slice().map_err(&error)?,
        };
        let y = single_output(NAME, outputs)?.as_mut_slice().map_err(&error)?;
        q_matmul_real(sizes, i8_values(NAME, &x)?, self.x_zero, &weights, y)
            .map_err(|source| OpError::Kernel { op: NAME, source })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::inner_products(elements, inputs[1].shape[1] as u64, elements) + Cost::multiplications(elements)
    }
}
