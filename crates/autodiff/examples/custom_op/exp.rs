//! `user_exp`, the exponential function, as if the core had none: its gradient is its result.

use std::sync::Arc;

use ediacara_graph::{
    AttributeReader, Attributes, Cost, DType, GradientContext, Op, OpDescription, OpError, OperandGradients,
    Tensor, TensorType,
};

/// What the registry is told.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: "user_exp",
    documentation: "e^x. Operand: x, f32 or f64. Result: y like x. No attributes.",
    build: |attributes| {
        AttributeReader::new("user_exp", attributes).finish()?;
        Ok(Arc::new(UserExp))
    },
};

/// `e^x`.
#[derive(Debug)]
pub(crate) struct UserExp;

impl Op for UserExp {
    fn name(&self) -> &'static str {
        "user_exp"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        match inputs {
            [x] if matches!(x.dtype, DType::F32 | DType::F64) => Ok(vec![(*x).clone()]),
            [x] => Err(OpError::Unsupported { op: "user_exp", dtype: x.dtype, supported: "f32, f64" }),
            _ => Err(OpError::OperandCount { op: "user_exp", expected: "1".to_owned(), found: inputs.len() }),
        }
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let error = |source| OpError::Tensor { op: "user_exp", source };
        if inputs[0].dtype() == DType::F64 {
            let x = inputs[0].to_vec::<f64>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f64>().map_err(error)?;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x.exp());
        } else {
            let x = inputs[0].to_vec::<f32>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f32>().map_err(error)?;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x.exp());
        }
        Ok(())
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    /// The derivative of e^x is e^x.
    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, _operand, gradient| {
            let y = context.output(0)?;
            context.mul(gradient, y)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}
