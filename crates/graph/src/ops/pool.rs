//! `pool`: max and average pooling in NCHW.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::float::{PoolKind as KernelKind, PoolShape, average_counts, pool2d};
use ediacara_tensor::{DType, Element, Tensor};

use super::channels_last::ChannelsLastPool;
use super::support::{
    operand_error, operands, read_float, require_rank, single_output, tensor_error, tensors, with_float,
    write_float,
};
use super::window::read_positive;
use super::{Activation, ConvTranspose, MaxPoolIndices, ScatterElements};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, Place, Ready, TensorType, ValueId,
};

const NAME: &str = "pool";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Max or average pooling in NCHW.\n\
        Operand: x[N,C,H,W]; max takes every numeric type, average the floats. Result: \
        y[N,C,OH,OW].\n\
        Attributes: kind max or average; kernel, stride, dilation [h,w] at least 1; padding \
        [top,left,bottom,right]; \
        output [OH,OW], into which rounding up is resolved: a window may start at most in the padded input; \
        count_include_pad: whether padding counts in the divisor of an average.",
    build,
};

/// What a pooling window computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest element; padding never wins.
    Max,
    /// The mean.
    Average,
}

impl fmt::Display for PoolKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PoolKind::Max => "max",
            PoolKind::Average => "average",
        })
    }
}

impl FromStr for PoolKind {
    type Err = String;

    fn from_str(text: &str) -> Result<PoolKind, String> {
        match text {
            "max" => Ok(PoolKind::Max),
            "average" => Ok(PoolKind::Average),
            _ => Err(format!("`{text}` is no kind of pool; known are max and average")),
        }
    }
}

/// Pooling of `x[N,C,H,W]` to `y[N,C,OH,OW]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Max or average.
    pub kind: PoolKind,
    /// The window `[height, width]`.
    pub kernel: [usize; 2],
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Padding `[top, left, bottom, right]`.
    pub padding: [usize; 4],
    /// Distance between taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// The output `[height, width]`.
    pub output: [usize; 2],
    /// Whether padding counts in the divisor of an average; what a window reaches beyond the padding never
    /// counts.
    pub count_include_pad: bool,
}

impl Pool {
    /// The window over the input.
    pub fn window(&self) -> Window {
        Window { kernel: self.kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    fn kernel_kind(&self) -> KernelKind {
        match self.kind {
            PoolKind::Max => KernelKind::Max,
            PoolKind::Average => KernelKind::Average { count_include_pad: self.count_include_pad },
        }
    }

    pub(crate) fn shape(&self, x: &[usize]) -> PoolShape {
        PoolShape { planes: x[0] * x[1], input: [x[2], x[3]], output: self.output, window: self.window() }
    }
}

/// A larger window is an error of its source, and sums of its sizes could overflow.
const SIZE_LIMIT: usize = 1 << 24;

/// Checks `output [height, width]` of a pool of `window` over `input`: every window starts inside the padded
/// input.
pub(crate) fn check_output(window: &Window, input: [usize; 2], output: [usize; 2]) -> Result<(), String> {
    for axis in 0..2 {
        let sizes = [window.kernel[axis], window.stride[axis], window.dilation[axis]];
        if sizes.iter().any(|size| !(1..=SIZE_LIMIT).contains(size)) {
            return Err(format!("kernel, stride and dilation must be 1 to {SIZE_LIMIT}, found {sizes:?}"));
        }
        let reach = input[axis]
            .checked_add(window.padding[axis])
            .and_then(|size| size.checked_add(window.padding[axis + 2]))
            .ok_or("the padding is too large")?;
        let start = output[axis].checked_sub(1).map_or(Some(0), |last| last.checked_mul(window.stride[axis]));
        if output[axis] == 0 || start.is_none_or(|start| start >= reach) {
            let name = ["height", "width"][axis];
            return Err(format!(
                "output {name} {} at stride {} does not fit a padded {name} of {reach}",
                output[axis], window.stride[axis]
            ));
        }
    }
    Ok(())
}

impl Pool {
    /// The gradient goes to where each window found its maximum, the first of equal ones.
    fn max_gradient(&self, context: &mut GradientContext) -> Result<ValueId, OpError> {
        let shape = context.input_type(0).shape;
        for axis in 0..2 {
            let extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            let last = (self.output[axis] - 1) * self.stride[axis];
            if self.padding[axis] >= extent || last >= self.padding[axis] + shape[axis + 2] {
                let problem = format!("a window along axis {axis} lies wholly in the padding; pad less");
                return Err(OpError::NotDifferentiable { op: NAME, problem });
            }
        }
        let [images, channels, height, width] = [0, 1, 2, 3].map(|axis| shape[axis]);
        let x = context.input(0)?;
        let places = context.apply(MaxPoolIndices { pool: self.clone() }, &[x])?;
        let outputs = self.output[0] * self.output[1];
        let places = context.reshape(places, &[images, channels, outputs])?;
        let gradient = context.output_gradient(0)?;
        let gradient = context.reshape(gradient, &[images, channels, outputs])?;
        let scatter = ScatterElements { axis: 2, size: height * width };
        let planes = context.apply(scatter, &[places, gradient])?;
        context.reshape(planes, &shape)
    }

    /// Every element of a window gets an equal share, by a transposed convolution of planes with ones.
    fn average_gradient(&self, context: &mut GradientContext) -> Result<ValueId, OpError> {
        let ty = context.input_type(0);
        let counts = average_counts(&self.shape(&ty.shape), self.count_include_pad);
        let shares: Vec<f64> =
            counts.iter().map(|&count| if count == 0 { 0.0 } else { 1.0 / count as f64 }).collect();
        let shares = Tensor::from_vec(&self.output, shares).map_err(tensor_error(NAME))?.cast(ty.dtype);
        let ones =
            Tensor::full(&[1, 1, self.kernel[0], self.kernel[1]], 1.0_f64).map_err(tensor_error(NAME))?;
        let (shares, ones) = (context.constant(shares), context.constant(ones.cast(ty.dtype)));
        let gradient = context.output_gradient(0)?;
        let gradient = context.mul(gradient, shares)?;
        let planes = ty.shape[0] * ty.shape[1];
        let gradient = context.reshape(gradient, &[planes, 1, self.output[0], self.output[1]])?;
        let (mut padding, mut output_padding) = (self.padding, [0; 2]);
        for axis in 0..2 {
            // Windows may reach beyond the end of the input, or not reach it.
            let extent = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            let reached = self.stride[axis] * (self.output[axis] - 1) + extent;
            let end = self.padding[axis] + ty.shape[axis + 2];
            padding[axis + 2] = reached.saturating_sub(end);
            output_padding[axis] = end.saturating_sub(reached);
        }
        let transpose = ConvTranspose {
            stride: self.stride,
            padding,
            dilation: self.dilation,
            output_padding,
            groups: 1,
            activation: Activation::None,
        };
        let planes = context.apply(transpose, &[gradient, ones])?;
        context.reshape(planes, &ty.shape)
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Pool {
        kind: reader.parse("kind")?,
        kernel: read_positive(&mut reader, "kernel")?,
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        output: read_positive(&mut reader, "output")?,
        count_include_pad: reader.flag("count_include_pad")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Pool {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("kind", Attribute::word(self.kind))
            .with("kernel", Attribute::sizes(&self.kernel))
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("output", Attribute::sizes(&self.output))
            .with("count_include_pad", Attribute::Bool(self.count_include_pad))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_rank(NAME, "x", x, 4, "[N,C,H,W]")?;
        let allowed = match self.kind {
            PoolKind::Max => x.dtype != DType::Bool,
            PoolKind::Average => x.dtype.is_float(),
        };
        if !allowed {
            return Err(operand_error(NAME, "x", x, format!("a {} pool does not take this type", self.kind)));
        }
        check_output(&self.window(), [x.shape[2], x.shape[3]], self.output)
            .map_err(|problem| operand_error(NAME, "x", x, problem))?;
        Ok(vec![TensorType::new(x.dtype, &[x.shape[0], x.shape[1], self.output[0], self.output[1]])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let (shape, kind) = (self.shape(x.shape()), self.kernel_kind());
        match (self.kind, x.dtype()) {
            (PoolKind::Max, DType::I8) => max_plain(&shape, x, output, i8::MIN),
            (PoolKind::Max, DType::U8) => max_plain(&shape, x, output, u8::MIN),
            (PoolKind::Max, DType::I32) => max_plain(&shape, x, output, i32::MIN),
            (PoolKind::Max, DType::I64) => max_plain(&shape, x, output, i64::MIN),
            (_, dtype) => with_float!(dtype, T => {
                let x = read_float::<T>(NAME, x)?;
                write_float(NAME, output, |y| {
                    pool2d(&shape, kind, &x, y).map_err(|source| OpError::Kernel { op: NAME, source })
                })
            }),
        }
    }

    fn prepare(&self, place: &Place) -> Option<Ready> {
        let x = place.operands.first().filter(|x| x.channels_last && x.ty.dtype == DType::F32)?;
        let shape = self.shape(&x.ty.shape);
        let prepared = ChannelsLastPool { shape, channels: x.ty.shape[1], kind: self.kernel_kind() };
        Some(Ready { prepared: Arc::new(prepared), followers: 0, channels_last: true })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let dx = match self.kind {
            PoolKind::Max => self.max_gradient(context)?,
            PoolKind::Average => self.average_gradient(context)?,
        };
        Ok(vec![Some(dx)])
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = outputs[0].elements() as u64;
        let taps = (self.kernel[0] * self.kernel[1]) as u64;
        match self.kind {
            PoolKind::Max => Cost::others(elements.saturating_mul(taps.saturating_sub(1))),
            PoolKind::Average => {
                Cost::additions(elements.saturating_mul(taps.saturating_sub(1))) + Cost::others(elements)
            }
        }
    }
}

/// Max pooling of the rarer element types; `lowest` stands where a window meets nothing but padding.
fn max_plain<T: Element>(
    shape: &PoolShape,
    x: &Tensor,
    output: &mut Tensor,
    lowest: T,
) -> Result<(), OpError> {
    let x = x.to_contiguous();
    let x = x.as_slice::<T>().map_err(tensor_error(NAME))?;
    let y = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
    let ([height, width], [out_height, out_width], window) = (shape.input, shape.output, &shape.window);
    let inside = |axis: usize, position: usize, tap: usize, size: usize| {
        let at = position * window.stride[axis] + tap * window.dilation[axis];
        at.checked_sub(window.padding[axis]).filter(|&at| at < size)
    };
    for (index, result) in y.iter_mut().enumerate() {
        let (plane, row, column) =
            (index / (out_height * out_width), index / out_width % out_height, index % out_width);
        let mut largest = lowest;
        for tap_row in 0..window.kernel[0] {
            let Some(row) = inside(0, row, tap_row, height) else { continue };
            for tap_column in 0..window.kernel[1] {
                let Some(column) = inside(1, column, tap_column, width) else { continue };
                let value = x[(plane * height + row) * width + column];
                if value > largest {
                    largest = value;
                }
            }
        }
        *result = largest;
    }
    Ok(())
}
