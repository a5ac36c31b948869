//! `select`: a choice between two operands, element by element.

use std::sync::Arc;

use ediacara_tensor::{DType, Tensor, with_element};

use super::support::{
    mismatch, operands, require_dtype, require_same_dtype, single_output, tensor_error, tensors,
    walk::{broadcast_shapes, zip3},
};
use crate::{
    AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError, OperandGradients,
    TensorType,
};

const NAME: &str = "select";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "For each element, x where the condition is true, else y.\n\
        Operands: condition (bool), x, y of one type; all broadcast by NumPy's rule. Result: of x's type.\n\
        No attributes.",
    build,
};

/// `x` where the condition is true, else `y`, with NumPy broadcasting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Select;

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    AttributeReader::new(NAME, attributes).finish()?;
    Ok(Arc::new(Select))
}

impl Op for Select {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [condition, x, y] = operands(NAME, inputs)?;
        require_dtype(NAME, "condition", condition, DType::Bool)?;
        require_same_dtype(NAME, ("x", x), ("y", y))?;
        let problem = "aligned at the right, dimensions must be equal or 1";
        let both = broadcast_shapes(&x.shape, &y.shape)
            .ok_or_else(|| mismatch(NAME, ("x", x), ("y", y), problem))?;
        let shape = broadcast_shapes(&condition.shape, &both).ok_or_else(|| {
            let both = TensorType { dtype: x.dtype, shape: both.clone() };
            mismatch(NAME, ("condition", condition), ("x and y together", &both), problem)
        })?;
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [condition, x, y] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => {
            zip3([condition, x, y], output, |condition: bool, x: T, y: T| if condition { x } else { y })
        })
        .map_err(tensor_error(NAME))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, operand, gradient| {
            let condition = context.input(0)?;
            if operand == 1 {
                return context.masked(condition, gradient);
            }
            let zero = context.scalar(context.ty(gradient).dtype, 0.0);
            context.apply(Select, &[condition, zero, gradient])
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}
