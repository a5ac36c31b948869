//! `gemm`: the fully connected layer.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::float::{
    Activation as KernelActivation, ChannelsLastFilters, ConvShape, Epilogue, ImageLayout,
    conv2d_channels_last, linear,
};
use ediacara_tensor::{DType, Tensor};

use super::support::{
    between, mismatch, read_float, require_float, require_rank, require_same_dtype, require_shape,
    single_output, with_float, write_float,
};
use super::{Activation, MatMul};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, Place, Prepared, Ready, TensorType,
};

const NAME: &str = "gemm";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The fully connected layer: y = activation(x * transpose(w) + bias).\n\
        Operands: x[M,K], w[N,K], bias[N] (optional). Result: y[M,N].\n\
        Attributes: activation none, relu or \"clamp(low,high)\".",
    build,
};

/// The fully connected layer: `y[M,N] = activation(x[M,K] * w[N,K]^T + bias[N])`; the bias is optional.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gemm {
    /// Applied to the result.
    pub activation: Activation,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Gemm { activation: reader.parse("activation")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Gemm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("activation", Attribute::word(self.activation))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let (x, w) = (inputs[0], inputs[1]);
        require_float(NAME, "x", x)?;
        require_same_dtype(NAME, ("x", x), ("w", w))?;
        require_rank(NAME, "x", x, 2, "[M,K]")?;
        require_rank(NAME, "w", w, 2, "[N,K]")?;
        if x.shape[1] != w.shape[1] {
            return Err(mismatch(NAME, ("x", x), ("w", w), "x[M,K] and w[N,K] must have one K"));
        }
        if let Some(bias) = inputs.get(2) {
            require_same_dtype(NAME, ("x", x), ("bias", bias))?;
            require_shape(NAME, "bias", bias, &[w.shape[0]], "one entry for each row of w[N,K]")?;
        }
        Ok(vec![TensorType::new(x.dtype, &[x.shape[0], w.shape[0]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let sizes = [inputs[0].shape()[0], inputs[1].shape()[0], inputs[0].shape()[1]];
        let output = single_output(NAME, outputs)?;
        with_float!(output.dtype(), T => {
            let (x, w) = (read_float::<T>(NAME, inputs[0])?, read_float::<T>(NAME, inputs[1])?);
            let bias = inputs.get(2).map(|bias| read_float::<T>(NAME, bias)).transpose()?;
            write_float(NAME, output, |y| {
                linear(sizes, &x, &w, bias.as_deref(), self.activation.kernel(), y)
                    .map_err(|source| OpError::Kernel { op: NAME, source })
            })
        })
    }

    fn prepare(&self, place: &Place) -> Option<Ready> {
        let [x, w] = [place.operands.first()?, place.operands.get(1)?];
        if x.ty.dtype != DType::F32 {
            return None;
        }
        let follower = place.followers.first().and_then(|follower| Activation::of(follower.op));
        let follower = follower.filter(|_| self.activation == Activation::None);
        let followers = usize::from(follower.is_some());
        let activation = follower.unwrap_or(self.activation);
        let constant = w.constant.filter(|_| place.any_order).and_then(|w| read_float(NAME, w).ok());
        let shape = one_pixel([x.ty.shape[0], w.ty.shape[0], x.ty.shape[1]]);
        if let Some(w) = constant
            && let Ok(Some(weights)) = ChannelsLastFilters::new(&shape, &w)
        {
            let prepared = Arc::new(PackedGemm { shape, weights, activation: activation.kernel() });
            return Some(Ready { prepared, followers, channels_last: false });
        }
        (followers > 0).then(|| {
            let prepared = Arc::new(Gemm { activation });
            Ready { prepared, followers, channels_last: false }
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let dy = self.activation.gradient(context)?;
        context.for_needed(|context, operand| match operand {
            0 => {
                let w = context.input(1)?;
                context.apply(MatMul, &[dy, w])
            }
            1 => {
                let (x, transposed) = (context.input(0)?, context.transpose_matrices(dy)?);
                context.apply(MatMul, &[transposed, x])
            }
            _ => context.sum_to(dy, &context.input_type(operand).shape),
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        let biases = if inputs.len() > 2 { elements } else { 0 };
        Cost::inner_products(elements, inputs[1].shape[1] as u64, biases)
            + Cost::others(elements * self.activation.comparisons())
    }
}

impl Prepared for Gemm {
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        Op::run(self, inputs, outputs)
    }
}

/// A product with constant weights, run as a convolution of images of one pixel.
///
/// The weights are packed. Their memory is then read in order, at twice the rate of rows side by side.
#[derive(Debug)]
struct PackedGemm {
    shape: ConvShape,
    weights: ChannelsLastFilters,
    activation: KernelActivation,
}

/// `M` images of `K` channels that become `N`.
fn one_pixel([batch, out_channels, in_channels]: [usize; 3]) -> ConvShape {
    ConvShape { batch, in_channels, input: [1, 1], out_channels, groups: 1, window: Window::POINT }
}

impl Prepared for PackedGemm {
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 2, 3, inputs.len())?;
        let x = read_float(NAME, inputs[0])?;
        let bias = inputs.get(2).map(|bias| read_float(NAME, bias)).transpose()?;
        let epilogue = Epilogue { bias: bias.as_deref(), addend: None, activation: self.activation };
        write_float(NAME, single_output(NAME, outputs)?, |y| {
            conv2d_channels_last(&self.shape, ImageLayout::ChannelsLast, &x, &self.weights, epilogue, y)
                .map_err(|source| OpError::Kernel { op: NAME, source })
        })
    }
}
