//! `gather_nd`: slices picked by index tuples.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::support::{
    mismatch, operands, read_indices, require_index_type, resolve_row, single_output, tensor_error, tensors,
};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

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

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = GatherNd { batch_dims: reader.int_as("batch_dims")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

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
        Attributes::new().with("batch_dims", Attribute::Int(self.batch_dims as i64))
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

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
