//! `gather_elements`: elements picked by their index along an axis.

use ediacara_tensor::{Element, Tensor, with_element};

use super::ScatterElements;
use super::support::{
    integer_attributes, mismatch, operands, read_indices, require_axis, require_index_type, resolve_index,
    single_output, tensor_error, tensors,
};
use crate::{Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType};

const NAME: &str = "gather_elements";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Elements picked by their index along an axis: y[i, j, k] = x[i, indices[i, j, k], k] for the \
        middle axis of three.\n\
        Operands: x of any type, indices (i32 or i64, -size..size of the axis; negative ones count from the \
        end), equal to x in every dimension but that of the axis. Result: y of the indices' shape.\n\
        Attributes: axis, from 0.",
    build,
};

/// Elements picked by their index along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatherElements {
    /// The axis, from 0.
    pub axis: usize,
}

integer_attributes!(NAME, GatherElements { axis });

impl GatherElements {
    fn copy<T: Element>(&self, x: &Tensor, indices: &Tensor, output: &mut Tensor) -> Result<(), OpError> {
        let (size, count) = (x.shape()[self.axis], indices.shape()[self.axis]);
        let inner: usize = x.shape()[self.axis + 1..].iter().product();
        let places = read_indices(NAME, indices)?;
        let x = x.to_contiguous();
        let source = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        for (position, (result, &place)) in target.iter_mut().zip(&places).enumerate() {
            let (outer, column) = (position / (count * inner), position % inner);
            let index = resolve_index(NAME, "indices", place, size)?;
            *result = source[(outer * size + index) * inner + column];
        }
        Ok(())
    }
}

impl Op for GatherElements {
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
        let fits = x.rank() == indices.rank()
            && (0..x.rank()).all(|axis| axis == self.axis || x.shape[axis] == indices.shape[axis]);
        if !fits {
            let problem = format!("dimensions must be equal except along axis {}", self.axis);
            return Err(mismatch(NAME, ("x", x), ("indices", indices), problem));
        }
        Ok(vec![TensorType::new(x.dtype, &indices.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, indices] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => self.copy::<T>(x, indices, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let (indices, gradient) = (context.input(1)?, context.output_gradient(0)?);
        let scatter = ScatterElements { axis: self.axis, size: context.input_type(0).shape[self.axis] };
        Ok(vec![Some(context.apply(scatter, &[indices, gradient])?), None])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
