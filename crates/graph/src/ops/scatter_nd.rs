//! `scatter_nd`: slices replaced by index tuples.

use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::support::{
    mismatch, operands, read_indices, require_index_type, require_same_dtype, require_shape, resolve_row,
    single_output, tensor_error, tensors,
};
use super::{Equal, GatherNd};
use crate::{
    AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients,
    TensorType,
};

const NAME: &str = "scatter_nd";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x with the slices that the rows of the indices name replaced by the updates; of equal \
        rows the last one stays.\n\
        Operands: x of any type, indices (i32 or i64) [I.., K] with K from 1 to the rank of x, updates of \
        x's type, [I..] and the \\n\
        dimensions of x from K on. Result: y like x.\n\
        No attributes.",
    build,
};

/// x with the slices that the rows of the indices name replaced by the updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScatterNd;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(ScatterNd))
}

fn scatter<T: Element>([x, indices, updates]: [&Tensor; 3], output: &mut Tensor) -> Result<(), OpError> {
    let depth = indices.shape()[indices.rank() - 1];
    let indexed = &x.shape()[..depth];
    let inner: usize = x.shape()[depth..].iter().product();
    let picks = read_indices(NAME, indices)?;
    let updates = updates.to_contiguous();
    let source = updates.as_slice::<T>().map_err(tensor_error(NAME))?;
    let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
    x.copy_to_slice(target).map_err(tensor_error(NAME))?;
    for (number, row) in picks.chunks_exact(depth).enumerate() {
        let start = resolve_row(NAME, "indices", row, indexed)? * inner;
        target[start..start + inner].copy_from_slice(&source[number * inner..][..inner]);
    }
    Ok(())
}

impl Op for ScatterNd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, indices, updates] = operands(NAME, inputs)?;
        require_index_type(NAME, "indices", indices)?;
        require_same_dtype(NAME, ("x", x), ("updates", updates))?;
        let depth = indices.shape.last().copied().unwrap_or(0);
        if depth == 0 || depth > x.rank() {
            let problem = format!("the last dimension of the indices must be 1 to {}", x.rank());
            return Err(mismatch(NAME, ("x", x), ("indices", indices), problem));
        }
        let mut expected = indices.shape[..indices.rank() - 1].to_vec();
        expected.extend(&x.shape[depth..]);
        require_shape(NAME, "updates", updates, &expected, "one slice of x for each row of the indices")?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let operands: [&Tensor; 3] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(operands[0].dtype(), T => scatter::<T>(operands, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (gradient, indices) = (context.output_gradient(0)?, context.input(1)?);
        let updates = context.input_type(2);
        context.for_needed(|context, operand| {
            if operand == 0 {
                let zeros = context.zeros(&updates)?;
                return context.apply(ScatterNd, &[gradient, indices, zeros]);
            }
            // Only the last of equal rows is in the result. Each row leaves its number at its place, then
            // looks whether it finds its own number there.
            let rows_shape = context.ty(indices).shape.split_last().map_or(vec![], |(_, rows)| rows.to_vec());
            let depth = context.ty(indices).shape.last().copied().unwrap_or(0);
            let count: usize = rows_shape.iter().product();
            let numbers =
                Tensor::from_vec(&rows_shape, (0..count as i64).collect()).map_err(tensor_error(NAME))?;
            let numbers = context.constant(numbers);
            let blank = context.zeros(&TensorType::new(DType::I64, &context.input_type(0).shape[..depth]))?;
            let board = context.apply(ScatterNd, &[blank, indices, numbers])?;
            let found = context.apply(GatherNd { batch_dims: 0 }, &[board, indices])?;
            let last = context.apply(Equal, &[found, numbers])?;
            let mut mask_shape = rows_shape;
            mask_shape.resize(updates.rank(), 1);
            let last = context.reshape(last, &mask_shape)?;
            let picked = context.apply(GatherNd { batch_dims: 0 }, &[gradient, indices])?;
            context.masked(last, picked)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
