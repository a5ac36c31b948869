//! `scatter_nd`: slices replaced by index tuples.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::support::{
    mismatch, operands, read_indices, require_index_type, require_same_dtype, require_shape, resolve_row,
    single_output, tensor_error, tensors,
};
use crate::{AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

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

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
