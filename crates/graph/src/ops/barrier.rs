//! `barrier`: x, as a value that no rewrite takes for x.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::support::{copy_into, operands, single_output, tensors};
use crate::{
    AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients,
    TensorType,
};

const NAME: &str = "barrier";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x, as a value that no rewrite takes for x: what reads it is computed anew, and not shared with what \
        reads x. The backward pass computes with it what it did not keep.\n\
        Operand: x of any type. Result: y like x.\n\
        No attributes.",
    build,
};

/// x, as a value that no rewrite takes for x: what is computed from it is not shared with what is computed
/// from x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Barrier;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(Barrier))
}

impl Op for Barrier {
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
        Ok(vec![Some(context.output_gradient(0)?)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
