//! What the operators share: integers in tensors of f32, and checks of operands and attributes.

use ediacara_graph::{AttributeReader, DType, OpError, Tensor, TensorError, TensorType};
use ediacara_onnx::{Node, NodeError};

/// Wide enough for products of three numbers of 32 bits and sums of them.
pub(crate) type Wide = i128;

/// Turns a tensor's error into the operator's.
pub(crate) fn tensor_error(op: &'static str) -> impl Fn(TensorError) -> OpError {
    move |source| OpError::Tensor { op, source }
}

/// Exactly `N` operands of f32.
pub(crate) fn operands<'a, const N: usize>(
    op: &'static str,
    inputs: &[&'a TensorType],
) -> Result<[&'a TensorType; N], OpError> {
    let count = || OpError::OperandCount { op, expected: N.to_string(), found: inputs.len() };
    let operands: [&TensorType; N] = inputs.try_into().map_err(|_| count())?;
    match operands.iter().find(|operand| operand.dtype != DType::F32) {
        Some(other) => Err(OpError::Unsupported { op, dtype: other.dtype, supported: "f32" }),
        None => Ok(operands),
    }
}

/// Exactly `N` operand tensors.
pub(crate) fn tensors<'a, const N: usize>(
    op: &'static str,
    inputs: &[&'a Tensor],
) -> Result<[&'a Tensor; N], OpError> {
    inputs.try_into().map_err(|_| OpError::OperandCount { op, expected: N.to_string(), found: inputs.len() })
}

/// An error about one operand.
pub(crate) fn operand_error(op: &'static str, operand: &str, found: &TensorType, problem: &str) -> OpError {
    OpError::Operand { op, operand: operand.to_owned(), found: found.clone(), problem: problem.to_owned() }
}

/// The length of the last axis, over which an operator works row by row.
pub(crate) fn row_length(op: &'static str, x: &TensorType) -> Result<usize, OpError> {
    match x.shape.last() {
        Some(&length) if length > 0 => Ok(length),
        _ => Err(operand_error(op, "x", x, "must have a last axis with elements")),
    }
}

/// Checks that a parameter has one number for each element of the last axis.
pub(crate) fn require_row(
    op: &'static str,
    name: &str,
    parameter: &TensorType,
    x: &TensorType,
) -> Result<(), OpError> {
    match parameter.shape == [row_length(op, x)?] {
        true => Ok(()),
        false => {
            Err(operand_error(op, name, parameter, "must have one number for each element of a row of x"))
        }
    }
}

/// The elements as integers: rounded to the nearest, ties to even, and held to 32 bits.
pub(crate) fn integers(op: &'static str, tensor: &Tensor) -> Result<Vec<Wide>, OpError> {
    let reals = tensor.to_vec::<f32>().map_err(tensor_error(op))?;
    // The cast saturates.
    Ok(reals.into_iter().map(|real| Wide::from(real.round_ties_even() as i32)).collect())
}

/// Writes integers into the only output; f32 holds them exactly up to 2^24.
pub(crate) fn write(
    op: &'static str,
    outputs: &mut [Tensor],
    values: impl IntoIterator<Item = Wide>,
) -> Result<(), OpError> {
    let count = outputs.len();
    let [output] = outputs else {
        let problem = format!("has 1 output, {count} were allocated");
        return Err(OpError::Other { op: op.to_owned(), problem });
    };
    let slice = output.as_mut_slice::<f32>().map_err(tensor_error(op))?;
    slice.iter_mut().zip(values).for_each(|(slot, value)| *slot = value as f32);
    Ok(())
}

/// The quotient rounded to minus infinity, for a divisor above 0.
pub(crate) fn floor_div(dividend: Wide, divisor: Wide) -> Wide {
    dividend.div_euclid(divisor)
}

/// An integer attribute of 32 bits that is above 0.
pub(crate) fn positive(reader: &mut AttributeReader<'_>, name: &'static str) -> Result<Wide, OpError> {
    match reader.int_as::<i32>(name)? {
        value if value > 0 => Ok(value.into()),
        value => Err(reader.error(name, format!("{value} must be above 0"))),
    }
}

/// An integer attribute of 32 bits.
pub(crate) fn integer(reader: &mut AttributeReader<'_>, name: &'static str) -> Result<Wide, OpError> {
    Ok(reader.int_as::<i32>(name)?.into())
}

/// A whole number of 32 bits from an attribute of a file, in whatever form it is written.
pub(crate) fn whole(node: &Node<'_>, name: &str) -> Result<i64, NodeError> {
    let number = node.number(name)?;
    let number = number.ok_or_else(|| NodeError::new(format!("has no attribute '{name}'")))?;
    match number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX) {
        true => Ok(number as i64),
        false => {
            Err(NodeError::new(format!("attribute '{name}' is {number}, not a whole number of 32 bits")))
        }
    }
}
