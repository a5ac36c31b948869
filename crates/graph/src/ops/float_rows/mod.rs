//! The float dialect: real numbers in rows, to the bit as docs/numerics.md, "Floating point", lays down; one
//! file an operator.
//!
//! A node of `f_row` or `f_scale` is one float instruction of the DLP. It goes row by row, where a row is the last axis. Operands of
//! type i8 stand for real numbers as [`Reading`] says, and a result of type i8 is stored as [`Writing`] says. Products
//! (`f_conv`, `f_matmul`) are those of the matrix engine, and windows (`f_window`) those of the vector engine.

mod f_conv;
mod f_matmul;
mod f_row;
mod f_scale;
mod f_window;
mod products;

pub use f_conv::FConv;
pub use f_matmul::FMatMul;
pub use f_row::FRow;
pub use f_scale::FScale;
pub use f_window::{FWindow, WindowOperation};

use ediacara_kernels::ordered::{self, Quantiser, canonical};
pub use ediacara_kernels::ordered::{Comparison, RowOperation};
use ediacara_tensor::{DType, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use super::support::{operand_error, tensor_error, walk::CHUNK_ELEMENTS};
use crate::{Attribute, AttributeReader, Attributes, Cost, OpDescription, OpError, TensorType};

pub(crate) const DESCRIPTIONS: &[OpDescription] = &[
    f_conv::DESCRIPTION,
    f_matmul::DESCRIPTION,
    f_row::DESCRIPTION,
    f_scale::DESCRIPTION,
    f_window::DESCRIPTION,
];

/// What the i8s of an operand stand for: `(q - zero) * scale` (N-FLOAT-READ). Other types stand for themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What a step stands for.
    pub scale: f32,
    /// The integer that stands for zero.
    pub zero: i8,
}

impl Default for Reading {
    /// Integers stand for themselves.
    fn default() -> Reading {
        Reading { scale: 1.0, zero: 0 }
    }
}

/// How a result is stored (N-FLOAT-WRITE).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Writing {
    /// The type: i8, f16, bf16 or f32.
    pub dtype: DType,
    /// i8: what a result is multiplied by.
    pub inverse_scale: f32,
    /// i8: the integer that stands for zero.
    pub zero: i8,
    /// i8: the least that is stored.
    pub low: i8,
    /// i8: the most that is stored, at least `low`.
    pub high: i8,
}

impl Default for Writing {
    /// As f32.
    fn default() -> Writing {
        Writing { dtype: DType::F32, inverse_scale: 1.0, zero: 0, low: i8::MIN, high: i8::MAX }
    }
}

impl Writing {
    /// As i8 of a scale and a zero point.
    pub fn quantised(scale: f32, zero: i8) -> Writing {
        Writing { dtype: DType::I8, inverse_scale: 1.0 / scale, zero, ..Writing::default() }
    }
}

/// Adds the attributes of operands and of the result.
fn with_types(attributes: Attributes, readings: &[(&str, Reading)], writing: Writing) -> Attributes {
    let with = |attributes: Attributes, (operand, reading): &(&str, Reading)| {
        attributes
            .with(&format!("{operand}_scale"), Attribute::Float(reading.scale.into()))
            .with(&format!("{operand}_zero"), Attribute::Int(reading.zero.into()))
    };
    with_writing(readings.iter().fold(attributes, with), writing)
}

/// Adds the attributes of the result.
fn with_writing(attributes: Attributes, writing: Writing) -> Attributes {
    attributes
        .with("type", Attribute::word(writing.dtype))
        .with("inverse_scale", Attribute::Float(writing.inverse_scale.into()))
        .with("zero", Attribute::Int(writing.zero.into()))
        .with("low", Attribute::Int(writing.low.into()))
        .with("high", Attribute::Int(writing.high.into()))
}

/// Reads what [`with_types`] wrote of an operand.
fn reading(
    reader: &mut AttributeReader<'_>,
    scale: &'static str,
    zero: &'static str,
) -> Result<Reading, OpError> {
    Ok(Reading { scale: reader.float(scale)? as f32, zero: reader.int_as(zero)? })
}

/// Reads what [`with_types`] wrote of the result.
fn writing(reader: &mut AttributeReader<'_>) -> Result<Writing, OpError> {
    let writing = Writing {
        dtype: reader.dtype("type")?,
        inverse_scale: reader.float("inverse_scale")? as f32,
        zero: reader.int_as("zero")?,
        low: reader.int_as("low")?,
        high: reader.int_as("high")?,
    };
    if !is_stored(writing.dtype) {
        return Err(reader.error("type", format!("{} is not one of i8, f16, bf16, f32", writing.dtype)));
    }
    if writing.low > writing.high {
        return Err(reader.error("low, high", format!("{} is above {}", writing.low, writing.high)));
    }
    Ok(writing)
}

/// The cost of inner products of `terms`, each with a factor and an addend.
fn dot_cost(output: &TensorType, terms: usize) -> Cost {
    let elements = output.elements() as u64;
    Cost::inner_products(elements, terms as u64, elements) + Cost::multiplications(elements)
}

/// Whether float instructions read and write elements of a type.
fn is_stored(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::F16 | DType::BF16 | DType::F32)
}

fn require_stored(op: &'static str, operand: &str, ty: &TensorType) -> Result<(), OpError> {
    match is_stored(ty.dtype) {
        true => Ok(()),
        false => Err(operand_error(op, operand, ty, "must be of i8, f16, bf16 or f32")),
    }
}

/// Dense elements that float instructions read.
enum Elements<'a> {
    I8(&'a [i8], Reading),
    F16(&'a [f16]),
    BF16(&'a [bf16]),
    F32(&'a [f32]),
}

impl<'a> Elements<'a> {
    /// Those of a contiguous tensor.
    fn of(op: &'static str, tensor: &'a Tensor, reading: Reading) -> Result<Elements<'a>, OpError> {
        let error = tensor_error(op);
        Ok(match tensor.dtype() {
            DType::I8 => Elements::I8(tensor.as_slice().map_err(error)?, reading),
            DType::F16 => Elements::F16(tensor.as_slice().map_err(error)?),
            DType::BF16 => Elements::BF16(tensor.as_slice().map_err(error)?),
            DType::F32 => Elements::F32(tensor.as_slice().map_err(error)?),
            dtype => return Err(OpError::Unsupported { op, dtype, supported: "i8, f16, bf16 or f32" }),
        })
    }

    /// The numbers of as many elements as `out` has, from `start` on.
    fn read(&self, start: usize, out: &mut [f32]) {
        let end = start + out.len();
        match self {
            Elements::I8(values, reading) => {
                ordered::read_i8(&values[start..end], reading.zero.into(), reading.scale, out);
            }
            Elements::F16(values) => {
                out.iter_mut()
                    .zip(&values[start..end])
                    .for_each(|(out, value)| *out = canonical(value.to_f32()));
            }
            Elements::BF16(values) => {
                out.iter_mut()
                    .zip(&values[start..end])
                    .for_each(|(out, value)| *out = canonical(value.to_f32()));
            }
            Elements::F32(values) => {
                out.iter_mut().zip(&values[start..end]).for_each(|(out, &value)| *out = canonical(value));
            }
        }
    }
}

/// Stores rows of results: `row(index, scratch, out)` computes row `index` of `length` numbers.
fn write_rows<S>(
    op: &'static str,
    writing: &Writing,
    length: usize,
    output: &mut Tensor,
    scratch: impl Fn() -> S + Sync,
    row: impl Fn(usize, &mut S, &mut [f32]) + Sync,
) -> Result<(), OpError> {
    let error = tensor_error(op);
    match writing.dtype {
        DType::I8 => {
            let Writing { inverse_scale, zero, low, high, .. } = *writing;
            let quantiser = Quantiser { inverse_scale, zero: zero.into(), low, high };
            let stored = output.as_mut_slice::<i8>().map_err(error)?;
            store(stored, length, scratch, row, |numbers, stored| {
                ordered::write_i8(numbers, &quantiser, stored);
            });
        }
        DType::F16 => {
            let stored = output.as_mut_slice::<f16>().map_err(error)?;
            store(stored, length, scratch, row, |numbers, stored| {
                stored.iter_mut().zip(numbers).for_each(|(half, &number)| *half = ordered::to_f16(number));
            });
        }
        DType::BF16 => {
            let stored = output.as_mut_slice::<bf16>().map_err(error)?;
            store(stored, length, scratch, row, |numbers, stored| {
                stored.iter_mut().zip(numbers).for_each(|(half, &number)| *half = ordered::to_bf16(number));
            });
        }
        _ => {
            let stored = output.as_mut_slice::<f32>().map_err(error)?;
            store(stored, length, scratch, row, |numbers, stored| stored.copy_from_slice(numbers));
        }
    }
    Ok(())
}

fn store<T: Send, S>(
    stored: &mut [T],
    length: usize,
    scratch: impl Fn() -> S + Sync,
    row: impl Fn(usize, &mut S, &mut [f32]) + Sync,
    write: impl Fn(&[f32], &mut [T]) + Sync,
) {
    // Rows of one number come from longer ones: a task has enough of them to be worth a thread.
    let rows = (CHUNK_ELEMENTS / length).clamp(1, 64);
    stored.par_chunks_mut(rows * length).enumerate().for_each(|(task, stored)| {
        let (mut scratch, mut numbers) = (scratch(), vec![0.0; length]);
        for (index, stored) in stored.chunks_mut(length).enumerate() {
            row(task * rows + index, &mut scratch, &mut numbers);
            write(&numbers, stored);
        }
    });
}
