//! `concat`: tensors side by side.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::Slice;
use super::support::{
    between, integer_attributes, mismatch, require_axis, require_same_dtype, single_output, tensor_error,
};
use crate::{Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients, TensorType};

const NAME: &str = "concat";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The operands one after the other along an axis.\n\
        Operands: x0, x1, ... (at least one) of one type, equal in every dimension but that of the axis. \
        Result: y.\n\
        Attributes: axis, from 0.",
    build,
};

/// The operands one after the other along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    /// The axis, from 0.
    pub axis: usize,
}

integer_attributes!(NAME, Concat { axis });

impl Concat {
    fn copy<T: Element>(&self, inputs: &[&Tensor], output: &mut Tensor) -> Result<(), OpError> {
        let inner: usize = output.shape()[self.axis + 1..].iter().product();
        let row = output.shape()[self.axis] * inner;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        let mut start = 0;
        for input in inputs {
            let piece = input.shape()[self.axis] * inner;
            if input.is_empty() {
                continue;
            }
            let dense = input.to_contiguous();
            let source = dense.as_slice::<T>().map_err(tensor_error(NAME))?;
            for (to, from) in target.chunks_exact_mut(row).zip(source.chunks_exact(piece)) {
                to[start..start + piece].copy_from_slice(from);
            }
            start += piece;
        }
        Ok(())
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        between(NAME, 1, usize::MAX, inputs.len())?;
        let first = inputs[0];
        require_axis(NAME, "x0", first, self.axis)?;
        let mut shape = first.shape.clone();
        for (index, other) in inputs.iter().enumerate().skip(1) {
            let name = format!("x{index}");
            require_same_dtype(NAME, ("x0", first), (&name, other))?;
            let fits = other.rank() == first.rank()
                && (0..first.rank()).all(|axis| axis == self.axis || other.shape[axis] == first.shape[axis]);
            if !fits {
                let problem = format!("dimensions must be equal except along axis {}", self.axis);
                return Err(mismatch(NAME, ("x0", first), (&name, other), problem));
            }
            shape[self.axis] = shape[self.axis].checked_add(other.shape[self.axis]).ok_or_else(|| {
                mismatch(NAME, ("x0", first), (&name, other), "together they are larger than memory can be")
            })?;
        }
        Ok(vec![TensorType { dtype: first.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 1, usize::MAX, inputs.len())?;
        let output = single_output(NAME, outputs)?;
        with_element!(inputs[0].dtype(), T => self.copy::<T>(inputs, output))
    }

    fn with_channels_last(&self) -> Option<Arc<dyn Op>> {
        const CHANNELS_LAST: [usize; 4] = [0, 3, 1, 2];
        Some(Arc::new(Concat { axis: *CHANNELS_LAST.get(self.axis)? }))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        let shape = context.ty(gradient).shape.clone();
        let mut start = 0;
        let mut starts = Vec::with_capacity(context.input_count());
        for operand in 0..context.input_count() {
            starts.push(start);
            start += context.input_type(operand).shape[self.axis];
        }
        context.for_needed(|context, operand| {
            let end = starts.get(operand + 1).copied().unwrap_or(start);
            context.apply(Slice::along(&shape, self.axis, starts[operand], end), &[gradient])
        })
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
