//! `q_conv`: two-dimensional convolution of i8 in NHWC.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::int8::{QConvShape, QOutput, q_conv};
use ediacara_tensor::Tensor;

use super::{constants, require_i8, require_range, require_records, with_dense};
use crate::ops::support::{mismatch, operands, require_rank, single_output, tensors};
use crate::ops::window::{output_size, read_positive};

use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "q_conv";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Two-dimensional convolution of i8 in NHWC (rules N-DOT and N-REQUANTISE of \
        docs/numerics.md). Padding stands for x_zero.\n\
        Operands: x i8[N,H,W,C], w i8[O,KH,KW,C/groups], bias i32[O], multiplier i32[O], not negative, shift \
        u8[O], 1 to 62.\n\
        Result: y i8[N,OH,OW,O].\n\
        Attributes: stride, dilation [h,w] at least 1; padding [top,left,bottom,right]; groups (depthwise: \
        groups = C = O); x_zero, \
        w_zero, y_zero, low <= high: -128 to 127.",
    build,
};

/// Two-dimensional convolution of i8 in NHWC: `x[N,H,W,C]`, `w[O,KH,KW,C/groups]`, bias, multiplier and shift
/// `[O]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QConv {
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Padding `[top, left, bottom, right]`, which stands for `x_zero`.
    pub padding: [usize; 4],
    /// Distance between taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other, at least 1.
    pub groups: usize,
    /// Zero point of the input.
    pub x_zero: i8,
    /// Zero point of the weights.
    pub w_zero: i8,
    /// Zero point of the result.
    pub y_zero: i8,
    /// Lower bound of the stored result.
    pub low: i8,
    /// Upper bound of the stored result, at least `low`.
    pub high: i8,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = QConv {
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        groups: reader.int_as("groups")?,
        x_zero: reader.int_as("x_zero")?,
        w_zero: reader.int_as("w_zero")?,
        y_zero: reader.int_as("y_zero")?,
        low: reader.int_as("low")?,
        high: reader.int_as("high")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl QConv {
    /// The window over the input, for a kernel of this size.
    pub fn window(&self, kernel: [usize; 2]) -> Window {
        Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    fn shape(&self, x: &[usize], w: &[usize]) -> QConvShape {
        QConvShape {
            batch: x[0],
            input: [x[1], x[2]],
            in_channels: x[3],
            out_channels: w[0],
            groups: self.groups,
            window: self.window([w[1], w[2]]),
        }
    }
}

impl Op for QConv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("groups", Attribute::Int(self.groups as i64))
            .with("x_zero", Attribute::Int(self.x_zero.into()))
            .with("w_zero", Attribute::Int(self.w_zero.into()))
            .with("y_zero", Attribute::Int(self.y_zero.into()))
            .with("low", Attribute::Int(self.low.into()))
            .with("high", Attribute::Int(self.high.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, w, bias, multiplier, shift] = operands(NAME, inputs)?;
        require_range(NAME, self.low, self.high)?;
        require_i8(NAME, [("x", x), ("w", w)])?;
        require_rank(NAME, "x", x, 4, "[N,H,W,C]")?;
        require_rank(NAME, "w", w, 4, "[O,KH,KW,C/groups]")?;
        let (channels, outputs, groups) = (x.shape[3], w.shape[0], self.groups);
        let divides = groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups);
        if !divides || channels == 0 || w.shape[3] != channels / groups {
            let problem = format!(
                "groups {groups} must divide {channels} input and {outputs} output channels, and w must have \
                    C / groups"
            );
            return Err(mismatch(NAME, ("x", x), ("w", w), problem));
        }
        require_records(NAME, outputs, [bias, multiplier, shift])?;
        let [height, width] =
            output_size(NAME, &self.window([w.shape[1], w.shape[2]]), [x.shape[1], x.shape[2]])
                .map_err(|error| mismatch(NAME, ("x", x), ("w", w), error.to_string()))?;
        Ok(vec![TensorType::i8(&[x.shape[0], height, width, outputs])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, w, bias, multiplier, shift] = tensors(NAME, inputs)?;
        let shape = self.shape(x.shape(), w.shape());
        let output = QOutput { zero: self.y_zero, low: self.low, high: self.high };
        constants(NAME, [w, bias, multiplier, shift], self.w_zero, |weights| {
            with_dense(NAME, x, single_output(NAME, outputs)?, |x, y| {
                q_conv(&shape, x, self.x_zero, weights, output, y)
            })
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let terms: usize = inputs[1].shape[1..].iter().product();
        super::dot_cost(outputs[0], terms)
    }
}
