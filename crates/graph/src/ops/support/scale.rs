//! Scales and zero points, per tensor or per index of an axis.

use ediacara_tensor::Tensor;

use super::{mismatch, operand_error, require_axis, require_shape, tensor_error};
use crate::{OpError, TensorType};

/// Checks scale and zero against x: one entry, or one for each index of `axis`.
pub(crate) fn require_scale(
    op: &'static str,
    x: &TensorType,
    axis: usize,
    scale: &TensorType,
    zero: &TensorType,
) -> Result<(), OpError> {
    require_shape(op, "zero", zero, &scale.shape, "that of scale")?;
    if scale.rank() > 1 {
        return Err(operand_error(op, "scale", scale, "must be a scalar or have rank 1"));
    }
    if scale.elements() == 1 {
        return Ok(());
    }
    require_axis(op, "x", x, axis)?;
    if scale.shape[0] == x.shape[axis] {
        return Ok(());
    }
    let problem = format!("scale must have one entry, or one for each index of axis {axis} of x");
    Err(mismatch(op, ("x", x), ("scale", scale), problem))
}

/// Scale and zero with their entries along `axis` of x, so that they broadcast.
pub(crate) fn align_scale(
    op: &'static str,
    x: &Tensor,
    axis: usize,
    scale: &Tensor,
    zero: &Tensor,
) -> Result<(Tensor, Tensor), OpError> {
    let mut shape = vec![1; x.rank()];
    if scale.len() != 1 {
        shape[axis] = scale.len();
    }
    let align = |tensor: &Tensor| tensor.reshape(&shape).map_err(tensor_error(op));
    Ok((align(scale)?, align(zero)?))
}
