//! The way of f16 and bf16 through kernels that compute in f32.

use std::borrow::Cow;

use ediacara_tensor::{DType, Tensor, bf16, f16};

use super::tensor_error;
use crate::OpError;

/// The elements as f32 in row-major order; borrowed if they are that already.
pub(crate) fn read_f32<'a>(op: &'static str, tensor: &'a Tensor) -> Result<Cow<'a, [f32]>, OpError> {
    match tensor.dtype() {
        DType::F32 if tensor.is_contiguous() => {
            Ok(Cow::Borrowed(tensor.as_slice().map_err(tensor_error(op))?))
        }
        DType::F32 | DType::F16 | DType::BF16 => {
            Ok(Cow::Owned(tensor.cast(DType::F32).into_vec().map_err(tensor_error(op))?))
        }
        dtype => Err(OpError::Unsupported { op, dtype, supported: "f32, f16 or bf16" }),
    }
}

/// Lets `compute` fill the output as f32, and rounds the result to the output's type.
pub(crate) fn write_f32(
    op: &'static str,
    output: &mut Tensor,
    compute: impl FnOnce(&mut [f32]) -> Result<(), OpError>,
) -> Result<(), OpError> {
    let error = tensor_error(op);
    match output.dtype() {
        DType::F32 => compute(output.as_mut_slice().map_err(error)?),
        DType::F16 => {
            let mut values = vec![0.0; output.len()];
            compute(&mut values)?;
            let target = output.as_mut_slice::<f16>().map_err(error)?;
            target.iter_mut().zip(&values).for_each(|(target, &value)| *target = f16::from_f32(value));
            Ok(())
        }
        DType::BF16 => {
            let mut values = vec![0.0; output.len()];
            compute(&mut values)?;
            let target = output.as_mut_slice::<bf16>().map_err(error)?;
            target.iter_mut().zip(&values).for_each(|(target, &value)| *target = bf16::from_f32(value));
            Ok(())
        }
        dtype => Err(OpError::Unsupported { op, dtype, supported: "f32, f16 or bf16" }),
    }
}

/// The tensor as f32, a view if it is one already.
pub(crate) fn as_f32(op: &'static str, tensor: &Tensor) -> Result<Tensor, OpError> {
    match tensor.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => Ok(tensor.cast(DType::F32)),
        dtype => Err(OpError::Unsupported { op, dtype, supported: "f32, f16 or bf16" }),
    }
}
