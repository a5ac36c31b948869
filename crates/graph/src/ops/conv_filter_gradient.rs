//! `conv_filter_gradient`: the gradient of a convolution with respect to its filter.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::float::{ConvShape, conv2d_filter_gradient};
use ediacara_tensor::Tensor;

use super::support::{
    mismatch, operands, read_float, require_float, require_rank, require_same_dtype, single_output, tensors,
    with_float, write_float,
};
use super::window::read_positive;
use super::{Activation, Conv};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "conv_filter_gradient";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The gradient of a convolution with respect to its filter: for each tap the sum, over images \
        and output pixels, of dy times the element of x that the tap meets.\n\
        Operands: x[N,C,H,W], the convolution's, and dy[N,O,OH,OW], the gradient of its result. \
        Result: dw[O,C/groups,KH,KW].\n\
        Attributes: kernel [KH,KW]; stride, padding, dilation and groups as of conv.",
    build,
};

/// The gradient of a convolution of `x[N,C,H,W]` with respect to its filter, from `dy[N,O,OH,OW]`:
/// `dw[O,C/groups,KH,KW]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvFilterGradient {
    /// The filter's `[height, width]`, at least 1.
    pub kernel: [usize; 2],
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Zeros around the input `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// Distance between kernel taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other, at least 1.
    pub groups: usize,
}

impl ConvFilterGradient {
    /// The gradient of this convolution with a filter of one tap.
    pub(crate) fn of(conv: &Conv) -> ConvFilterGradient {
        ConvFilterGradient {
            kernel: [1; 2],
            stride: conv.stride,
            padding: conv.padding,
            dilation: conv.dilation,
            groups: conv.groups,
        }
    }

    fn conv(&self) -> Conv {
        Conv {
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: self.groups,
            activation: Activation::None,
        }
    }

    /// The forward convolution.
    fn shape(&self, x: &[usize], dy: &[usize]) -> Result<ConvShape, OpError> {
        let window = Window {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        };
        let shape = ConvShape {
            batch: x[0],
            in_channels: x[1],
            input: [x[2], x[3]],
            out_channels: dy[1],
            groups: self.groups,
            window,
        };
        let output = shape.output().map_err(|source| OpError::Kernel { op: NAME, source })?;
        if output == [dy[2], dy[3]] {
            return Ok(shape);
        }
        let problem = format!("windows of {:?} over x give {output:?}", self.kernel);
        Err(OpError::Other { op: NAME.to_owned(), problem })
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = ConvFilterGradient {
        kernel: read_positive(&mut reader, "kernel")?,
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        groups: reader.int_as("groups")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for ConvFilterGradient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("kernel", Attribute::sizes(&self.kernel))
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("groups", Attribute::Int(self.groups as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, dy] = operands(NAME, inputs)?;
        require_float(NAME, "x", x)?;
        require_same_dtype(NAME, ("x", x), ("dy", dy))?;
        require_rank(NAME, "x", x, 4, "[N,C,H,W]")?;
        require_rank(NAME, "dy", dy, 4, "[N,O,OH,OW]")?;
        let (channels, outputs, groups) = (x.shape[1], dy.shape[1], self.groups);
        if x.shape[0] != dy.shape[0] {
            return Err(mismatch(NAME, ("x", x), ("dy", dy), "there must be as many images"));
        }
        if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            let problem =
                format!("groups {groups} must divide the {channels} input and {outputs} output channels");
            return Err(mismatch(NAME, ("x", x), ("dy", dy), problem));
        }
        self.shape(&x.shape, &dy.shape)
            .map_err(|error| mismatch(NAME, ("x", x), ("dy", dy), error.to_string()))?;
        Ok(vec![TensorType::new(x.dtype, &[outputs, channels / groups, self.kernel[0], self.kernel[1]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, dy] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let shape = self.shape(x.shape(), dy.shape())?;
        with_float!(output.dtype(), T => {
            let (x, dy) = (read_float::<T>(NAME, x)?, read_float::<T>(NAME, dy)?);
            write_float(NAME, output, |dw| {
                conv2d_filter_gradient(&shape, &x, &dy, dw).map_err(|source| OpError::Kernel { op: NAME, source })
            })
        })
    }

    /// The operator is bilinear in x and dy: the inner product of dw with G is that of dy with `conv(x, G)`.
    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let filter = context.output_gradient(0)?;
        context.for_needed(|context, operand| match operand {
            0 => {
                let dy = context.input(1)?;
                self.conv().input_gradient(context, dy, filter, context.input_type(0).shape)
            }
            _ => {
                let x = context.input(0)?;
                context.apply(self.conv(), &[x, filter])
            }
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let terms: usize = [0, 2, 3].iter().map(|&axis| inputs[1].shape[axis]).product();
        Cost::inner_products(outputs[0].elements() as u64, terms as u64, 0)
    }
}
