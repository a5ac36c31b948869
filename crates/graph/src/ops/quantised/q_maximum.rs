//! `q_maximum`: the larger of two i8 tensors of one shape.

use ediacara_kernels::int8::{QOutput, q_maximum};
use ediacara_tensor::Tensor;

use super::{require_i8, require_range, with_dense_pair};
use crate::ops::support::{integer_attributes, operands, require_shape, tensors};

use crate::{Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_maximum";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The larger of two i8 tensors of one scale and zero point (rule N-MAXIMUM of docs/numerics.md).\n\
        Operands: x, y i8 of one shape. Result: i8 of that shape.\n\
        Attributes: low <= high: -128 to 127.",
    build,
};

/// The larger of two i8 tensors of one shape, scale and zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QMaximum {
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

integer_attributes!(NAME, QMaximum { low, high });

impl Op for QMaximum {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        self.integers()
    }

    fn is_elementwise(&self) -> bool {
        true
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, y] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_i8(NAME, [("x", x), ("y", y)])?;
        require_shape(NAME, "y", y, &x.shape, "that of x")?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let output = QOutput { zero: 0, low: self.low, high: self.high };
        with_dense_pair(NAME, tensors(NAME, inputs)?, outputs, |x, y, out| q_maximum(x, y, output, out))
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        // One comparison, then the clamp's two.
        Cost::others(3 * outputs[0].elements() as u64)
    }
}
