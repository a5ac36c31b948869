//! `log_softmax`: the logarithm of softmax, without loss where softmax is near 0.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use rayon::prelude::*;

use super::Exp;
use super::support::{
    operands, require_axis, require_float, single_output, tensor_error, tensors, walk::CHUNK_ELEMENTS,
    with_float, write_float,
};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "log_softmax";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x - max - log(sum(exp(x - max))) along an axis, the maximum taken along it too, so that \
        nothing overflows.\n\
        Operand: x of a floating-point type. Result: y like x.\n\
        Attributes: axis, from 0.",
    build,
};

/// `x - max - log(sum(exp(x - max)))` along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSoftmax {
    /// The axis, from 0.
    pub axis: usize,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = LogSoftmax { axis: reader.int_as("axis")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

/// Log-softmax over each `[size, inner]` block of dense `values`, along `size`, in place.
macro_rules! log_softmax_in_place {
    ($type:ty, $values:expr, $size:expr, $inner:expr) => {{
        let (size, inner): (usize, usize) = ($size, $inner);
        let blocks_a_task = (CHUNK_ELEMENTS / (size * inner)).max(1);
        $values.par_chunks_mut(blocks_a_task * size * inner).for_each(|task| {
            let mut largest = vec![<$type>::NEG_INFINITY; inner];
            let mut sum: Vec<$type> = vec![0.0; inner];
            for block in task.chunks_exact_mut(size * inner) {
                largest.fill(<$type>::NEG_INFINITY);
                sum.fill(0.0);
                for row in block.chunks_exact(inner) {
                    largest.iter_mut().zip(row).for_each(|(largest, &value)| *largest = largest.max(value));
                }
                for row in block.chunks_exact_mut(inner) {
                    for ((value, sum), &largest) in row.iter_mut().zip(&mut sum).zip(&largest) {
                        *value -= largest;
                        *sum += value.exp();
                    }
                }
                sum.iter_mut().for_each(|sum| *sum = sum.ln());
                for row in block.chunks_exact_mut(inner) {
                    row.iter_mut().zip(&sum).for_each(|(value, &sum)| *value -= sum);
                }
            }
        });
    }};
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("axis", Attribute::Int(self.axis as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_float(NAME, "x", x)?;
        require_axis(NAME, "x", x, self.axis)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if x.is_empty() {
            return Ok(());
        }
        let size = x.shape()[self.axis];
        let inner: usize = x.shape()[self.axis + 1..].iter().product();
        with_float!(x.dtype(), T => write_float::<T>(NAME, output, |values| {
            x.convert_to_slice(values).map_err(tensor_error(NAME))?;
            log_softmax_in_place!(T, values, size, inner);
            Ok(())
        }))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        // dy - exp(y) sum(dy).
        let (y, gradient) = (context.output(0)?, context.output_gradient(0)?);
        let softmax = context.apply(Exp, &[y])?;
        let sum = context.sum(gradient, &[self.axis])?;
        let share = context.mul(softmax, sum)?;
        Ok(vec![Some(context.sub(gradient, share)?)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        // Per element: one comparison, one exponential; two subtractions and one addition to the sum.
        let elements = inputs[0].elements() as u64;
        Cost::others(2 * elements) + Cost::additions(3 * elements)
    }
}
