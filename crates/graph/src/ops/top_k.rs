//! `top_k`: the largest or smallest elements along an axis.

use std::cmp::Ordering;
use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, with_element};
use rayon::prelude::*;

use super::ScatterElements;
use super::support::{operand_error, operands, require_axis, tensor_error, tensors};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "top_k";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The k largest (or smallest) elements along an axis, best first; of equal ones the lower \
        index comes first; NaN counts as \\n\
        largest.\n\
        Operand: x of a numeric type. Results: values like x with k along the axis, and their indices \
        (i64).\n\
        Attributes: k, at most the axis; axis, from 0; largest.",
    build,
};

/// The k largest or smallest elements along an axis, best first, and their indices (i64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopK {
    /// How many.
    pub k: usize,
    /// The axis, from 0.
    pub axis: usize,
    /// Whether the largest are taken, and not the smallest.
    pub largest: bool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = TopK { k: reader.int_as("k")?, axis: reader.int_as("axis")?, largest: reader.bool("largest")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

/// Ascending order with NaN last; sorting by it is stable, so that equal elements keep their order.
fn compare<T: Element>(a: T, b: T) -> Ordering {
    // A value that differs from itself is NaN.
    #[allow(clippy::eq_op, reason = "the way to find NaN in any element type")]
    let nan = |value: T| value != value;
    a.partial_cmp(&b).unwrap_or_else(|| nan(a).cmp(&nan(b)))
}

/// Up to so many, the best are kept in order while a row is read once.
///
/// For more, the row is sorted.
const KEPT: usize = 64;

impl TopK {
    fn pick<T: Element>(&self, x: &Tensor, values: &mut [T], indices: &mut [i64]) -> Result<(), OpError> {
        let size = x.shape()[self.axis];
        let inner: usize = x.shape()[self.axis + 1..].iter().product();
        let x = x.to_contiguous();
        let x = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let block = self.k * inner;
        let blocks =
            x.par_chunks(size * inner).zip(values.par_chunks_mut(block).zip(indices.par_chunks_mut(block)));
        blocks.for_each_init(Vec::new, |order, (x, (values, indices))| {
            for column in 0..inner {
                let at = |index: usize| x[index * inner + column];
                self.order(size, at, order);
                for (rank, &index) in order.iter().enumerate() {
                    values[rank * inner + column] = at(index);
                    indices[rank * inner + column] = index as i64;
                }
            }
        });
        Ok(())
    }

    /// The indices of the k best of `size` elements, best first.
    fn order<T: Element>(&self, size: usize, at: impl Fn(usize) -> T, order: &mut Vec<usize>) {
        let compare = |a: usize, b: usize| match self.largest {
            true => compare(at(b), at(a)),
            false => compare(at(a), at(b)),
        };
        order.clear();
        if self.k > KEPT {
            order.extend(0..size);
            order.sort_by(|&a, &b| compare(a, b));
            order.truncate(self.k);
            return;
        }
        for index in 0..size {
            let full = order.len() == self.k;
            if full && order.last().is_none_or(|&last| compare(index, last) != Ordering::Less) {
                continue;
            }
            let place = order.partition_point(|&kept| compare(kept, index) != Ordering::Greater);
            if full {
                order.pop();
            }
            order.insert(place, index);
        }
    }
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("k", Attribute::Int(self.k as i64))
            .with("axis", Attribute::Int(self.axis as i64))
            .with("largest", Attribute::Bool(self.largest))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_axis(NAME, "x", x, self.axis)?;
        if x.dtype == DType::Bool {
            return Err(operand_error(NAME, "x", x, "must have a numeric type"));
        }
        if self.k > x.shape[self.axis] {
            let problem = format!("has fewer than k = {} elements along axis {}", self.k, self.axis);
            return Err(operand_error(NAME, "x", x, problem));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.k;
        Ok(vec![TensorType::new(x.dtype, &shape), TensorType::new(DType::I64, &shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let found = outputs.len();
        let [values, indices] = outputs else {
            let problem = format!("has 2 outputs, {found} were allocated");
            return Err(OpError::Other { op: NAME.to_owned(), problem });
        };
        if values.is_empty() {
            return Ok(());
        }
        let indices = indices.as_mut_slice::<i64>().map_err(tensor_error(NAME))?;
        with_element!(x.dtype(), T => {
            self.pick::<T>(x, values.as_mut_slice().map_err(tensor_error(NAME))?, indices)
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let size = context.input_type(0).shape[self.axis];
        let (places, gradient) = (context.output(1)?, context.output_gradient(0)?);
        Ok(vec![Some(context.apply(ScatterElements { axis: self.axis, size }, &[places, gradient])?)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        // A sort of n elements takes about n log2 n comparisons.
        let size = inputs[0].shape[self.axis].max(1) as u64;
        Cost::others(
            inputs[0].elements() as u64 * u64::from(size.next_power_of_two().trailing_zeros()).max(1),
        )
    }
}
