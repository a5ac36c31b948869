//! `slice_scatter`: a regular part of a tensor of zeros.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::Slice;
use super::support::{operand_error, operands, single_output, tensor_error, tensors, walk::offsets};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "slice_scatter";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Zeros of `shape`, with x at the indices starts, starts + steps, ... along each axis: the \
        transpose of slice.\n\
        Operand: x of any type. Result: y of `shape`.\n\
        Attributes: starts, steps: one entry for each axis; steps are not 0 and stay inside `shape`; shape.",
    build,
};

/// Zeros of a shape, with x at the indices `starts`, `starts + steps`, ... along each axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceScatter {
    /// Where x's first element along each axis goes.
    pub starts: Vec<i64>,
    /// The distance of x's elements along each axis, not 0.
    pub steps: Vec<i64>,
    /// The result's dimensions.
    pub shape: Vec<usize>,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = SliceScatter {
        starts: reader.ints("starts")?.to_vec(),
        steps: reader.ints("steps")?.to_vec(),
        shape: reader.sizes("shape")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl SliceScatter {
    fn place<T: Element>(&self, x: &Tensor, output: &mut Tensor) -> Result<(), OpError> {
        let values = x.to_vec::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        target.fill(T::default());
        let (mut axes, mut first) = (Vec::with_capacity(self.shape.len()), 0);
        for axis in 0..self.shape.len() {
            let stride = self.shape[axis + 1..].iter().product::<usize>() as i64;
            first += self.starts[axis] * stride;
            axes.push((x.shape()[axis], (self.steps[axis] * stride) as isize));
        }
        for (offset, value) in offsets(&axes).into_iter().zip(values) {
            target[(first as isize + offset) as usize] = value;
        }
        Ok(())
    }
}

impl Op for SliceScatter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("starts", Attribute::Ints(self.starts.clone()))
            .with("steps", Attribute::Ints(self.steps.clone()))
            .with("shape", Attribute::sizes(&self.shape))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        let rank = x.rank();
        if [self.starts.len(), self.steps.len(), self.shape.len()] != [rank; 3] {
            let problem = "starts, steps and shape must have one entry for each of its axes";
            return Err(operand_error(NAME, "x", x, problem));
        }
        for axis in 0..rank {
            let (start, step, size) = (self.starts[axis], self.steps[axis], x.shape[axis]);
            let inside = |index: Option<i64>| {
                index
                    .and_then(|index| usize::try_from(index).ok())
                    .is_some_and(|index| index < self.shape[axis])
            };
            let last =
                i64::try_from(size).ok().and_then(|size| (size - 1).checked_mul(step)?.checked_add(start));
            if step == 0 || (size > 0 && !(inside(Some(start)) && inside(last))) {
                let problem =
                    format!("from {start} by {step} it does not fit the {} of axis {axis}", self.shape[axis]);
                return Err(operand_error(NAME, "x", x, problem));
            }
        }
        Ok(vec![TensorType::new(x.dtype, &self.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => self.place::<T>(x, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        let shape = context.input_type(0).shape;
        if shape.contains(&0) {
            return Ok(context.none());
        }
        // With a negative step an end of -1 is beyond index 0.
        let ends = (0..shape.len()).map(|axis| {
            let last = self.starts[axis] + (shape[axis] as i64 - 1) * self.steps[axis];
            last + self.steps[axis].signum()
        });
        let slice = Slice { starts: self.starts.clone(), ends: ends.collect(), steps: self.steps.clone() };
        Ok(vec![Some(context.apply(slice, &[gradient])?)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
