//! `scatter_elements`: elements added up where indices along an axis say.

use ediacara_kernels::float::Float;
use ediacara_tensor::{DType, Tensor};

use rayon::prelude::*;

use super::GatherElements;
use super::support::{
    integer_attributes, mismatch, operands, read_float, read_indices, require_axis, require_float,
    require_index_type, resolve_index, single_output, tensor_error, tensors, walk::CHUNK_ELEMENTS,
    with_float, write_float,
};
use crate::{Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType};

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

/// Zeros to which each element of the updates is added where its index along an axis says:
/// `y[.., indices[i, j, k], ..] += updates[i, j, k]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScatterElements {
    /// The axis, from 0.
    pub axis: usize,
    /// The result's size along the axis.
    pub size: usize,
}

integer_attributes!(NAME, ScatterElements { axis, size });

impl Op for ScatterElements {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
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
        let blocks = Blocks {
            count: updates.shape()[self.axis],
            size: self.size,
            inner: updates.shape()[self.axis + 1..].iter().product(),
        };
        let indices = indices.to_contiguous();
        with_float!(updates.dtype(), T => {
            let updates = read_float::<T>(NAME, updates)?;
            write_float(NAME, output, |y: &mut [T]| match indices.dtype() {
                DType::I32 => blocks.add(indices.as_slice::<i32>().map_err(tensor_error(NAME))?, &updates, y),
                _ => blocks.add(&read_indices(NAME, &indices)?, &updates, y),
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

/// The blocks of the axes before the one that is indexed.
///
/// In a block `count` times `inner` updates go to `size` times `inner` results. No two blocks meet, so that
/// their order does not matter.
struct Blocks {
    count: usize,
    size: usize,
    inner: usize,
}

impl Blocks {
    fn add<T: Float, I: Copy + Into<i64> + Sync>(
        &self,
        places: &[I],
        updates: &[T],
        y: &mut [T],
    ) -> Result<(), OpError> {
        let (from, to) = (self.count * self.inner, self.size * self.inner);
        y.fill(T::ZERO);
        if from == 0 {
            return Ok(());
        }
        let blocks = y.par_chunks_mut(to).zip(places.par_chunks(from)).zip(updates.par_chunks(from));
        blocks.with_min_len(CHUNK_ELEMENTS / to + 1).try_for_each(|((y, places), updates)| {
            let lines = places.chunks_exact(self.inner).zip(updates.chunks_exact(self.inner));
            for (places, updates) in lines {
                for (offset, (&place, &update)) in places.iter().zip(updates).enumerate() {
                    y[resolve_index(NAME, "indices", place.into(), self.size)? * self.inner + offset] +=
                        update;
                }
            }
            Ok(())
        })
    }
}
