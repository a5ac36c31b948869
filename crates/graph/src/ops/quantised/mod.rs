//! The quantised dialect: i8 in NHWC, to the bit as docs/numerics.md lays down; one file an operator.
//!
//! Movement of i8 data uses the ordinary operators (concat, slice, pad, reshape, transpose, ...) on NHWC
//! tensors.

mod q_add;
mod q_conv;
mod q_matmul;
mod q_matmul_real;
mod q_maximum;
mod q_multiply;
mod q_pool;
mod q_table;

pub use q_add::QAdd;
pub use q_conv::QConv;
pub use q_matmul::QMatMul;
pub use q_matmul_real::QMatMulReal;
pub use q_maximum::QMaximum;
pub use q_multiply::QMultiply;
pub use q_pool::QPool;
pub use q_table::QTable;

use ediacara_kernels::KernelError;
use ediacara_kernels::int8::{QWeights, SHIFT_MAX};
use ediacara_tensor::{DType, Tensor};

use super::support::{require_dtype, require_shape, single_output, tensor_error};
use crate::{Cost, OpDescription, OpError, TensorType};

pub(crate) const DESCRIPTIONS: &[OpDescription] = &[
    q_add::DESCRIPTION,
    q_conv::DESCRIPTION,
    q_matmul::DESCRIPTION,
    q_matmul_real::DESCRIPTION,
    q_maximum::DESCRIPTION,
    q_multiply::DESCRIPTION,
    q_pool::DESCRIPTION,
    q_table::DESCRIPTION,
];

fn attribute_error(op: &'static str, attribute: &str, problem: String) -> OpError {
    OpError::Attribute { op: op.to_owned(), attribute: attribute.to_owned(), problem }
}

/// Checks `low <= high`.
fn require_range(op: &'static str, low: i8, high: i8) -> Result<(), OpError> {
    if low <= high { Ok(()) } else { Err(attribute_error(op, "low, high", format!("{low} is above {high}"))) }
}

/// Checks a multiplier and a shift that are attributes.
fn require_multiplier(op: &'static str, attribute: &str, multiplier: i32, shift: u8) -> Result<(), OpError> {
    if multiplier < 0 {
        return Err(attribute_error(op, attribute, format!("{multiplier} must not be negative")));
    }
    if shift == 0 || shift > SHIFT_MAX {
        return Err(attribute_error(op, "shift", format!("{shift} must be 1 to {SHIFT_MAX}")));
    }
    Ok(())
}

/// Checks bias, multiplier and shift: one record for each of `channels`.
fn require_records(op: &'static str, channels: usize, records: [&TensorType; 3]) -> Result<(), OpError> {
    let expected = [("bias", DType::I32), ("multiplier", DType::I32), ("shift", DType::U8)];
    for ((name, dtype), ty) in expected.into_iter().zip(records) {
        require_dtype(op, name, ty, dtype)?;
        require_shape(op, name, ty, &[channels], "one entry for each output channel of w")?;
    }
    Ok(())
}

/// Checks that operands are i8.
fn require_i8<const N: usize>(op: &'static str, operands: [(&str, &TensorType); N]) -> Result<(), OpError> {
    operands.into_iter().try_for_each(|(operand, ty)| require_dtype(op, operand, ty, DType::I8))
}

/// The values of a contiguous i8 tensor.
fn i8_values<'a>(op: &'static str, tensor: &'a Tensor) -> Result<&'a [i8], OpError> {
    tensor.as_slice().map_err(tensor_error(op))
}

/// Runs a kernel from a dense copy (or view) of x into the output.
fn with_dense(
    op: &'static str,
    x: &Tensor,
    output: &mut Tensor,
    kernel: impl FnOnce(&[i8], &mut [i8]) -> Result<(), KernelError>,
) -> Result<(), OpError> {
    let x = x.to_contiguous();
    let y = output.as_mut_slice().map_err(tensor_error(op))?;
    kernel(i8_values(op, &x)?, y).map_err(|source| OpError::Kernel { op, source })
}

/// Runs a kernel from dense copies (or views) of x and y into the only output.
fn with_dense_pair(
    op: &'static str,
    [x, y]: [&Tensor; 2],
    outputs: &mut [Tensor],
    kernel: impl FnOnce(&[i8], &[i8], &mut [i8]) -> Result<(), KernelError>,
) -> Result<(), OpError> {
    let y = y.to_contiguous();
    let y = i8_values(op, &y)?;
    with_dense(op, x, single_output(op, outputs)?, |x, out| kernel(x, y, out))
}

/// Hands weights, bias, multiplier and shift to `body` as a kernel takes them.
fn constants(
    op: &'static str,
    [w, bias, multiplier, shift]: [&Tensor; 4],
    zero: i8,
    body: impl FnOnce(&QWeights) -> Result<(), OpError>,
) -> Result<(), OpError> {
    let error = tensor_error(op);
    let [w, bias, multiplier, shift] = [w, bias, multiplier, shift].map(Tensor::to_contiguous);
    body(&QWeights {
        values: w.as_slice().map_err(&error)?,
        zero,
        bias: bias.as_slice().map_err(&error)?,
        multiplier: multiplier.as_slice().map_err(&error)?,
        shift: shift.as_slice().map_err(&error)?,
    })
}

/// The cost of `count` requantisations: one product, the sum with the rounding term and the zero point, the
/// shift and the clamp's two comparisons.
fn requantise_cost(count: u64) -> Cost {
    Cost::multiplications(count) + Cost::additions(2 * count) + Cost::others(3 * count)
}

/// The cost of inner products of `terms` with bias and requantisation.
///
/// Zero points count as part of the weights' and inputs' preparation, not as additions.
fn dot_cost(output: &TensorType, terms: usize) -> Cost {
    let elements = output.elements() as u64;
    Cost::inner_products(elements, terms as u64, elements) + requantise_cost(elements)
}
