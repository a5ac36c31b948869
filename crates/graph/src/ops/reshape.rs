//! `reshape`: the same elements under another shape.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::support::{operand_error, operands, single_output, tensor_error, tensors};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "reshape";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The same elements in row-major order under another shape.\n\
        Operand: x of any type and shape. Result: y of `shape`, with as many elements.\n\
        Attributes: shape, every dimension explicit.",
    build,
};

/// The same elements, in row-major order, under another shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Reshape {
    /// The new dimensions.
    pub shape: Vec<usize>,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Reshape { shape: reader.sizes("shape")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("shape", Attribute::sizes(&self.shape))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        let ty = TensorType::new(x.dtype, &self.shape);
        let elements = ty.checked_elements().map_err(tensor_error(NAME))?;
        if elements != x.elements() {
            let problem = format!("its {} elements do not make {ty} of {elements}", x.elements());
            return Err(operand_error(NAME, "x", x, problem));
        }
        Ok(vec![ty])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        super::support::copy_into(NAME, x, single_output(NAME, outputs)?)
    }

    fn view(&self, input: &Tensor) -> Option<Tensor> {
        if input.is_contiguous() { input.reshape(&self.shape).ok() } else { None }
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        Ok(vec![Some(context.reshape(gradient, &context.input_type(0).shape)?)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
