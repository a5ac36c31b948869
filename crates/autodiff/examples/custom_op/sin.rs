//! `user_sin`, the sine, as if the core had none: its gradient is the cosine.

use std::sync::Arc;

use ediacara_graph::ops::Cos;
use ediacara_graph::{
    AttributeReader, Attributes, Cost, DType, GradientContext, Op, OpDescription, OpError, OperandGradients,
    Tensor, TensorType,
};

/// What the registry is told.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: "user_sin",
    documentation: "The sine of x in radians. Operand: x, f32 or f64. Result: y like x. No attributes.",
    build: |attributes| {
        AttributeReader::new("user_sin", attributes).finish()?;
        Ok(Arc::new(UserSin))
    },
};

/// The sine of x in radians.
#[derive(Debug)]
pub(crate) struct UserSin;

impl Op for UserSin {
    fn name(&self) -> &'static str {
        "user_sin"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        match inputs {
            [x] if matches!(x.dtype, DType::F32 | DType::F64) => Ok(vec![(*x).clone()]),
            [x] => Err(OpError::Unsupported { op: "user_sin", dtype: x.dtype, supported: "f32, f64" }),
            _ => Err(OpError::OperandCount { op: "user_sin", expected: "1".to_owned(), found: inputs.len() }),
        }
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let error = |source| OpError::Tensor { op: "user_sin", source };
        if inputs[0].dtype() == DType::F64 {
            let x = inputs[0].to_vec::<f64>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f64>().map_err(error)?;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x.sin());
        } else {
            let x = inputs[0].to_vec::<f32>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f32>().map_err(error)?;
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x.sin());
        }
        Ok(())
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    /// The derivative of sin x is cos x.
    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, _operand, gradient| {
            let x = context.input(0)?;
            let slope = context.apply(Cos, &[x])?;
            context.mul(gradient, slope)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}
