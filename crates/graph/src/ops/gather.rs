//! `gather`: slices picked by index.

use ediacara_tensor::{Element, Tensor, with_element};

use super::IndexAdd;
use super::support::{
    integer_attributes, operands, read_indices, require_axis, require_index_type, resolve_index,
    single_output, tensor_error, tensors,
};
use crate::{Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType};

const NAME: &str = "gather";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The slices of x along an axis that the indices name: y[.., i.., ..] = x[.., \
        indices[i..], ..].\n\
        Operands: x of any type, indices (i32 or i64, -size..size of the axis; negative ones count from the \
        end).\n\
        Result: y, x's shape with the axis replaced by the indices' shape.\n\
        Attributes: axis, from 0.",
    build,
};

/// The slices of x along an axis that the indices name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gather {
    /// The axis of x, from 0.
    pub axis: usize,
}

integer_attributes!(NAME, Gather { axis });

impl Gather {
    fn copy<T: Element>(&self, x: &Tensor, picks: &[usize], output: &mut Tensor) -> Result<(), OpError> {
        let inner: usize = x.shape()[self.axis + 1..].iter().product();
        let block = x.shape()[self.axis] * inner;
        let x = x.to_contiguous();
        let source = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        if target.is_empty() {
            return Ok(());
        }
        for (to, from) in target.chunks_exact_mut(picks.len() * inner).zip(source.chunks_exact(block)) {
            for (to, &pick) in to.chunks_exact_mut(inner).zip(picks) {
                to.copy_from_slice(&from[pick * inner..][..inner]);
            }
        }
        Ok(())
    }
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, indices] = operands(NAME, inputs)?;
        require_axis(NAME, "x", x, self.axis)?;
        require_index_type(NAME, "indices", indices)?;
        let mut shape = x.shape[..self.axis].to_vec();
        shape.extend(&indices.shape);
        shape.extend(&x.shape[self.axis + 1..]);
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, indices] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let size = x.shape()[self.axis];
        let picks: Result<Vec<usize>, OpError> = read_indices(NAME, indices)?
            .into_iter()
            .map(|index| resolve_index(NAME, "indices", index, size))
            .collect();
        with_element!(x.dtype(), T => self.copy::<T>(x, &picks?, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (gradient, indices) = (context.output_gradient(0)?, context.input(1)?);
        let shape = context.input_type(0).shape;
        let count = context.ty(indices).elements();
        let indices = context.reshape(indices, &[count])?;
        let rows = [&shape[..self.axis], &[count], &shape[self.axis + 1..]].concat();
        let gradient = context.reshape(gradient, &rows)?;
        let add = IndexAdd { axis: self.axis, size: shape[self.axis] };
        Ok(vec![Some(context.apply(add, &[indices, gradient])?), None])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
