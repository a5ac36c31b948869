//! `clamp`: every element brought between two bounds.

use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::support::{
    elementwise::{Class, infer_unary},
    single_output, tensor_error, tensors,
    walk::map,
};
use super::{And, GreaterEqual, LessEqual};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "clamp";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The elements brought between two bounds: min(max(x, low), high); NaN stays NaN.\n\
        Operand: x of a numeric type. Result: y like x.\n\
        Attributes: low, high (floats, may be infinite, low <= high); for integer types they are rounded \
        inwards.",
    build,
};

/// `min(max(x, low), high)`; NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clamp {
    /// The lower bound; may be negative infinity.
    pub low: f64,
    /// The upper bound; may be infinity.
    pub high: f64,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Clamp { low: reader.float("low")?, high: reader.float("high")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Clamp {
    fn clamp<T: Element>(self, x: &Tensor, y: &mut Tensor) -> Result<(), OpError> {
        // Conversion to an integer saturates, so an infinite bound becomes the type's own.
        let (low, high) = if T::DTYPE.is_float() {
            (T::from_f64(self.low), T::from_f64(self.high))
        } else {
            (T::from_f64(self.low.ceil()), T::from_f64(self.high.floor()))
        };
        map([x], y, |value: T| {
            let raised = if value < low { low } else { value };
            if raised > high { high } else { raised }
        })
        .map_err(tensor_error(NAME))
    }
}

impl Op for Clamp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("low", Attribute::Float(self.low)).with("high", Attribute::Float(self.high))
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        if self.low.is_nan() || self.high.is_nan() {
            let problem = format!("the bounds {} and {} must be numbers", self.low, self.high);
            return Err(OpError::Attribute {
                op: NAME.to_owned(),
                attribute: "low, high".to_owned(),
                problem,
            });
        }
        Ok(vec![infer_unary(NAME, &[Class::Float, Class::Integer], inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let y = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => self.clamp::<T>(x, y))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, _operand, gradient| {
            let x = context.input(0)?;
            let dtype = context.ty(x).dtype;
            let (low, high) = (context.scalar(dtype, self.low), context.scalar(dtype, self.high));
            let above = context.apply(GreaterEqual, &[x, low])?;
            let below = context.apply(LessEqual, &[x, high])?;
            let inside = context.apply(And, &[above, below])?;
            context.masked(inside, gradient)
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(2 * outputs[0].elements() as u64)
    }
}
