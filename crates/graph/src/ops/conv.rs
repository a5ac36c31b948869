//! `conv`: two-dimensional convolution in NCHW.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::float::{
    ChannelsLastFilters, ConvShape, Epilogue, Filters, PackedFilters, conv2d, conv2d_with,
};
use ediacara_tensor::{DType, Tensor};

use super::channels_last::ChannelsLastConv;
use super::support::{
    between, mismatch, operand_error, read_float, require_float, require_rank, require_same_dtype,
    require_shape, single_output, with_float, write_float,
};
use super::window::{output_size, read_positive};
use super::{Activation, Add, ConvFilterGradient, ConvTranspose, Reduce, ReduceKind};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, Follower, GradientContext, Op, OpDescription, OpError,
    OperandGradients, Place, Prepared, Ready, TensorType, ValueId,
};

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

/// Two-dimensional convolution: `y = activation(x * w + bias)`.
///
/// The operands are `x[N,C,H,W]`, `w[O,C/groups,KH,KW]` and an optional `bias[O]`.
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

    /// The convolution's transpose, which takes the gradient of y to that of x.
    ///
    /// `dy[N,O,OH,OW]` and `w[O,C/groups,KH,KW]` give a gradient of `shape`, which is x's.
    pub(crate) fn input_gradient(
        &self,
        context: &mut GradientContext,
        dy: ValueId,
        w: ValueId,
        shape: Vec<usize>,
    ) -> Result<ValueId, OpError> {
        let (from, kernel) = (context.ty(dy).shape.clone(), context.ty(w).shape.clone());
        let mut output_padding = [0; 2];
        for axis in 0..2 {
            // The last window need not reach the end of the padded input; x's rows beyond it have no
            // gradient.
            let extent = self.dilation[axis] * (kernel[axis + 2] - 1) + 1;
            let reached = self.stride[axis] * (from[axis + 2] - 1) + extent;
            let padded = shape[axis + 2] + self.padding[axis] + self.padding[axis + 2];
            output_padding[axis] = padded.saturating_sub(reached);
        }
        let transpose = ConvTranspose {
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            output_padding,
            groups: self.groups,
            activation: Activation::None,
        };
        context.apply(transpose, &[dy, w])
    }

    pub(crate) fn shape(&self, x: &[usize], w: &[usize]) -> ConvShape {
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

/// The sum of `dy[N,O,OH,OW]` for each channel: the gradient of a bias.
pub(crate) fn channel_sums(context: &mut GradientContext, dy: ValueId) -> Result<ValueId, OpError> {
    // Planes make each sum contiguous.
    let shape = context.ty(dy).shape.clone();
    let planes = context.reshape(dy, &[shape[0], shape[1], shape[2] * shape[3]])?;
    context.apply(Reduce { kind: ReduceKind::Sum, axes: vec![0, 2], keep_dims: false }, &[planes])
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
        let shape = self.shape(inputs[0].shape(), inputs[1].shape());
        let output = single_output(NAME, outputs)?;
        with_float!(output.dtype(), T => {
            let (x, w) = (read_float::<T>(NAME, inputs[0])?, read_float::<T>(NAME, inputs[1])?);
            let bias = inputs.get(2).map(|bias| read_float::<T>(NAME, bias)).transpose()?;
            write_float(NAME, output, |y| {
                conv2d(&shape, &x, &w, bias.as_deref(), self.activation.kernel(), y)
                    .map_err(|source| OpError::Kernel { op: NAME, source })
            })
        })
    }

    fn prepare(&self, place: &Place) -> Option<Ready> {
        let [x, w] = [place.operands.first()?, place.operands.get(1)?];
        if x.ty.dtype != DType::F32 {
            return None;
        }
        let (conv, followers, adds) = self.with_followers(&[x.ty, w.ty], &place.followers);
        let shape = self.shape(&x.ty.shape, &w.ty.shape);
        let biased = place.operands.len() > 2;
        let constant = w.constant.and_then(|w| read_float(NAME, w).ok());
        if let Some(w) = constant.as_ref().filter(|_| place.any_order)
            && let Ok(Some(filters)) = ChannelsLastFilters::new(&shape, w)
        {
            let activation = conv.activation.kernel();
            let prepared = Arc::new(ChannelsLastConv { shape, filters, biased, adds, activation });
            return Some(Ready { prepared, followers, channels_last: true });
        }
        let filters = constant.and_then(|w| PackedFilters::new(&shape, &w).ok());
        let useful = filters.is_some() || followers > 0;
        let prepared = Arc::new(PreparedConv { conv, filters, biased, adds });
        useful.then_some(Ready { prepared, followers, channels_last: false })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let dy = self.activation.gradient(context)?;
        context.for_needed(|context, operand| match operand {
            0 => {
                let w = context.input(1)?;
                self.input_gradient(context, dy, w, context.input_type(0).shape)
            }
            1 => {
                let x = context.input(0)?;
                let shape = context.input_type(1).shape;
                let filter =
                    ConvFilterGradient { kernel: [shape[2], shape[3]], ..ConvFilterGradient::of(self) };
                context.apply(filter, &[x, dy])
            }
            _ => channel_sums(context, dy),
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

impl Conv {
    /// The convolution with the sum with another tensor and the activation that follow it.
    ///
    /// Also gives how many of the two there are, and whether there is a sum.
    fn with_followers(&self, operands: &[&TensorType], followers: &[Follower]) -> (Conv, usize, bool) {
        if self.activation != Activation::None {
            return (self.clone(), 0, false);
        }
        let adds = followers.first().is_some_and(|follower| {
            let result = self.infer(operands).ok();
            follower.op.downcast_ref::<Add>().is_some()
                && follower.others.first().copied() == result.iter().flatten().next()
        });
        let taken = usize::from(adds);
        match followers.get(taken).and_then(|follower| Activation::of(follower.op)) {
            Some(activation) => (Conv { activation, ..self.clone() }, taken + 1, adds),
            None => (self.clone(), taken, adds),
        }
    }
}

/// A convolution in f32 with what follows it; constant filters are packed already.
#[derive(Debug)]
struct PreparedConv {
    conv: Conv,
    filters: Option<PackedFilters<f32>>,
    /// Whether there is a bias.
    biased: bool,
    /// Whether the last operand is added.
    adds: bool,
}

impl Prepared for PreparedConv {
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        between(NAME, 2, 4, inputs.len())?;
        let shape = self.conv.shape(inputs[0].shape(), inputs[1].shape());
        let output = single_output(NAME, outputs)?;
        let dense = |index: usize, wanted: bool| {
            inputs.get(index).filter(|_| wanted).map(|tensor| read_float::<f32>(NAME, tensor)).transpose()
        };
        let (x, bias) = (read_float(NAME, inputs[0])?, dense(2, self.biased)?);
        let addend = dense(2 + usize::from(self.biased), self.adds)?;
        let activation = self.conv.activation.kernel();
        let epilogue = Epilogue { bias: bias.as_deref(), addend: addend.as_deref(), activation };
        let plain = if self.filters.is_none() { dense(1, true)? } else { None };
        let filters = match (&self.filters, &plain) {
            (Some(filters), _) => Filters::Packed(filters),
            (None, plain) => Filters::Plain(plain.as_deref().unwrap_or(&[])),
        };
        write_float(NAME, output, |y| {
            conv2d_with(&shape, &x, filters, epilogue, y)
                .map_err(|source| OpError::Kernel { op: NAME, source })
        })
    }
}
