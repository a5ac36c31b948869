//! `quantize_linear`: real numbers to integers.

use ediacara_tensor::{DType, Tensor};

use super::support::{
    as_f32, integer_attributes, operand_error, operands, require_dtype, require_float,
    scale::{align_scale, require_scale},
    single_output, tensor_error, tensors,
    walk::zip3,
};
use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "quantize_linear";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y = clamp(round_half_even(x / scale) + zero) in f32 (rule N-QUANTIZE of \
        docs/numerics.md); not-a-number becomes `zero`.\n\
        Operands: x (f32, f16, bf16), scale (f32: a scalar, [1], or one entry for each index of the axis), \
        zero (i8 or u8, of scale's \
        shape). Result: y of zero's type and x's shape.\n\
        Attributes: axis, from 0; it plays no part where scale has one entry.",
    build,
};

/// `clamp(round_half_even(x / scale) + zero)`, per tensor or per index of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantizeLinear {
    /// The axis of a scale of several entries.
    pub axis: usize,
}

integer_attributes!(NAME, QuantizeLinear { axis });

impl Op for QuantizeLinear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, scale, zero] = operands(NAME, inputs)?;
        require_float(NAME, "x", x)?;
        require_dtype(NAME, "scale", scale, DType::F32)?;
        if !matches!(zero.dtype, DType::I8 | DType::U8) {
            return Err(operand_error(NAME, "zero", zero, "must be i8 or u8"));
        }
        require_scale(NAME, x, self.axis, scale, zero)?;
        Ok(vec![TensorType::new(zero.dtype, &x.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, scale, zero] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let (scale, zero) = align_scale(NAME, x, self.axis, scale, zero)?;
        let x = as_f32(NAME, x)?;
        let quantize = |(value, scale): (f32, f32), zero: i32| {
            // A sum beyond 2^24 is inexact, but far outside the range of the result.
            let quotient = (value / scale).round_ties_even();
            if quotient.is_nan() { zero as f32 } else { quotient + zero as f32 }
        };
        let error = tensor_error(NAME);
        if zero.dtype() == DType::I8 {
            zip3([&x, &scale, &zero], output, |value: f32, scale: f32, zero: i8| -> i8 {
                quantize((value, scale), zero.into()).clamp(-128.0, 127.0) as i8
            })
            .map_err(error)
        } else {
            zip3([&x, &scale, &zero], output, |value: f32, scale: f32, zero: u8| -> u8 {
                quantize((value, scale), zero.into()).clamp(0.0, 255.0) as u8
            })
            .map_err(error)
        }
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        // One division, one rounding, one clamp of two comparisons, and the addition of the zero point.
        let elements = outputs[0].elements() as u64;
        Cost::others(4 * elements) + Cost::additions(elements)
    }
}
