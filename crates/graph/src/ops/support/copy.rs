//! Copies of whole tensors, whatever their type.

use ediacara_tensor::{Tensor, with_element};

use super::tensor_error;
use crate::OpError;

/// Copies the elements of `source` in row-major order; `target` has the same type and number of elements.
pub(crate) fn copy_into(op: &'static str, source: &Tensor, target: &mut Tensor) -> Result<(), OpError> {
    with_element!(source.dtype(), T => {
        let target = target.as_mut_slice::<T>().map_err(tensor_error(op))?;
        source.copy_to_slice::<T>(target).map_err(tensor_error(op))
    })
}
