//! `q_pool`: max and average pooling of i8 in NHWC.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::int8::{QOutput, QPoolKind, QPoolShape, q_pool, quantize_multiplier};
use ediacara_tensor::{DType, Tensor};

use super::{require_range, with_dense};
use crate::ops::PoolKind;
use crate::ops::pool::check_output;
use crate::ops::support::{operand_error, operands, require_dtype, require_rank, single_output, tensors};
use crate::ops::window::read_positive;

use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_pool";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Max or average pooling of i8 in NHWC (rules N-MAXPOOL and N-AVERAGE of \
        docs/numerics.md).\n\
        Operand: x i8[N,H,W,C]. Result: y i8[N,OH,OW,C].\n\
        Attributes: kind max or average; kernel, stride [h,w] at least 1; padding [top,left,bottom,right]; \
        output [OH,OW], each window \
        starting in the padded input; x_zero, y_zero; ratio = x_scale / y_scale, above 0 and below 2^30, \
        which an average divides \
        by the number of elements counted; count_include_pad: whether padding is counted; low <= high. A max \
        uses neither zero points nor ratio.",
    build,
};

/// Pooling of i8: `x[N,H,W,C]` to `y[N,OH,OW,C]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QPool {
    /// Max or average.
    pub kind: PoolKind,
    /// The window `[height, width]`.
    pub kernel: [usize; 2],
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Padding `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// The output `[height, width]`.
    pub output: [usize; 2],
    /// Zero point of the input.
    pub x_zero: i8,
    /// Zero point of the result.
    pub y_zero: i8,
    /// Scale of the input over scale of the result; an average divides it by the elements counted.
    pub ratio: f64,
    /// Whether padding counts in the divisor of an average.
    pub count_include_pad: bool,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = QPool {
        kind: reader.parse("kind")?,
        kernel: read_positive(&mut reader, "kernel")?,
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        output: read_positive(&mut reader, "output")?,
        x_zero: reader.int_as("x_zero")?,
        y_zero: reader.int_as("y_zero")?,
        ratio: reader.float("ratio")?,
        count_include_pad: reader.flag("count_include_pad")?,
        low: reader.int_as("low")?,
        high: reader.int_as("high")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl QPool {
    /// The window over the input.
    pub fn window(&self) -> Window {
        Window { kernel: self.kernel, stride: self.stride, padding: self.padding, dilation: [1, 1] }
    }
}

impl Op for QPool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("kind", Attribute::word(self.kind))
            .with("kernel", Attribute::sizes(&self.kernel))
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("output", Attribute::sizes(&self.output))
            .with("x_zero", Attribute::Int(self.x_zero.into()))
            .with("y_zero", Attribute::Int(self.y_zero.into()))
            .with("ratio", Attribute::Float(self.ratio))
            .with("count_include_pad", Attribute::Bool(self.count_include_pad))
            .with("low", Attribute::Int(self.low.into()))
            .with("high", Attribute::Int(self.high.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_dtype(NAME, "x", x, DType::I8)?;
        require_rank(NAME, "x", x, 4, "[N,H,W,C]")?;
        check_output(&self.window(), [x.shape[1], x.shape[2]], self.output)
            .map_err(|problem| operand_error(NAME, "x", x, problem))?;
        if self.kind == PoolKind::Average {
            quantize_multiplier(self.ratio).map_err(|source| OpError::Kernel { op: NAME, source })?;
        }
        Ok(vec![TensorType::i8(&[x.shape[0], self.output[0], self.output[1], x.shape[3]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let (dimensions, window) = (x.shape(), self.window());
        let shape = QPoolShape {
            batch: dimensions[0],
            input: [dimensions[1], dimensions[2]],
            channels: dimensions[3],
            output: self.output,
            window,
        };
        let kind = match self.kind {
            PoolKind::Max => QPoolKind::Max,
            PoolKind::Average => {
                let (x_zero, ratio, count_include_pad) = (self.x_zero, self.ratio, self.count_include_pad);
                QPoolKind::Average { x_zero, ratio, count_include_pad }
            }
        };
        let output = QOutput { zero: self.y_zero, low: self.low, high: self.high };
        with_dense(NAME, x, single_output(NAME, outputs)?, |x, y| q_pool(&shape, kind, output, x, y))
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        let taps = (self.kernel[0] * self.kernel[1]) as u64;
        match self.kind {
            PoolKind::Max => Cost::others(elements.saturating_mul(taps.saturating_sub(1))),
            PoolKind::Average => {
                Cost::additions(elements.saturating_mul(taps.saturating_sub(1)))
                    + super::requantise_cost(elements)
            }
        }
    }
}
