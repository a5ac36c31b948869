//! `f_window`: a window of real numbers in NHWC, channel by channel.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_kernels::ordered::{add, maximum, multiply};
use ediacara_tensor::{DType, Tensor};

use super::f_conv::pixel_under;
use super::products::numbers;
use super::{Writing, with_writing, write_rows, writing};
use crate::ops::pool::check_output;
use crate::ops::support::{between, operand_error, require_rank, require_shape, single_output};
use crate::ops::window::read_positive;
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "f_window";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "A window of real numbers in NHWC, channel by channel (rule N-FLOAT-WINDOW of docs/numerics.md), row by row of \
        the window. Padding holds +0, for a maximum -inf.\n\
        Operands: x[N,H,W,C] of f16, bf16 or f32; of a dot w[KH,KW,C] of one of these types. Result: y[N,OH,OW,C].\n\
        Attributes: operation: sum, dot (the sum of products with w) or maximum; kernel, stride, dilation [h,w] at least 1; \
        padding [top,left,bottom,right]; output [OH,OW], each window starting in the padded input; type, inverse_scale, \
        zero, low, high: how the result is stored.",
    build,
};

/// What a window of real numbers computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowOperation {
    /// The sum of its elements.
    Sum,
    /// The sum of the products of its elements with weights.
    Dot,
    /// The largest of its elements.
    Maximum,
}

impl WindowOperation {
    const NAMES: [(WindowOperation, &'static str); 3] =
        [(WindowOperation::Sum, "sum"), (WindowOperation::Dot, "dot"), (WindowOperation::Maximum, "maximum")];

    /// What padding holds.
    pub fn pad(self) -> f32 {
        match self {
            WindowOperation::Sum | WindowOperation::Dot => 0.0,
            WindowOperation::Maximum => f32::NEG_INFINITY,
        }
    }
}

impl fmt::Display for WindowOperation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(known, _)| known == self).map_or("", |(_, name)| name);
        formatter.write_str(name)
    }
}

impl FromStr for WindowOperation {
    type Err = String;

    fn from_str(text: &str) -> Result<WindowOperation, String> {
        let found = Self::NAMES.iter().find(|(_, name)| *name == text).map(|(known, _)| *known);
        found.ok_or_else(|| format!("`{text}` is not one of sum, dot, maximum"))
    }
}

/// A window of real numbers: `x[N,H,W,C]` to `y[N,OH,OW,C]`, of a dot with `w[KH,KW,C]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FWindow {
    /// What it computes.
    pub operation: WindowOperation,
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
    /// How the result is stored.
    pub result: Writing,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = FWindow {
        operation: reader.parse("operation")?,
        kernel: read_positive(&mut reader, "kernel")?,
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        output: read_positive(&mut reader, "output")?,
        result: writing(&mut reader)?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl FWindow {
    /// The window over the input.
    pub fn window(&self) -> Window {
        Window { kernel: self.kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }
}

fn require_real(operand: &str, ty: &TensorType) -> Result<(), OpError> {
    match ty.dtype {
        DType::F16 | DType::BF16 | DType::F32 if !ty.shape.contains(&0) => Ok(()),
        DType::F16 | DType::BF16 | DType::F32 => Err(operand_error(NAME, operand, ty, "has no element")),
        _ => Err(operand_error(NAME, operand, ty, "must be of f16, bf16 or f32")),
    }
}

impl Op for FWindow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::new()
            .with("operation", Attribute::word(self.operation))
            .with("kernel", Attribute::sizes(&self.kernel))
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("output", Attribute::sizes(&self.output));
        with_writing(attributes, self.result)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let operands = 1 + usize::from(self.operation == WindowOperation::Dot);
        between(NAME, operands, operands, inputs.len())?;
        let x = inputs[0];
        require_rank(NAME, "x", x, 4, "[N,H,W,C]")?;
        require_real("x", x)?;
        if let Some(w) = inputs.get(1) {
            require_real("w", w)?;
            let shape = [self.kernel[0], self.kernel[1], x.shape[3]];
            require_shape(NAME, "w", w, &shape, "the window with a weight for each channel, [KH,KW,C]")?;
        }
        check_output(&self.window(), [x.shape[1], x.shape[2]], self.output)
            .map_err(|problem| operand_error(NAME, "x", x, problem))?;
        let shape = vec![x.shape[0], self.output[0], self.output[1], x.shape[3]];
        Ok(vec![TensorType { dtype: self.result.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let &[_, height, width, channels] = inputs[0].shape() else {
            return Err(OpError::Other { op: NAME.to_owned(), problem: "x has four axes".to_owned() });
        };
        let x = numbers(NAME, inputs[0])?;
        let w = inputs.get(1).map(|w| numbers(NAME, w)).transpose()?.unwrap_or_default();
        let ([down, across], pad) = (self.output, vec![self.operation.pad(); channels]);
        let output = single_output(NAME, outputs)?;
        write_rows(
            NAME,
            &self.result,
            channels,
            output,
            || (),
            |index, (), out| {
                let (image, y, to) = (index / (down * across), index / across % down, index % across);
                out.fill(self.operation.pad());
                for tap in 0..self.kernel[0] * self.kernel[1] {
                    let [row, column] = [tap / self.kernel[1], tap % self.kernel[1]];
                    let under = |axis: usize, output: usize, tap: usize, size: usize| {
                        let steps = [self.stride[axis], self.dilation[axis], self.padding[axis]];
                        pixel_under(output, tap, steps, size)
                    };
                    let x = match (under(0, y, row, height), under(1, to, column, width)) {
                        (Some(row), Some(column)) => {
                            &x[((image * height + row) * width + column) * channels..][..channels]
                        }
                        _ => &pad[..],
                    };
                    let pairs = out.iter_mut().zip(x);
                    match self.operation {
                        WindowOperation::Sum => pairs.for_each(|(out, &x)| *out = add(*out, x)),
                        WindowOperation::Maximum => pairs.for_each(|(out, &x)| *out = maximum(*out, x)),
                        WindowOperation::Dot => {
                            let w = &w[tap * channels..][..channels];
                            pairs.zip(w).for_each(|((out, &x), &w)| *out = add(*out, multiply(x, w)));
                        }
                    }
                }
            },
        )
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let (elements, taps) = (outputs[0].elements() as u64, (self.kernel[0] * self.kernel[1]) as u64);
        match self.operation {
            WindowOperation::Maximum => Cost::others(elements.saturating_mul(taps.saturating_sub(1))),
            WindowOperation::Sum => Cost::additions(elements.saturating_mul(taps.saturating_sub(1))),
            WindowOperation::Dot => Cost::inner_products(elements, taps, 0),
        }
    }
}
