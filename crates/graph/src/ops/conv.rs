//! `conv`: two-dimensional convolution in NCHW.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::float::{ConvShape, conv2d};
use ediacara_tensor::Tensor;

use super::Activation;
use super::support::{
    between, mismatch, operand_error, read_f32, require_float, require_rank, require_same_dtype,
    require_shape, single_output, write_f32,
};
use super::window::{output_size, read_positive};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "conv";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Two-dimensional convolution (cross-correlation) in NCHW, with an optional bias and \
        activation.\n\
        Operands: x[N,C,H,W], w[O,C/groups,KH,KW], bias[O] (optional). Result: y[N,O,OH,OW].\n\
        Attributes: stride [h,w] and dilation [h,w] at least 1; padding [top,left,bottom,right]; groups \
        divides C and O; \
        activation none, relu or \"clamp(low,high)\".\n\
        OH = (H + top + bottom - dilation * (KH - 1) - 1) / stride + 1, rounded down.",
    build,
};

/// Two-dimensional convolution: `y = activation(x * w + bias)`; `x[N,C,H,W]`, `w[O,C/groups,KH,KW]`,
/// `bias[O]` optional.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Zeros around the input `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// Distance between kernel taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other, at least 1.
    pub groups: usize,
    /// Applied to the result.
    pub activation: Activation,
}

impl Default for Conv {
    /// Stride 1, no padding, no dilation, one group, no activation.
    fn default() -> Self {
        Conv { stride: [1; 2], padding: [0; 4], dilation: [1; 2], groups: 1, activation: Activation::None }
    }
}

impl Conv {
    /// The window over the input, for a kernel of this size.
    pub fn window(&self, kernel: [usize; 2]) -> Window {
        Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    fn shape(&self, x: &[usize], w: &[usize]) -> ConvShape {
        ConvShape {
            batch: x[0],
            in_channels: x[1],
            input: [x[2], x[3]],
            out_channels: w[0],
            groups: self.groups,
            window: self.window([w[2], w[3]]),
        }
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Conv {
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        groups: reader.int_as("groups")?,
        activation: reader.parse("activation")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("groups", Attribute::Int(self.groups as i64))
            .with("activation", Attribute::word(self.activation))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let (x, w) = (inputs[0], inputs[1]);
        require_float(NAME, "x", x)?;
        require_same_dtype(NAME, ("x", x), ("w", w))?;
        require_rank(NAME, "x", x, 4, "[N,C,H,W]")?;
        require_rank(NAME, "w", w, 4, "[O,C/groups,KH,KW]")?;
        let (channels, outputs, groups) = (x.shape[1], w.shape[0], self.groups);
        if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            let problem =
                format!("groups {groups} must divide the {channels} input and {outputs} output channels");
            return Err(mismatch(NAME, ("x", x), ("w", w), problem));
        }
        if w.shape[1] != channels / groups {
            let problem = format!("w has {} channels a group, x has {channels} / {groups}", w.shape[1]);
            return Err(mismatch(NAME, ("x", x), ("w", w), problem));
        }
        if let Some(bias) = inputs.get(2) {
            require_same_dtype(NAME, ("x", x), ("bias", bias))?;
            require_shape(NAME, "bias", bias, &[outputs], "one entry for each output channel of w")?;
        }
        if w.shape[2..].contains(&0) {
            return Err(operand_error(NAME, "w", w, "has an empty kernel"));
        }
        let [height, width] =
            output_size(NAME, &self.window([w.shape[2], w.shape[3]]), [x.shape[2], x.shape[3]])
                .map_err(|error| mismatch(NAME, ("x", x), ("w", w), error.to_string()))?;
        Ok(vec![TensorType::new(x.dtype, &[x.shape[0], outputs, height, width])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let (x, w) = (read_f32(NAME, inputs[0])?, read_f32(NAME, inputs[1])?);
        let bias = inputs.get(2).map(|bias| read_f32(NAME, bias)).transpose()?;
        let shape = self.shape(inputs[0].shape(), inputs[1].shape());
        write_f32(NAME, single_output(NAME, outputs)?, |y| {
            conv2d(&shape, &x, &w, bias.as_deref(), self.activation.kernel(), y)
                .map_err(|source| OpError::Kernel { op: NAME, source })
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        let terms: usize = inputs[1].shape[1..].iter().product();
        let biases = if inputs.len() > 2 { elements } else { 0 };
        Cost::inner_products(elements, terms as u64, biases)
            + Cost::others(elements * self.activation.comparisons())
    }
}
