//! `matmul`: the batched matrix product.

use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, TensorError};

use ediacara_kernels::float::{Float, MatrixMut, MatrixRef, gemm};
use rayon::prelude::*;

use super::support::{
    as_float, mismatch, operand_error, operands, require_same_dtype, single_output, tensor_error, tensors,
    walk::{broadcast_shapes, offsets},
    with_float, write_float,
};
use crate::{
    AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients,
    TensorType,
};

const NAME: &str = "matmul";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The matrix product of the last two dimensions, as NumPy's matmul.\n\
        Operands: x[..,M,K], y[..,K,N] of one numeric type; leading dimensions are broadcast; a vector x[K] \
        counts as one row and \\n\
        a vector y[K] as one column, and that dimension is dropped from the result. Result: [..,M,N].\n\
        No attributes.",
    build,
};

/// The matrix product of the last two dimensions, leading ones broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatMul;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(MatMul))
}

/// The shapes of a product with vectors made matrices.
struct Product {
    /// The broadcast leading dimensions.
    batch: Vec<usize>,
    rows: usize,
    terms: usize,
    columns: usize,
}

impl Product {
    fn of(x: &[usize], y: &[usize]) -> Option<Product> {
        let (x_batch, [rows, terms]) = match x {
            [] => return None,
            [terms] => (&[][..], [1, *terms]),
            [batch @ .., rows, terms] => (batch, [*rows, *terms]),
        };
        let (y_batch, [y_terms, columns]) = match y {
            [] => return None,
            [terms] => (&[][..], [*terms, 1]),
            [batch @ .., terms, columns] => (batch, [*terms, *columns]),
        };
        if terms != y_terms {
            return None;
        }
        Some(Product { batch: broadcast_shapes(x_batch, y_batch)?, rows, terms, columns })
    }

    /// The shape of the batch's matrices of these sizes.
    fn matrices(&self, rows: usize, columns: usize) -> Vec<usize> {
        [self.batch.as_slice(), &[rows, columns]].concat()
    }

    fn result(&self, x: &[usize], y: &[usize]) -> Vec<usize> {
        let mut shape = self.batch.clone();
        if x.len() > 1 {
            shape.push(self.rows);
        }
        if y.len() > 1 {
            shape.push(self.columns);
        }
        shape
    }

    /// The operands as matrices over the whole batch.
    fn views(&self, x: &Tensor, y: &Tensor) -> Result<[Tensor; 2], TensorError> {
        let x = if x.rank() == 1 { x.reshape(&[1, self.terms])? } else { x.clone() };
        let y = if y.rank() == 1 { y.reshape(&[self.terms, 1])? } else { y.clone() };
        Ok([
            x.broadcast_to(&self.matrices(self.rows, self.terms))?,
            y.broadcast_to(&self.matrices(self.terms, self.columns))?,
        ])
    }
}

/// The shape with a vector made a matrix: one column, or one row.
fn matrix_shape(shape: &[usize], column: bool) -> Vec<usize> {
    match shape {
        [terms] if column => vec![*terms, 1],
        [terms] => vec![1, *terms],
        _ => shape.to_vec(),
    }
}

/// One matrix of a batch: where it starts in the storage, and its strides, which are not negative.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    row_stride: usize,
    column_stride: usize,
}

/// Where each matrix of a batch lies.
fn places(view: &Tensor, batch: &[usize]) -> Vec<Place> {
    let strides = view.strides();
    let [row_stride, column_stride] = [strides[batch.len()] as usize, strides[batch.len() + 1] as usize];
    let axes: Vec<(usize, isize)> = batch.iter().copied().zip(strides.iter().copied()).collect();
    let start = |offset: isize| Place {
        start: (view.offset() as isize + offset) as usize,
        row_stride,
        column_stride,
    };
    offsets(&axes).into_iter().map(start).collect()
}

/// A view without negative strides along rows and columns.
fn forward(view: Tensor, rank: usize) -> Tensor {
    if view.strides()[rank - 2..].iter().any(|&stride| stride < 0) { view.copy() } else { view }
}

/// Below this many products a matrix is not worth the kernel's own threads.
///
/// Batches are spread over threads instead.
const SMALL_PRODUCT: usize = 1 << 18;

fn run_float<T: Float + Element>(
    product: &Product,
    x: &Tensor,
    y: &Tensor,
    output: &mut [T],
) -> Result<(), OpError> {
    let [x, y] = product.views(x, y).map_err(tensor_error(NAME))?;
    let (x, y) = (forward(x, product.batch.len() + 2), forward(y, product.batch.len() + 2));
    let (x_places, y_places) = (places(&x, &product.batch), places(&y, &product.batch));
    let (x, _) = x.as_storage::<T>().map_err(tensor_error(NAME))?;
    let (y, _) = y.as_storage::<T>().map_err(tensor_error(NAME))?;
    let (rows, terms, columns) = (product.rows, product.terms, product.columns);
    let one = |(output, (x_place, y_place)): (&mut [T], (&Place, &Place))| {
        let left = &x[x_place.start..];
        let right = &y[y_place.start..];
        let left = MatrixRef::strided(left, rows, terms, x_place.row_stride, x_place.column_stride)?;
        let right = MatrixRef::strided(right, terms, columns, y_place.row_stride, y_place.column_stride)?;
        gemm(T::ONE, left, right, T::ZERO, MatrixMut::row_major(output, rows, columns)?)
    };
    let matrices = x_places.len();
    let result = if matrices > 1 && rows * terms * columns < SMALL_PRODUCT {
        let places = x_places.par_iter().zip(&y_places);
        output.par_chunks_mut(rows * columns).zip(places).try_for_each(one)
    } else {
        output.chunks_mut(rows * columns).zip(x_places.iter().zip(&y_places)).try_for_each(one)
    };
    result.map_err(|source| OpError::Kernel { op: NAME, source })
}

/// The product in a type without a kernel of its own.
fn run_plain<T: Element>(
    product: &Product,
    x: &Tensor,
    y: &Tensor,
    output: &mut Tensor,
    accumulate: impl Fn(T, T, T) -> T,
) -> Result<(), OpError> {
    let [x, y] = product.views(x, y).map_err(tensor_error(NAME))?;
    let (x, y) = (x.to_vec::<T>().map_err(tensor_error(NAME))?, y.to_vec::<T>().map_err(tensor_error(NAME))?);
    let output = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
    let (rows, terms, columns) = (product.rows, product.terms, product.columns);
    output.fill(T::default());
    for (matrix, output) in output.chunks_exact_mut(rows * columns).enumerate() {
        let (x, y) = (&x[matrix * rows * terms..], &y[matrix * terms * columns..]);
        for (row, output) in output.chunks_exact_mut(columns).enumerate() {
            for term in 0..terms {
                let (factor, line) = (x[row * terms + term], &y[term * columns..][..columns]);
                output.iter_mut().zip(line).for_each(|(sum, &value)| *sum = accumulate(*sum, factor, value));
            }
        }
    }
    Ok(())
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, y] = operands(NAME, inputs)?;
        require_same_dtype(NAME, ("x", x), ("y", y))?;
        if x.dtype == DType::Bool {
            return Err(operand_error(NAME, "x", x, "must have a numeric type"));
        }
        let product = Product::of(&x.shape, &y.shape).ok_or_else(|| {
            let problem = "x[..,M,K] and y[..,K,N] must have one K and leading dimensions that broadcast";
            mismatch(NAME, ("x", x), ("y", y), problem)
        })?;
        Ok(vec![TensorType { dtype: x.dtype, shape: product.result(&x.shape, &y.shape) }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, y] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let problem = "the operands are not those that were inferred".to_owned();
        let product =
            Product::of(x.shape(), y.shape()).ok_or(OpError::Other { op: NAME.to_owned(), problem })?;
        if output.is_empty() {
            return Ok(());
        }
        match x.dtype() {
            DType::I8 => {
                run_plain(&product, x, y, output, |sum: i8, a, b| sum.wrapping_add(a.wrapping_mul(b)))
            }
            DType::U8 => {
                run_plain(&product, x, y, output, |sum: u8, a, b| sum.wrapping_add(a.wrapping_mul(b)))
            }
            DType::I32 => {
                run_plain(&product, x, y, output, |sum: i32, a, b| sum.wrapping_add(a.wrapping_mul(b)))
            }
            DType::I64 => {
                run_plain(&product, x, y, output, |sum: i64, a, b| sum.wrapping_add(a.wrapping_mul(b)))
            }
            dtype => with_float!(dtype, T => {
                let (x, y) = (as_float::<T>(NAME, x)?, as_float::<T>(NAME, y)?);
                write_float::<T>(NAME, output, |output| run_float(&product, &x, &y, output))
            }),
        }
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let shapes = [context.input_type(0).shape, context.input_type(1).shape];
        let problem = "the operands are not those that were inferred".to_owned();
        let product =
            Product::of(&shapes[0], &shapes[1]).ok_or(OpError::Other { op: NAME.to_owned(), problem })?;
        let gradient = context.output_gradient(0)?;
        let gradient = context.reshape(gradient, &product.matrices(product.rows, product.columns))?;
        context.for_needed(|context, operand| {
            let other = context.input(1 - operand)?;
            let other = context.reshape(other, &matrix_shape(&shapes[1 - operand], operand == 0))?;
            let shape = matrix_shape(&shapes[operand], operand == 1);
            let whole = match operand {
                0 => {
                    let transposed = context.transpose_matrices(other)?;
                    context.apply(MatMul, &[gradient, transposed])?
                }
                _ if shape.len() == 2 && !product.batch.is_empty() && shapes[0].len() > 2 => {
                    // One matrix serves the whole batch, so that the batch only adds terms to one product.
                    let rows = product.batch.iter().product::<usize>() * product.rows;
                    let x = context.broadcast(other, &product.matrices(product.rows, product.terms))?;
                    let x = context.reshape(x, &[rows, product.terms])?;
                    let (x, gradient) = (
                        context.transpose(x, &[1, 0])?,
                        context.reshape(gradient, &[rows, product.columns])?,
                    );
                    context.apply(MatMul, &[x, gradient])?
                }
                _ => {
                    let transposed = context.transpose_matrices(other)?;
                    context.apply(MatMul, &[transposed, gradient])?
                }
            };
            let summed = context.sum_to(whole, &shape)?;
            context.reshape(summed, &shapes[operand])
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let terms = inputs[0].shape.last().copied().unwrap_or(0);
        Cost::inner_products(outputs[0].elements() as u64, terms as u64, 0)
    }
}
