//! Kernels that compute in f32 or f64, applied to any floating-point tensor: f16 and bf16 go through f32.

use std::borrow::Cow;

use ediacara_kernels::float::Float;
use ediacara_tensor::{DType, Element, Tensor, bf16, f16};

use super::tensor_error;
use crate::OpError;

/// Runs a block with `$float` as the name of the type that a floating-point element type is computed in.
macro_rules! with_float {
    ($dtype:expr, $float:ident => $body:expr) => {
        if $dtype == ediacara_tensor::DType::F64 {
            type $float = f64;
            $body
        } else {
            type $float = f32;
            $body
        }
    };
}
pub(crate) use with_float;

fn unsupported(op: &'static str, dtype: DType) -> OpError {
    OpError::Unsupported { op, dtype, supported: "a floating-point type" }
}

/// The elements in row-major order; borrowed if they are that already.
pub(crate) fn read_float<'a, T: Float + Element>(
    op: &'static str,
    tensor: &'a Tensor,
) -> Result<Cow<'a, [T]>, OpError> {
    if !tensor.dtype().is_float() {
        return Err(unsupported(op, tensor.dtype()));
    }
    if tensor.dtype() == T::DTYPE && tensor.is_contiguous() {
        return Ok(Cow::Borrowed(tensor.as_slice().map_err(tensor_error(op))?));
    }
    Ok(Cow::Owned(tensor.cast(T::DTYPE).into_vec().map_err(tensor_error(op))?))
}

/// Lets `compute` fill the output, and rounds the result to the output's type.
pub(crate) fn write_float<T: Float + Element>(
    op: &'static str,
    output: &mut Tensor,
    compute: impl FnOnce(&mut [T]) -> Result<(), OpError>,
) -> Result<(), OpError> {
    fn round<T: Element, R: Element>(
        op: &'static str,
        output: &mut Tensor,
        compute: impl FnOnce(&mut [T]) -> Result<(), OpError>,
        round: impl Fn(f64) -> R,
    ) -> Result<(), OpError> {
        let mut values = vec![T::default(); output.len()];
        compute(&mut values)?;
        let target = output.as_mut_slice::<R>().map_err(tensor_error(op))?;
        target.iter_mut().zip(&values).for_each(|(target, &value)| *target = round(value.to_f64()));
        Ok(())
    }
    match output.dtype() {
        dtype if dtype == T::DTYPE => compute(output.as_mut_slice().map_err(tensor_error(op))?),
        DType::F16 => round(op, output, compute, f16::from_f64),
        DType::BF16 => round(op, output, compute, bf16::from_f64),
        dtype => Err(unsupported(op, dtype)),
    }
}

/// The tensor in the type that it is computed in, a view if it is of that type already.
pub(crate) fn as_float<T: Float + Element>(op: &'static str, tensor: &Tensor) -> Result<Tensor, OpError> {
    if tensor.dtype().is_float() { Ok(tensor.cast(T::DTYPE)) } else { Err(unsupported(op, tensor.dtype())) }
}

/// The tensor as f32, a view if it is one already.
pub(crate) fn as_f32(op: &'static str, tensor: &Tensor) -> Result<Tensor, OpError> {
    match tensor.dtype() {
        DType::F32 | DType::F16 | DType::BF16 => Ok(tensor.cast(DType::F32)),
        dtype => Err(OpError::Unsupported { op, dtype, supported: "f32, f16 or bf16" }),
    }
}
