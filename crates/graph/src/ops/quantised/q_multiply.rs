//! `q_multiply`: the product of two i8 tensors.

use std::sync::Arc;

use ediacara_kernels::int8::{Multiplier, QOperand, QOutput, q_multiply, q_multiply_channels};
use ediacara_tensor::{DType, Tensor};

use super::{i8_values, require_multiplier, require_range, with_dense};
use crate::ops::support::{mismatch, operands, require_dtype, single_output, tensors};

use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_multiply";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The product of two i8 tensors (rule N-MULTIPLY of docs/numerics.md).\n\
        Operands: x i8, y i8 of x's shape, or y i8[N,1,1,C] where x is [N,H,W,C]. Result: i8 of x's shape.\n\
        Attributes: x_zero, y_zero, out_zero: -128 to 127; multiplier: 0 to 2^31 - 1; shift: 1 to 62; low <= \
        high.",
    build,
};

/// The product of two i8 tensors of one shape, or of `x[N,H,W,C]` and `y[N,1,1,C]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QMultiply {
    /// Zero point of x.
    pub x_zero: i8,
    /// Zero point of y.
    pub y_zero: i8,
    /// Multiplier, not negative.
    pub multiplier: i32,
    /// Right shift, 1 to 62.
    pub shift: u8,
    /// Zero point of the result.
    pub out_zero: i8,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = QMultiply {
        x_zero: reader.int_as("x_zero")?,
        y_zero: reader.int_as("y_zero")?,
        multiplier: reader.int_as("multiplier")?,
        shift: reader.int_as("shift")?,
        out_zero: reader.int_as("out_zero")?,
        low: reader.int_as("low")?,
        high: reader.int_as("high")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for QMultiply {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("x_zero", Attribute::Int(self.x_zero.into()))
            .with("y_zero", Attribute::Int(self.y_zero.into()))
            .with("multiplier", Attribute::Int(self.multiplier.into()))
            .with("shift", Attribute::Int(self.shift.into()))
            .with("out_zero", Attribute::Int(self.out_zero.into()))
            .with("low", Attribute::Int(self.low.into()))
            .with("high", Attribute::Int(self.high.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, y] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_multiplier(NAME, "multiplier", self.multiplier, self.shift)?;
        require_dtype(NAME, "x", x, DType::I8)?;
        require_dtype(NAME, "y", y, DType::I8)?;
        let by_channel =
            matches!((&x.shape[..], &y.shape[..]), ([n, _, _, c], [m, 1, 1, d]) if n == m && c == d);
        if x.shape != y.shape && !by_channel {
            let problem = "y must have x's shape, or be [N,1,1,C] where x is [N,H,W,C]";
            return Err(mismatch(NAME, ("x", x), ("y", y), problem));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, y] = tensors(NAME, inputs)?;
        let same_shape = x.shape() == y.shape();
        let y = y.to_contiguous();
        let y = QOperand { values: i8_values(NAME, &y)?, zero: self.y_zero };
        let output = QOutput { zero: self.out_zero, low: self.low, high: self.high };
        let multiplier = Multiplier { value: self.multiplier, shift: self.shift };
        let shape = x.shape();
        with_dense(NAME, x, single_output(NAME, outputs)?, |x, out| {
            let x = QOperand { values: x, zero: self.x_zero };
            if same_shape {
                q_multiply(x, y, multiplier, output, out)
            } else {
                q_multiply_channels([shape[0], shape[1] * shape[2], shape[3]], x, y, multiplier, output, out)
            }
        })
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        Cost::additions(2 * elements) + Cost::multiplications(elements) + super::requantise_cost(elements)
    }
}
