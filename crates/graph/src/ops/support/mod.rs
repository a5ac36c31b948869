//! What operator files share: operand checks with their errors, and the loops over strided operands.

pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod elementwise;
pub(crate) mod float;
pub(crate) mod walk;

pub(crate) use check::{
    between, mismatch, normalise_axis, operand_error, operands, require_dtype, require_float, require_rank,
    require_same_dtype, require_shape, single_output, tensor_error, tensors, value_error,
};
pub(crate) use copy::copy_into;
pub(crate) use float::{read_f32, write_f32};
