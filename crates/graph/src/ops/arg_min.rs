//! `arg_min`: the index of the smallest element along an axis.

use std::sync::Arc;

use ediacara_tensor::{DType, Tensor, with_element};

use super::reduce::reduced_shape;
use super::support::{
    fold::best_index, operand_error, operands, require_axis, single_output, tensor_error, tensors,
};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "arg_min";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The index of the smallest element along an axis; NaN counts as smallest.\n\
        Operand: x of a numeric type, the axis not empty. Result: y (i64) without the axis, or with 1 in its \
        place.\n\
        Attributes: axis, from 0; keep_dims; last: whether of equal elements the last one is taken and not \
        the first.",
    build,
};

/// The index (i64) of the smallest element along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgMin {
    /// The axis, from 0.
    pub axis: usize,
    /// Whether the axis stays, with dimension 1.
    pub keep_dims: bool,
    /// Whether of equal elements the last one is taken.
    pub last: bool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = ArgMin {
        axis: reader.int_as("axis")?,
        keep_dims: reader.bool("keep_dims")?,
        last: reader.flag("last")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for ArgMin {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("axis", Attribute::Int(self.axis as i64))
            .with("keep_dims", Attribute::Bool(self.keep_dims))
            .with("last", Attribute::Bool(self.last))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_axis(NAME, "x", x, self.axis)?;
        if x.dtype == DType::Bool {
            return Err(operand_error(NAME, "x", x, "must have a numeric type"));
        }
        if x.shape[self.axis] == 0 {
            return Err(operand_error(NAME, "x", x, format!("axis {} is empty", self.axis)));
        }
        Ok(vec![TensorType::new(DType::I64, &reduced_shape(&x.shape, &[self.axis], self.keep_dims))])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => {
            // A comparison of a value with itself fails for NaN alone.
            #[allow(clippy::eq_op, reason = "the way to find NaN in any element type")]
            let better = |new: T, best: T| new.lt(&best) || (new != new && best == best);
            let level = |new: T, best: T| new == best;
            best_index(x, self.axis, output, |new, best| better(new, best) || (self.last && level(new, best)))
        })
        .map_err(tensor_error(NAME))
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::others(inputs[0].elements() as u64)
    }
}
