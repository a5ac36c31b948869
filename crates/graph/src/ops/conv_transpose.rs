//! `conv_transpose`: two-dimensional transposed convolution in NCHW.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use ediacara_kernels::Window;
use ediacara_kernels::float::{ConvTransposeShape, conv_transpose2d};

use super::conv::channel_sums;
use super::support::{
    between, mismatch, read_float, require_float, require_rank, require_same_dtype, require_shape,
    single_output, with_float, write_float,
};
use super::window::read_positive;
use super::{Activation, Conv, ConvFilterGradient, Slice};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "conv_transpose";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Two-dimensional transposed convolution in NCHW: the gradient of `conv` with respect to \
        its input.\n\
        Operands: x[N,C,H,W], w[C,O/groups,KH,KW], bias[O] (optional). Result: y[N,O,OH,OW].\n\
        Attributes: stride, dilation [h,w] at least 1; padding [top,left,bottom,right], cut off the result; \
        output_padding [h,w], \
        added at its bottom and right; groups; activation none, relu or \"clamp(low,high)\".\n\
        OH = stride * (H - 1) + output_padding + dilation * (KH - 1) + 1 - top - bottom.",
    build,
};

/// Transposed convolution: `x[N,C,H,W]`, `w[C,O/groups,KH,KW]`, `bias[O]` optional.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvTranspose {
    /// Distance between input elements in the output `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// What is cut off the result `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// Distance between kernel taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// What is added to the result at the bottom and the right `[height, width]`.
    pub output_padding: [usize; 2],
    /// Groups of channels that do not see each other, at least 1.
    pub groups: usize,
    /// Applied to the result.
    pub activation: Activation,
}

impl Default for ConvTranspose {
    /// Stride 1, nothing cut off or added, no dilation, one group, no activation.
    fn default() -> Self {
        ConvTranspose {
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output_padding: [0; 2],
            groups: 1,
            activation: Activation::None,
        }
    }
}

impl ConvTranspose {
    fn shape(&self, x: &[usize], w: &[usize]) -> ConvTransposeShape {
        let kernel = [w[2], w[3]];
        ConvTransposeShape {
            batch: x[0],
            in_channels: x[1],
            input: [x[2], x[3]],
            out_channels: w[1] * self.groups,
            groups: self.groups,
            window: Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation },
            output_padding: self.output_padding,
        }
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = ConvTranspose {
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        output_padding: reader.sizes_of("output_padding")?,
        groups: reader.int_as("groups")?,
        activation: reader.parse("activation")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for ConvTranspose {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("output_padding", Attribute::sizes(&self.output_padding))
            .with("groups", Attribute::Int(self.groups as i64))
            .with("activation", Attribute::word(self.activation))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let (x, w) = (inputs[0], inputs[1]);
        require_float(NAME, "x", x)?;
        require_same_dtype(NAME, ("x", x), ("w", w))?;
        require_rank(NAME, "x", x, 4, "[N,C,H,W]")?;
        require_rank(NAME, "w", w, 4, "[C,O/groups,KH,KW]")?;
        if x.shape[1] != w.shape[0] {
            return Err(mismatch(
                NAME,
                ("x", x),
                ("w", w),
                "x[N,C,H,W] and w[C,O/groups,KH,KW] must have one C",
            ));
        }
        let outputs = w.shape[1].checked_mul(self.groups).filter(|_| self.groups > 0);
        let Some(outputs) = outputs.filter(|_| x.shape[1].is_multiple_of(self.groups)) else {
            let problem = format!("groups {} must divide the {} input channels", self.groups, x.shape[1]);
            return Err(mismatch(NAME, ("x", x), ("w", w), problem));
        };
        if let Some(bias) = inputs.get(2) {
            require_same_dtype(NAME, ("x", x), ("bias", bias))?;
            require_shape(NAME, "bias", bias, &[outputs], "one entry for each output channel of w")?;
        }
        let [height, width] = self
            .shape(&x.shape, &w.shape)
            .output()
            .map_err(|error| mismatch(NAME, ("x", x), ("w", w), error.to_string()))?;
        Ok(vec![TensorType::new(x.dtype, &[x.shape[0], outputs, height, width])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let shape = self.shape(inputs[0].shape(), inputs[1].shape());
        let output = single_output(NAME, outputs)?;
        with_float!(output.dtype(), T => {
            let (x, w) = (read_float::<T>(NAME, inputs[0])?, read_float::<T>(NAME, inputs[1])?);
            let bias = inputs.get(2).map(|bias| read_float::<T>(NAME, bias)).transpose()?;
            write_float(NAME, output, |y| {
                conv_transpose2d(&shape, &x, &w, bias.as_deref(), self.activation.kernel(), y)
                    .map_err(|source| OpError::Kernel { op: NAME, source })
            })
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let dy = self.activation.gradient(context)?;
        // Padding that was added to the result first cancels with padding that was cut off; no tap meets the
        // rest of it, which is sliced away. What remains is a convolution's input with exactly x's windows.
        let sizes = context.ty(dy).shape.clone();
        let (mut padding, mut met) = (self.padding, Slice::all(&sizes));
        for axis in 0..2 {
            let cut = self.output_padding[axis].min(padding[axis + 2]);
            padding[axis + 2] -= cut;
            met.ends[axis + 2] -= (self.output_padding[axis] - cut) as i64;
        }
        let met = if met == Slice::all(&sizes) { dy } else { context.apply(met, &[dy])? };
        let conv = Conv {
            stride: self.stride,
            padding,
            dilation: self.dilation,
            groups: self.groups,
            activation: Activation::None,
        };
        context.for_needed(|context, operand| match operand {
            0 => {
                let w = context.input(1)?;
                context.apply(conv.clone(), &[met, w])
            }
            1 => {
                let x = context.input(0)?;
                let shape = context.input_type(1).shape;
                let filter =
                    ConvFilterGradient { kernel: [shape[2], shape[3]], ..ConvFilterGradient::of(&conv) };
                context.apply(filter, &[met, x])
            }
            _ => channel_sums(context, dy),
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        // Every input element meets every tap of its channel; the products of one output are summed up.
        let taps: usize = inputs[1].shape[1..].iter().product();
        let macs = (inputs[0].elements() as u64).saturating_mul(taps as u64);
        let elements = outputs[0].elements() as u64;
        let biases = if inputs.len() > 2 { elements } else { 0 };
        let additions = macs.saturating_sub(elements).saturating_add(biases);
        Cost { macs, multiplications: macs, additions, others: elements * self.activation.comparisons() }
    }
}
