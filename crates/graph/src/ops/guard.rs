//! `guard`: x, as long as some integers are those that shapes were made for.

use std::sync::Arc;

use ediacara_tensor::{DType, Tensor};

use super::support::{copy_into, operand_error, operands, single_output, tensor_error, tensors, value_error};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "guard";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x, as long as the integers are the expected ones, for which the shapes of the graph were \
        made; others are an error.\n\
        Operands: x of any type; seen, of integers or truth values. Result: y like x.\n\
        Attributes: expected, the integers in row-major order; name, what they are called in errors.",
    build,
};

/// x, as long as the second operand holds the expected integers; others are an error of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The integers in row-major order.
    pub expected: Vec<i64>,
    /// What they are called in errors.
    pub name: String,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Guard { expected: reader.ints("expected")?.to_vec(), name: reader.text("name")?.to_owned() };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Guard {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("expected", Attribute::Ints(self.expected.clone()))
            .with("name", Attribute::Text(self.name.clone()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, seen] = operands(NAME, inputs)?;
        let integers = seen.dtype.is_integer() || seen.dtype == DType::Bool;
        if !integers || seen.elements() != self.expected.len() {
            let problem = format!("must have {} integers", self.expected.len());
            return Err(operand_error(NAME, "seen", seen, problem));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, seen] = tensors(NAME, inputs)?;
        let seen: Vec<i64> = seen.cast(DType::I64).to_vec().map_err(tensor_error(NAME))?;
        if seen != self.expected {
            let problem = format!(
                "'{}' is {seen:?}, but shapes were made for {:?}, as in the sample that the network was imported \
                 with; import it with an input like this one",
                self.name, self.expected
            );
            return Err(value_error(NAME, "seen", problem));
        }
        copy_into(NAME, x, single_output(NAME, outputs)?)
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        Ok(vec![Some(context.output_gradient(0)?), None])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::others(inputs[1].elements() as u64)
    }
}
