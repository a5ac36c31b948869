//! What operator files share: attributes, operand checks with their errors, and the loops over strided
//! operands.

pub(crate) mod attributes;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod elementwise;
pub(crate) mod float;
pub(crate) mod fold;
pub(crate) mod identity;
pub(crate) mod index;
pub(crate) mod magnitude;
pub(crate) mod scale;
pub(crate) mod softmax;
pub(crate) mod walk;

pub(crate) use attributes::integer_attributes;
pub(crate) use check::{
    between, mismatch, operand_error, operands, require_axis, require_dtype, require_float, require_rank,
    require_same_dtype, require_shape, single_output, tensor_error, tensors, value_error,
};
pub(crate) use copy::copy_into;
pub(crate) use float::{as_f32, as_float, read_float, with_float, write_float};
pub(crate) use index::{read_indices, require_index_type, resolve_index, resolve_row};
