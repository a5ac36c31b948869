//! `cast`: conversion to another element type.

use std::sync::Arc;

use ediacara_tensor::{DType, Tensor, with_element};

use super::support::{operands, single_output, tensor_error, tensors};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "cast";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The elements converted to another type: floats to integers truncate and saturate (NaN \
        gives 0), integers wrap, \\n\
        everything but zero becomes true.\n\
        Operand: x of any type. Result: y of x's shape.\n\
        Attributes: to, an element type.",
    build,
};

/// Conversion to another element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cast {
    /// The result's element type.
    pub to: DType,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Cast { to: reader.dtype("to")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("to", Attribute::word(self.to))
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        Ok(vec![TensorType::new(self.to, &x.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(self.to, T => {
            let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
            x.convert_to_slice(target).map_err(tensor_error(NAME))
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        context.for_needed(|context, operand| {
            context.apply(Cast { to: context.input_type(operand).dtype }, &[gradient])
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        if inputs[0].dtype == self.to { Cost::NONE } else { Cost::others(outputs[0].elements() as u64) }
    }
}
