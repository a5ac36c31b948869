//! `modulo`.

use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, bf16, f16};

use crate::ops::support::elementwise::{Class, infer_binary};
use crate::ops::support::magnitude::Magnitude;
use crate::ops::support::{single_output, tensor_error, tensors, walk::zip};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "modulo";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The remainder of x / y; for integers 0 where y is 0.\n\
        Operands: x, y of one numeric type, broadcast by NumPy's rule.\n\
        Attributes: truncated: false gives the divisor's sign, as Python; true the dividend's, as C's fmod.",
    build,
};

/// The remainder of `x / y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modulo {
    /// Whether the result has the dividend's sign (C's `fmod`) and not the divisor's (Python's `%`).
    pub truncated: bool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Modulo { truncated: reader.bool("truncated")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

macro_rules! float_floor {
    ($x:expr, $y:expr) => {{
        let (x, y) = ($x, $y);
        let remainder = x % y;
        if remainder != 0.0 && (remainder < 0.0) != (y < 0.0) { remainder + y } else { remainder }
    }};
}

impl Modulo {
    fn compute<T: Element>(
        self,
        operands: [&Tensor; 2],
        output: &mut Tensor,
        floor: impl Fn(T, T) -> T + Sync,
        truncated: impl Fn(T, T) -> T + Sync,
    ) -> Result<(), OpError> {
        let result =
            if self.truncated { zip(operands, output, truncated) } else { zip(operands, output, floor) };
        result.map_err(tensor_error(NAME))
    }

    fn integers<T: Element + Magnitude>(
        self,
        operands: [&Tensor; 2],
        output: &mut Tensor,
    ) -> Result<(), OpError> {
        self.compute(operands, output, T::remainder_floor, T::remainder_truncated)
    }
}

impl Op for Modulo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("truncated", Attribute::Bool(self.truncated))
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        context.elementwise(|context, operand, gradient| {
            if operand == 0 {
                return Ok(gradient);
            }
            // x mod y is x - q y with an integer q that is constant around x and y.
            let (x, y, z) = (context.input(0)?, context.input(1)?, context.output(0)?);
            let multiple = context.sub(z, x)?;
            let slope = context.div(multiple, y)?;
            context.mul(gradient, slope)
        })
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        Ok(vec![infer_binary(NAME, &[Class::Float, Class::Integer], inputs)?])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let operands: [&Tensor; 2] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        match operands[0].dtype() {
            DType::F32 => self.compute(operands, output, |x: f32, y: f32| float_floor!(x, y), |x, y| x % y),
            DType::F64 => self.compute(operands, output, |x: f64, y: f64| float_floor!(x, y), |x, y| x % y),
            DType::F16 => self.compute(
                operands,
                output,
                |x: f16, y: f16| f16::from_f32(float_floor!(x.to_f32(), y.to_f32())),
                |x, y| x % y,
            ),
            DType::BF16 => self.compute(
                operands,
                output,
                |x: bf16, y: bf16| bf16::from_f32(float_floor!(x.to_f32(), y.to_f32())),
                |x, y| x % y,
            ),
            DType::I8 => self.integers::<i8>(operands, output),
            DType::U8 => self.integers::<u8>(operands, output),
            DType::I32 => self.integers::<i32>(operands, output),
            DType::I64 => self.integers::<i64>(operands, output),
            DType::Bool => {
                Err(OpError::Unsupported { op: NAME, dtype: DType::Bool, supported: "a numeric type" })
            }
        }
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}
