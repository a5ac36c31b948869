//! `stop_gradient`: x, through which no gradient flows.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::support::{copy_into, operands, single_output, tensors};
use crate::{
    AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients,
    TensorType,
};

const NAME: &str = "stop_gradient";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x, through which no gradient flows.\n\
        Operand: x of any type. Result: y like x.\n\
        No attributes.",
    build,
};

/// x, through which no gradient flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StopGradient;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(StopGradient))
}

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        copy_into(NAME, x, single_output(NAME, outputs)?)
    }

    fn view(&self, input: &Tensor) -> Option<Tensor> {
        Some(input.clone())
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        Ok(context.none())
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
