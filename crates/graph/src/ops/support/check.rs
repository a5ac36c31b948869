//! Operand checks.
//!
//! Each error names the operator, the operand and what was found.

use ediacara_tensor::{DType, Tensor, TensorError};

use crate::{OpError, TensorType};

/// Exactly `N` operand types.
pub(crate) fn operands<'a, const N: usize>(
    op: &'static str,
    inputs: &[&'a TensorType],
) -> Result<[&'a TensorType; N], OpError> {
    inputs.try_into().map_err(|_| OpError::OperandCount { op, expected: N.to_string(), found: inputs.len() })
}

/// Exactly `N` operand tensors.
pub(crate) fn tensors<'a, const N: usize>(
    op: &'static str,
    inputs: &[&'a Tensor],
) -> Result<[&'a Tensor; N], OpError> {
    inputs.try_into().map_err(|_| OpError::OperandCount { op, expected: N.to_string(), found: inputs.len() })
}

/// Checks that there are `low..=high` operands.
pub(crate) fn between(op: &'static str, low: usize, high: usize, found: usize) -> Result<(), OpError> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    let expected = if high == usize::MAX { format!("at least {low}") } else { format!("{low} to {high}") };
    Err(OpError::OperandCount { op, expected, found })
}

/// The only output.
pub(crate) fn single_output<'a>(
    op: &'static str,
    outputs: &'a mut [Tensor],
) -> Result<&'a mut Tensor, OpError> {
    let found = outputs.len();
    match outputs {
        [output] => Ok(output),
        _ => Err(OpError::Other {
            op: op.to_owned(),
            problem: format!("has 1 output, {found} were allocated"),
        }),
    }
}

/// An error about one operand.
pub(crate) fn operand_error(
    op: &'static str,
    operand: &str,
    found: &TensorType,
    problem: impl Into<String>,
) -> OpError {
    OpError::Operand { op, operand: operand.to_owned(), found: found.clone(), problem: problem.into() }
}

/// An error about a value inside an operand.
pub(crate) fn value_error(op: &'static str, operand: &str, problem: impl Into<String>) -> OpError {
    OpError::Value { op, operand: operand.to_owned(), problem: problem.into() }
}

/// An error about two operands that do not fit.
pub(crate) fn mismatch(
    op: &'static str,
    (left, left_type): (&str, &TensorType),
    (right, right_type): (&str, &TensorType),
    problem: impl Into<String>,
) -> OpError {
    OpError::Mismatch {
        op,
        left: left.to_owned(),
        left_type: Box::new(left_type.clone()),
        right: right.to_owned(),
        right_type: Box::new(right_type.clone()),
        problem: problem.into(),
    }
}

/// Turns a tensor's error into the operator's.
pub(crate) fn tensor_error(op: &'static str) -> impl Fn(TensorError) -> OpError {
    move |source| OpError::Tensor { op, source }
}

/// Checks the element type.
pub(crate) fn require_dtype(
    op: &'static str,
    operand: &str,
    ty: &TensorType,
    dtype: DType,
) -> Result<(), OpError> {
    if ty.dtype == dtype { Ok(()) } else { Err(operand_error(op, operand, ty, format!("must be {dtype}"))) }
}

/// Checks that the element type is a floating-point one.
pub(crate) fn require_float(op: &'static str, operand: &str, ty: &TensorType) -> Result<(), OpError> {
    if ty.dtype.is_float() {
        Ok(())
    } else {
        Err(operand_error(op, operand, ty, "must have a floating-point type"))
    }
}

/// Checks the rank; `layout` says what the dimensions are.
pub(crate) fn require_rank(
    op: &'static str,
    operand: &str,
    ty: &TensorType,
    rank: usize,
    layout: &str,
) -> Result<(), OpError> {
    if ty.rank() == rank {
        Ok(())
    } else {
        Err(operand_error(op, operand, ty, format!("must have rank {rank}, {layout}")))
    }
}

/// Checks the shape; `reason` says where the expected one comes from.
pub(crate) fn require_shape(
    op: &'static str,
    operand: &str,
    ty: &TensorType,
    shape: &[usize],
    reason: &str,
) -> Result<(), OpError> {
    if ty.shape == shape {
        Ok(())
    } else {
        Err(operand_error(op, operand, ty, format!("must have shape {shape:?}, {reason}")))
    }
}

/// Checks that two operands have one element type.
pub(crate) fn require_same_dtype(
    op: &'static str,
    left: (&str, &TensorType),
    right: (&str, &TensorType),
) -> Result<(), OpError> {
    if left.1.dtype == right.1.dtype {
        Ok(())
    } else {
        Err(mismatch(op, left, right, "element types must be equal"))
    }
}

/// Checks that `axis` is one of the operand's.
pub(crate) fn require_axis(
    op: &'static str,
    operand: &str,
    ty: &TensorType,
    axis: usize,
) -> Result<(), OpError> {
    if axis < ty.rank() {
        Ok(())
    } else {
        Err(operand_error(op, operand, ty, format!("has no axis {axis}; axes count from 0")))
    }
}
