//! `isru`, the inverse square root unit v / sqrt(1 + v^2): a user's own operator, in one file.
//!
//! Carlile et al., "Improving Deep Learning by Inverse Square Root Linear Units", 2017.

use std::sync::Arc;

use ediacara_graph::ops::Pow;
use ediacara_graph::{
    AttributeReader, Attributes, Cost, DType, GradientContext, Op, OpDescription, OpError, OperandGradients,
    Tensor, TensorType,
};

/// What the registry is told.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: "isru",
    documentation: "v / sqrt(1 + v^2). Operand: v, f32 or f64. Result: y like v. No attributes.",
    build: |attributes| {
        AttributeReader::new("isru", attributes).finish()?;
        Ok(Arc::new(Isru))
    },
};

/// `v / sqrt(1 + v^2)`.
#[derive(Debug)]
pub(crate) struct Isru;

impl Op for Isru {
    fn name(&self) -> &'static str {
        "isru"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        match inputs {
            [v] if matches!(v.dtype, DType::F32 | DType::F64) => Ok(vec![(*v).clone()]),
            [v] => Err(OpError::Unsupported { op: "isru", dtype: v.dtype, supported: "f32" }),
            _ => Err(OpError::OperandCount { op: "isru", expected: "1".to_owned(), found: inputs.len() }),
        }
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let error = |source| OpError::Tensor { op: "isru", source };
        if inputs[0].dtype() == DType::F64 {
            let v = inputs[0].to_vec::<f64>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f64>().map_err(error)?;
            y.iter_mut().zip(v).for_each(|(y, v)| *y = v / (1.0 + v * v).sqrt());
        } else {
            let v = inputs[0].to_vec::<f32>().map_err(error)?;
            let y = outputs[0].as_mut_slice::<f32>().map_err(error)?;
            y.iter_mut().zip(v).for_each(|(y, v)| *y = v / (1.0 + v * v).sqrt());
        }
        Ok(())
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    /// The derivative is (1 + v^2)^(-3/2).
    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, _operand, gradient| {
            let v = context.input(0)?;
            let square = context.mul(v, v)?;
            let base = context.shift(square, 1.0)?;
            let exponent = context.scalar(context.ty(v).dtype, -1.5);
            let slope = context.apply(Pow, &[base, exponent])?;
            context.mul(gradient, slope)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::multiplications(elements) + Cost::additions(elements) + Cost::others(2 * elements)
    }
}
