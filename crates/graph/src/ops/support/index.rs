//! Operands that hold indices.

use ediacara_tensor::{DType, Tensor};

use super::{operand_error, tensor_error, value_error};
use crate::{OpError, TensorType};

/// Checks that indices are i32 or i64.
pub(crate) fn require_index_type(op: &'static str, operand: &str, ty: &TensorType) -> Result<(), OpError> {
    if matches!(ty.dtype, DType::I32 | DType::I64) {
        Ok(())
    } else {
        Err(operand_error(op, operand, ty, "indices must be i32 or i64"))
    }
}

/// Every index in row-major order.
pub(crate) fn read_indices(op: &'static str, indices: &Tensor) -> Result<Vec<i64>, OpError> {
    indices.cast(DType::I64).into_vec().map_err(tensor_error(op))
}

/// An index of an axis of `size`, a negative one counted from the end.
#[inline]
pub(crate) fn resolve_index(
    op: &'static str,
    operand: &str,
    index: i64,
    size: usize,
) -> Result<usize, OpError> {
    let resolved = if index < 0 { index.saturating_add(size as i64) } else { index };
    match usize::try_from(resolved) {
        Ok(resolved) if resolved < size => Ok(resolved),
        _ => Err(value_error(op, operand, format!("index {index} is outside an axis of {size}"))),
    }
}

/// The position that a row of indices names in a dense block of `shape`.
pub(crate) fn resolve_row(
    op: &'static str,
    operand: &str,
    row: &[i64],
    shape: &[usize],
) -> Result<usize, OpError> {
    let mut position = 0;
    for (&index, &size) in row.iter().zip(shape) {
        position = position * size + resolve_index(op, operand, index, size)?;
    }
    Ok(position)
}
