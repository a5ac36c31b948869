//! `scatter_elements`: elements added up where indices along an axis say.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor};

use rayon::prelude::*;

use super::GatherElements;
use super::support::{
    mismatch, operands, read_indices, require_axis, require_float, require_index_type, resolve_index,
    single_output, tensor_error, tensors, with_float, write_float,
};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "scatter_elements";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Zeros, and each element of the updates added where its index along an axis says: the \
        transpose of gather_elements.\n\
        Operands: indices (i32 or i64, -size..size; negative ones count from the end), updates of a \
        floating-point type and the same shape. Result: y of the updates' shape, `size` along the axis.\n\
        Attributes: axis, from 0; size.",
    build,
};

/// Zeros, and each element of the updates added where its index along an axis says: `y[.., indices[i, j, k],
/// ..] += updates[i, j, k]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScatterElements {
    /// The axis, from 0.
    pub axis: usize,
    /// The result's size along the axis.
    pub size: usize,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = ScatterElements { axis: reader.int_as("axis")?, size: reader.int_as("size")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for ScatterElements {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("axis", Attribute::Int(self.axis as i64))
            .with("size", Attribute::Int(self.size as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [indices, updates] = operands(NAME, inputs)?;
        require_index_type(NAME, "indices", indices)?;
        require_float(NAME, "updates", updates)?;
        require_axis(NAME, "updates", updates, self.axis)?;
        if indices.shape != updates.shape {
            let problem = "there must be one index for each update";
            return Err(mismatch(NAME, ("indices", indices), ("updates", updates), problem));
        }
        let mut shape = updates.shape.clone();
        shape[self.axis] = self.size;
        Ok(vec![TensorType::new(updates.dtype, &shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [indices, updates] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if output.is_empty() {
            return Ok(());
        }
        let (count, size) = (updates.shape()[self.axis], self.size);
        let inner: usize = updates.shape()[self.axis + 1..].iter().product();
        let places = read_indices(NAME, indices)?;
        with_float!(updates.dtype(), T => {
            let updates = updates.cast(T::DTYPE).to_contiguous();
            let updates = updates.as_slice::<T>().map_err(tensor_error(NAME))?;
            write_float(NAME, output, |y: &mut [T]| {
                y.fill(0.0);
                // No two blocks of the outer axes meet, so that their order does not matter.
                let blocks = y.par_chunks_mut(size * inner).enumerate();
                blocks.try_for_each(|(outer, y)| {
                    let from = outer * count * inner..(outer + 1) * count * inner;
                    for (position, (&place, &update)) in places[from.clone()].iter().zip(&updates[from]).enumerate() {
                        y[resolve_index(NAME, "indices", place, size)? * inner + position % inner] += update;
                    }
                    Ok(())
                })
            })
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (indices, gradient) = (context.input(0)?, context.output_gradient(0)?);
        let updates = context.apply(GatherElements { axis: self.axis }, &[gradient, indices])?;
        Ok(vec![None, Some(updates)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::additions(inputs[1].elements() as u64)
    }
}
