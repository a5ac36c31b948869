//! `broadcast`: repetition along axes of 1.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::support::{
    copy_into, operand_error, operands, single_output, tensor_error, tensors, walk::broadcast_shapes,
};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "broadcast";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x repeated to a larger shape by NumPy's rule.\n\
        Operand: x of any type, whose dimensions, aligned at the right, equal those of `shape` or are 1. \
        Result: y of `shape`.\n\
        Attributes: shape.",
    build,
};

/// x repeated to a larger shape by NumPy's rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    /// The result's dimensions.
    pub shape: Vec<usize>,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Broadcast { shape: reader.sizes("shape")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Broadcast {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("shape", Attribute::sizes(&self.shape))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if broadcast_shapes(&x.shape, &self.shape).as_ref() != Some(&self.shape) {
            let problem = format!(
                "cannot become {:?}: aligned at the right, dimensions must be equal or 1",
                self.shape
            );
            return Err(operand_error(NAME, "x", x, problem));
        }
        Ok(vec![TensorType::new(x.dtype, &self.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let view = x.broadcast_to(&self.shape).map_err(tensor_error(NAME))?;
        copy_into(NAME, &view, single_output(NAME, outputs)?)
    }

    fn view(&self, input: &Tensor) -> Option<Tensor> {
        input.broadcast_to(&self.shape).ok()
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        Ok(vec![Some(context.sum_to(gradient, &context.input_type(0).shape)?)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
