//! `index_add`: slices added up where indices say.

use ediacara_tensor::{Element, Tensor};

use rayon::prelude::*;

use super::Gather;
use super::support::{
    integer_attributes, mismatch, operands, read_indices, require_axis, require_float, require_index_type,
    require_rank, resolve_index, single_output, tensor_error, tensors, with_float, write_float,
};
use crate::{Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType};

const NAME: &str = "index_add";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Zeros, and each slice of the updates along an axis added where its index says: the transpose \
        of gather. Slices of one index are added in order.\n\
        Operands: indices[K] (i32 or i64, -size..size; negative ones count from the end), updates of a \
        floating-point type, K along the axis. Result: y like the updates, `size` along the axis.\n\
        Attributes: axis, from 0; size.",
    build,
};

/// Zeros to which each slice of the updates along an axis is added where its index says:
/// `y[.., indices[k], ..] += updates[.., k, ..]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexAdd {
    /// The axis, from 0.
    pub axis: usize,
    /// The result's size along the axis.
    pub size: usize,
}

integer_attributes!(NAME, IndexAdd { axis, size });

impl Op for IndexAdd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [indices, updates] = operands(NAME, inputs)?;
        require_index_type(NAME, "indices", indices)?;
        require_rank(NAME, "indices", indices, 1, "[K]")?;
        require_float(NAME, "updates", updates)?;
        require_axis(NAME, "updates", updates, self.axis)?;
        if indices.shape[0] != updates.shape[self.axis] {
            let problem = format!("there must be one index for each slice along axis {}", self.axis);
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
        let size = self.size;
        let inner: usize = updates.shape()[self.axis + 1..].iter().product();
        let places: Result<Vec<usize>, OpError> = read_indices(NAME, indices)?
            .into_iter()
            .map(|index| resolve_index(NAME, "indices", index, size))
            .collect();
        let places = places?;
        with_float!(updates.dtype(), T => {
            let updates = updates.cast(T::DTYPE).to_contiguous();
            let updates = updates.as_slice::<T>().map_err(tensor_error(NAME))?;
            write_float(NAME, output, |y: &mut [T]| {
                y.fill(0.0);
                let block = places.len() * inner;
                // No two blocks of the outer axes meet, so that their order does not matter.
                y.par_chunks_mut(size * inner).enumerate().for_each(|(outer, y)| {
                    let updates = &updates[outer * block..][..block];
                    for (&place, update) in places.iter().zip(updates.chunks_exact(inner)) {
                        let sums = y[place * inner..][..inner].iter_mut();
                        sums.zip(update).for_each(|(sum, &value)| *sum += value);
                    }
                });
                Ok(())
            })
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (indices, gradient) = (context.input(0)?, context.output_gradient(0)?);
        Ok(vec![None, Some(context.apply(Gather { axis: self.axis }, &[gradient, indices])?)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::additions(inputs[1].elements() as u64)
    }
}
