//! `dequantize_linear`: integers to real numbers.

use ediacara_tensor::{DType, Tensor};

use super::support::{
    integer_attributes, operand_error, operands, require_dtype, require_same_dtype,
    scale::{align_scale, require_scale},
    single_output, tensor_error, tensors,
    walk::zip3,
};
use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "dequantize_linear";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y = (x - zero) * scale in f32 (rule N-DEQUANTIZE of docs/numerics.md).\n\
        Operands: x (i8, u8 or i32), scale (f32: a scalar, [1], or one entry for each index of the axis), \
        zero (of x's type and \
        scale's shape). Result: y (f32) of x's shape.\n\
        Attributes: axis, from 0; it plays no part where scale has one entry.",
    build,
};

/// `(x - zero) * scale`, per tensor or per index of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DequantizeLinear {
    /// The axis of a scale of several entries.
    pub axis: usize,
}

integer_attributes!(NAME, DequantizeLinear { axis });

impl Op for DequantizeLinear {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, scale, zero] = operands(NAME, inputs)?;
        if !matches!(x.dtype, DType::I8 | DType::U8 | DType::I32) {
            return Err(operand_error(NAME, "x", x, "must be i8, u8 or i32"));
        }
        require_dtype(NAME, "scale", scale, DType::F32)?;
        require_same_dtype(NAME, ("x", x), ("zero", zero))?;
        require_scale(NAME, x, self.axis, scale, zero)?;
        Ok(vec![TensorType::f32(&x.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, scale, zero] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let (scale, zero) = align_scale(NAME, x, self.axis, scale, zero)?;
        let real = |difference: i64, scale: f32| -> f32 { difference as f32 * scale };
        match x.dtype() {
            DType::I8 => zip3([x, &scale, &zero], output, |x: i8, scale, zero: i8| {
                real(i64::from(x) - i64::from(zero), scale)
            }),
            DType::U8 => zip3([x, &scale, &zero], output, |x: u8, scale, zero: u8| {
                real(i64::from(x) - i64::from(zero), scale)
            }),
            DType::I32 => zip3([x, &scale, &zero], output, |x: i32, scale, zero: i32| {
                real(i64::from(x) - i64::from(zero), scale)
            }),
            dtype => return Err(OpError::Unsupported { op: NAME, dtype, supported: "i8, u8 or i32" }),
        }
        .map_err(tensor_error(NAME))
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::additions(elements) + Cost::multiplications(elements)
    }
}
