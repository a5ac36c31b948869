//! `cumulative_sum`: the sum of the elements up to each, along an axis.

use std::sync::Arc;

use ediacara_tensor::{DType, Tensor};

use super::support::{
    copy_into, operand_error, operands, require_axis, single_output, tensor_error, tensors,
    walk::for_each_block, with_float, write_float,
};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "cumulative_sum";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The sum of the elements before each one along an axis, and of it, in their order; integers \
        wrap.\n\
        Operand: x of a numeric type. Result: y like x.\n\
        Attributes: axis, from 0; exclusive: whether an element is left out of its own sum; reverse: whether \
        the elements behind count and not those before.",
    build,
};

/// The sum of the elements up to each, along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CumulativeSum {
    /// The axis, from 0.
    pub axis: usize,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether the elements behind count and not those before.
    pub reverse: bool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = CumulativeSum {
        axis: reader.int_as("axis")?,
        exclusive: reader.bool("exclusive")?,
        reverse: reader.bool("reverse")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl CumulativeSum {
    /// Sums along the rows of each `[size, inner]` block of dense `values`, in place.
    fn sum<T: Copy + Send + Sync>(
        self,
        values: &mut [T],
        [size, inner]: [usize; 2],
        zero: T,
        add: impl Fn(T, T) -> T + Sync,
    ) {
        for_each_block(
            values,
            size * inner,
            || vec![zero; inner],
            |block, sums| {
                sums.fill(zero);
                for step in 0..size {
                    let row = if self.reverse { size - 1 - step } else { step };
                    for (value, sum) in block[row * inner..][..inner].iter_mut().zip(&mut *sums) {
                        let before = *sum;
                        *sum = add(before, *value);
                        *value = if self.exclusive { before } else { *sum };
                    }
                }
            },
        );
    }
}

impl Op for CumulativeSum {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("axis", Attribute::Int(self.axis as i64))
            .with("exclusive", Attribute::Bool(self.exclusive))
            .with("reverse", Attribute::Bool(self.reverse))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_axis(NAME, "x", x, self.axis)?;
        if x.dtype == DType::Bool {
            return Err(operand_error(NAME, "x", x, "must have a numeric type"));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if x.is_empty() {
            return Ok(());
        }
        let block = [x.shape()[self.axis], x.shape()[self.axis + 1..].iter().product()];
        if x.dtype().is_integer() {
            // The low bits of a sum follow from the low bits of its terms, whatever the width.
            let mut sums = x.cast(DType::I64).to_vec::<i64>().map_err(tensor_error(NAME))?;
            self.sum(&mut sums, block, 0, i64::wrapping_add);
            let sums = Tensor::from_vec(x.shape(), sums).map_err(tensor_error(NAME))?;
            return copy_into(NAME, &sums.cast(x.dtype()), output);
        }
        with_float!(x.dtype(), T => write_float::<T>(NAME, output, |values| {
            x.convert_to_slice(values).map_err(tensor_error(NAME))?;
            self.sum(values, block, 0.0, |sum, value| sum + value);
            Ok(())
        }))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        // An element is part of every sum from its own on, so that it gathers their gradients in the other
        // direction.
        let gradient = context.output_gradient(0)?;
        let back = CumulativeSum { reverse: !self.reverse, ..*self };
        Ok(vec![Some(context.apply(back, &[gradient])?)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::additions(inputs[0].elements() as u64)
    }
}
