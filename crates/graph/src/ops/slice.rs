//! `slice`: a regular part of a tensor.

use std::sync::Arc;

use ediacara_tensor::{Tensor, TensorError};

use super::support::{copy_into, operand_error, operands, single_output, tensor_error, tensors};
use super::{Pad, PadMode, SliceScatter};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "slice";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Along each axis the elements starts, starts + steps, ... before ends. Indices are \
        literal: from 0, and with a \\n\
        negative step an end of -1 reaches index 0.\n\
        Operand: x of any type. Result: y.\n\
        Attributes: starts, ends, steps: one entry for each axis; steps are not 0.",
    build,
};

/// Along each axis the elements `starts`, `starts + steps`, ... before `ends`; one entry for each axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The first index along each axis.
    pub starts: Vec<i64>,
    /// The index along each axis before which to stop; -1, with a negative step, to reach index 0.
    pub ends: Vec<i64>,
    /// The step along each axis, not 0.
    pub steps: Vec<i64>,
}

impl Slice {
    /// All of a tensor of this shape.
    pub fn all(shape: &[usize]) -> Slice {
        Slice {
            starts: vec![0; shape.len()],
            ends: shape.iter().map(|&dimension| dimension as i64).collect(),
            steps: vec![1; shape.len()],
        }
    }

    /// The elements `start..end` along `axis` of a tensor of this shape, all along the others.
    ///
    /// # Panics
    /// There is no such axis.
    pub fn along(shape: &[usize], axis: usize, start: usize, end: usize) -> Slice {
        let mut slice = Slice::all(shape);
        (slice.starts[axis], slice.ends[axis]) = (start as i64, end as i64);
        slice
    }

    fn apply(&self, x: &Tensor) -> Result<Tensor, TensorError> {
        let mut view = x.clone();
        for axis in 0..x.rank() {
            let (start, end, step) =
                (self.starts[axis] as isize, self.ends[axis] as isize, self.steps[axis] as isize);
            view = view.slice(axis, start, end, step)?;
        }
        Ok(view)
    }
}

/// How many elements a slice takes of an axis; nothing if it leaves the axis or its step is 0.
fn count(start: i64, end: i64, step: i64, dimension: usize) -> Option<usize> {
    let dimension = i64::try_from(dimension).ok()?;
    let inside = (0..=dimension).contains(&start) && (-1..=dimension).contains(&end);
    match step {
        _ if !inside => None,
        0 => None,
        1.. if end < 0 => None,
        1.. => Some((end - start).max(0).div_ceil_by(step) as usize),
        _ if start == dimension && start > end => None,
        _ => Some((start - end).max(0).div_ceil_by(step.checked_neg()?) as usize),
    }
}

trait DivCeil {
    /// The quotient of a number that is not negative by a positive one, rounded up.
    fn div_ceil_by(self, divisor: Self) -> Self;
}

impl DivCeil for i64 {
    fn div_ceil_by(self, divisor: i64) -> i64 {
        self / divisor + i64::from(self % divisor != 0)
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Slice {
        starts: reader.ints("starts")?.to_vec(),
        ends: reader.ints("ends")?.to_vec(),
        steps: reader.ints("steps")?.to_vec(),
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("starts", Attribute::Ints(self.starts.clone()))
            .with("ends", Attribute::Ints(self.ends.clone()))
            .with("steps", Attribute::Ints(self.steps.clone()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if [&self.starts, &self.ends, &self.steps].iter().any(|list| list.len() != x.rank()) {
            let problem = "starts, ends and steps must have one entry for each of its axes";
            return Err(operand_error(NAME, "x", x, problem));
        }
        let mut shape = Vec::with_capacity(x.rank());
        for axis in 0..x.rank() {
            let (start, end, step) = (self.starts[axis], self.ends[axis], self.steps[axis]);
            let taken = count(start, end, step, x.shape[axis]).ok_or_else(|| {
                let problem = format!("cannot be sliced from {start} to {end} by {step} along axis {axis}");
                operand_error(NAME, "x", x, problem)
            })?;
            shape.push(taken);
        }
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let view = self.apply(x).map_err(tensor_error(NAME))?;
        copy_into(NAME, &view, single_output(NAME, outputs)?)
    }

    fn view(&self, input: &Tensor) -> Option<Tensor> {
        self.apply(input).ok()
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        let shape = context.input_type(0).shape;
        let taken = context.ty(gradient).shape.clone();
        // An empty slice has no gradient, and its starts may be the end of an axis.
        if taken.contains(&0) {
            return Ok(context.none());
        }
        let dx = if self.steps.iter().all(|&step| step == 1) {
            let before: Vec<usize> = self.starts.iter().map(|&start| start as usize).collect();
            let after = (0..shape.len()).map(|axis| shape[axis] - before[axis] - taken[axis]).collect();
            context.apply(Pad { before, after, mode: PadMode::Constant, value: 0.0 }, &[gradient])?
        } else {
            let scatter = SliceScatter { starts: self.starts.clone(), steps: self.steps.clone(), shape };
            context.apply(scatter, &[gradient])?
        };
        Ok(vec![Some(dx)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
