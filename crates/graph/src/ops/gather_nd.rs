//! `gather_nd`: slices picked by index tuples.

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::support::{
    integer_attributes, mismatch, operands, read_indices, require_index_type, resolve_row, single_output,
    tensor_error, tensors,
};
use super::{Add, Cast, IndexAdd, Modulo, Mul, Reduce, ReduceKind};
use crate::{
    Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType, ValueId,
};

const NAME: &str = "gather_nd";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y[b.., i.., ..] = x[b.., indices[b.., i.., 0], indices[b.., i.., 1], .., ..]: each row \
        of the indices names a slice of x.\n\
        Operands: x of any type, indices (i32 or i64) [B.., I.., K], the first batch_dims dimensions equal \
        to x's; K is at least 1 \\n\
        and at most the rank of x less batch_dims. Result: y, [B.., I..] and the dimensions of x from \
        batch_dims + K on.\n\
        Attributes: batch_dims.",
    build,
};

/// Slices of x picked by the rows of the indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherNd {
    /// How many leading dimensions x and the indices share.
    pub batch_dims: usize,
}

/// The rows of indices `[B.., I.., K]` as positions: one dimension, i64.
///
/// A position counts from 0, in row-major order, over x's first `batch_dims + K` dimensions.
fn flat_rows(
    context: &mut GradientContext,
    indices: ValueId,
    shape: &[usize],
    batch_dims: usize,
) -> Result<ValueId, OpError> {
    let ty = context.ty(indices).clone();
    let (depth, last) = (ty.shape[ty.rank() - 1], ty.rank() - 1);
    let sizes = &shape[batch_dims..batch_dims + depth];
    let integers =
        |shape: &[usize], values: Vec<i64>| Tensor::from_vec(shape, values).map_err(tensor_error(NAME));
    let strides = (0..depth).map(|index| sizes[index + 1..].iter().product::<usize>() as i64).collect();
    let strides = context.constant(integers(&[depth], strides)?);
    let limits = context.constant(integers(&[depth], sizes.iter().map(|&size| size as i64).collect())?);
    let indices = context.apply(Cast { to: DType::I64 }, &[indices])?;
    // Negative indices count from the end.
    let indices = context.apply(Modulo { truncated: false }, &[indices, limits])?;
    let places = context.apply(Mul, &[indices, strides])?;
    let sum = Reduce { kind: ReduceKind::Sum, axes: vec![last], keep_dims: false };
    let places = context.apply(sum, &[places])?;
    let rows: usize = ty.shape[batch_dims..last].iter().product();
    let batch: usize = shape[..batch_dims].iter().product();
    let block: usize = sizes.iter().product();
    let places = context.reshape(places, &[batch, rows])?;
    let starts = integers(&[batch, 1], (0..batch).map(|image| (image * block) as i64).collect())?;
    let starts = context.constant(starts);
    let places = context.apply(Add, &[places, starts])?;
    context.reshape(places, &[batch * rows])
}

integer_attributes!(NAME, GatherNd { batch_dims });

impl GatherNd {
    fn copy<T: Element>(&self, x: &Tensor, indices: &Tensor, output: &mut Tensor) -> Result<(), OpError> {
        let batch: usize = x.shape()[..self.batch_dims].iter().product();
        let depth = indices.shape()[indices.rank() - 1];
        let indexed = x.shape()[self.batch_dims..self.batch_dims + depth].to_vec();
        let inner: usize = x.shape()[self.batch_dims + depth..].iter().product();
        let block: usize = indexed.iter().product::<usize>() * inner;
        let rows: usize = indices.shape()[self.batch_dims..indices.rank() - 1].iter().product();
        let picks = read_indices(NAME, indices)?;
        let x = x.to_contiguous();
        let source = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        for (number, row) in picks.chunks_exact(depth).enumerate().take(batch * rows) {
            let start = (number / rows) * block + resolve_row(NAME, "indices", row, &indexed)? * inner;
            target[number * inner..][..inner].copy_from_slice(&source[start..start + inner]);
        }
        Ok(())
    }
}

impl Op for GatherNd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, indices] = operands(NAME, inputs)?;
        require_index_type(NAME, "indices", indices)?;
        let batch = self.batch_dims;
        if batch >= indices.rank() || batch >= x.rank() || x.shape[..batch] != indices.shape[..batch] {
            let problem =
                format!("the first batch_dims = {batch} dimensions must be equal, and more must follow");
            return Err(mismatch(NAME, ("x", x), ("indices", indices), problem));
        }
        let depth = indices.shape[indices.rank() - 1];
        if depth == 0 || depth > x.rank() - batch {
            let problem = format!("the last dimension of the indices must be 1 to {}", x.rank() - batch);
            return Err(mismatch(NAME, ("x", x), ("indices", indices), problem));
        }
        let mut shape = indices.shape[..indices.rank() - 1].to_vec();
        shape.extend(&x.shape[batch + depth..]);
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, indices] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if output.is_empty() {
            return Ok(());
        }
        with_element!(x.dtype(), T => self.copy::<T>(x, indices, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (gradient, indices) = (context.output_gradient(0)?, context.input(1)?);
        let shape = context.input_type(0).shape;
        let depth = context.ty(indices).shape.last().copied().unwrap_or(0);
        let rows = flat_rows(context, indices, &shape, self.batch_dims)?;
        let count = context.ty(rows).elements();
        let (indexed, slice) = shape.split_at(self.batch_dims + depth);
        let gradient = context.reshape(gradient, &[&[count], slice].concat())?;
        let add = IndexAdd { axis: 0, size: indexed.iter().product() };
        let summed = context.apply(add, &[rows, gradient])?;
        Ok(vec![Some(context.reshape(summed, &shape)?), None])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
