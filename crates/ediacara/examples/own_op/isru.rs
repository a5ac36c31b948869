//! `isru`, the inverse square root unit x / sqrt(1 + alpha x^2): a user's own operator, in one file.
//!
//! Carlile et al., "Improving Deep Learning by Inverse Square Root Linear Units", 2017.

use std::sync::Arc;

use ediacara::graph::ops::{Add, Div, Mul, Pow, Sqrt};
use ediacara::graph::{
    Attribute, AttributeReader, Attributes, Cost, DType, Emit, GradientContext, Op, OpDescription, OpError,
    OperandGradients, Tensor, TensorType, ValueId,
};

const NAME: &str = "isru";

/// The description with which a registry reads the operator from text.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "x / sqrt(1 + alpha x^2). Operand: x, f32. Result: y like x. Attribute: alpha, above 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let alpha = reader.float("alpha")?;
        reader.finish()?;
        Ok(Arc::new(Isru { alpha }))
    },
};

/// `x / sqrt(1 + alpha x^2)`.
#[derive(Debug)]
pub(crate) struct Isru {
    pub(crate) alpha: f64,
}

impl Op for Isru {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("alpha", Attribute::Float(self.alpha))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        match inputs {
            [x] if x.dtype == DType::F32 => Ok(vec![(*x).clone()]),
            [x] => Err(OpError::Unsupported { op: NAME, dtype: x.dtype, supported: "f32" }),
            _ => Err(OpError::OperandCount { op: NAME, expected: "1".to_owned(), found: inputs.len() }),
        }
    }

    /// The host's kernel, which also computes the 256 numbers of the DLP's table.
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let error = |source| OpError::Tensor { op: NAME, source };
        let alpha = self.alpha as f32;
        let x = inputs[0].to_vec::<f32>().map_err(error)?;
        let y = outputs[0].as_mut_slice::<f32>().map_err(error)?;
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x / (1.0 + alpha * x * x).sqrt());
        Ok(())
    }

    /// An elementwise operator is a table on the DLP.
    fn is_elementwise(&self) -> bool {
        true
    }

    /// The derivative is (1 + alpha x^2)^(-3/2).
    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, _operand, gradient| {
            let x = context.input(0)?;
            let square = context.mul(x, x)?;
            let scaled = context.scale(square, self.alpha)?;
            let base = context.shift(scaled, 1.0)?;
            let exponent = context.scalar(context.ty(x).dtype, -1.5);
            let slope = context.apply(Pow, &[base, exponent])?;
            context.mul(gradient, slope)
        })
    }

    /// The function that an exported file has in the operator's place.
    fn composition(&self, emit: &mut dyn Emit, inputs: &[ValueId]) -> Result<Option<Vec<ValueId>>, OpError> {
        let x = inputs[0];
        let [alpha, one] = [self.alpha as f32, 1.0].map(|number| emit.constant(Tensor::scalar(number)));
        let square = emit.one(Mul, &[x, x])?;
        let scaled = emit.one(Mul, &[square, alpha])?;
        let sum = emit.one(Add, &[scaled, one])?;
        let root = emit.one(Sqrt, &[sum])?;
        Ok(Some(vec![emit.one(Div, &[x, root])?]))
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::multiplications(2 * elements) + Cost::additions(elements) + Cost::others(2 * elements)
    }
}
