//! `f_conv`: two-dimensional convolution of real numbers in NHWC, in the order of the matrix engine.

use std::sync::Arc;

use ediacara_kernels::Window;
use ediacara_tensor::Tensor;

use super::products::{Epilogue, Reduction, lanes, numbers, packed, products, require_products};
use super::{Writing, with_writing, writing};
use crate::ops::support::{mismatch, operands, require_rank, tensors};
use crate::ops::window::{output_size, read_positive};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "f_conv";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Two-dimensional convolution of real numbers in NHWC, as `float_dot` computes it (rules N-FLOAT-DOT \
        and N-FLOAT-READ of docs/numerics.md). A stretch is a row of the kernel with its channels where the channels of a group are \
        fewer than `lanes` and taps are neighbours, else the channels of a tap. Padding is multiplied as +0. A sum is multiplied by its \
        scale, and then its bias is added.\n\
        Operands: x[N,H,W,C] and w[O,KH,KW,C/groups] of one type: f16, bf16 or f32, bias f32[O], scale f32[O]. Result: y[N,OH,OW,O].\n\
        Attributes: stride, dilation [h,w] at least 1; padding [top,left,bottom,right]; groups; lanes: products of a \
        beat, a power of two to 128 (the machine's matrix.rows / bytes of an element); type, inverse_scale, zero, low, high: \
        how the result is stored.",
    build,
};

/// Two-dimensional convolution of real numbers in NHWC: `x[N,H,W,C]`, `w[O,KH,KW,C/groups]`, bias and scale `[O]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FConv {
    /// Steps between windows `[height, width]`, at least 1.
    pub stride: [usize; 2],
    /// Padding `[top, left, bottom, right]`, which holds +0.
    pub padding: [usize; 4],
    /// Distance between taps `[height, width]`, at least 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other, at least 1.
    pub groups: usize,
    /// Products of a beat (`L` of N-FLOAT-DOT), a power of two from 1 to 128.
    pub lanes: usize,
    /// How the result is stored.
    pub result: Writing,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = FConv {
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        groups: reader.int_as("groups")?,
        lanes: lanes(&mut reader)?,
        result: writing(&mut reader)?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl FConv {
    /// The window over the input, for a kernel of this size.
    pub fn window(&self, kernel: [usize; 2]) -> Window {
        Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    /// Whether a row of the kernel is one stretch, for so many channels of a group.
    pub fn merges_taps(&self, channels: usize) -> bool {
        channels < self.lanes && self.dilation[1] == 1
    }

    fn reduction(&self, [rows, columns]: [usize; 2], channels: usize) -> Reduction {
        let (stretch, stretches) = match self.merges_taps(channels) {
            true => (columns * channels, rows),
            false => (channels, rows * columns),
        };
        Reduction { lanes: self.lanes, stretch, stretches }
    }
}

impl Op for FConv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::new()
            .with("stride", Attribute::sizes(&self.stride))
            .with("padding", Attribute::sizes(&self.padding))
            .with("dilation", Attribute::sizes(&self.dilation))
            .with("groups", Attribute::Int(self.groups as i64))
            .with("lanes", Attribute::Int(self.lanes as i64));
        with_writing(attributes, self.result)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, w, bias, scale] = operands(NAME, inputs)?;
        require_rank(NAME, "x", x, 4, "[N,H,W,C]")?;
        require_rank(NAME, "w", w, 4, "[O,KH,KW,C/groups]")?;
        require_products(NAME, self.lanes, [x, w], [bias, scale])?;
        let (channels, outputs, groups) = (x.shape[3], w.shape[0], self.groups);
        let divides = groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups);
        if !divides || w.shape[3] != channels / groups {
            let problem = format!(
                "groups {groups} must divide {channels} input and {outputs} output channels, and w must have C / groups"
            );
            return Err(mismatch(NAME, ("x", x), ("w", w), problem));
        }
        let window = self.window([w.shape[1], w.shape[2]]);
        let [height, width] = output_size(NAME, &window, [x.shape[1], x.shape[2]])
            .map_err(|error| mismatch(NAME, ("x", x), ("w", w), error.to_string()))?;
        Ok(vec![TensorType { dtype: self.result.dtype, shape: vec![x.shape[0], height, width, outputs] }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, w, bias, scale] = tensors(NAME, inputs)?;
        let (&[_, height, width, channels], &[_, rows, columns, terms]) = (x.shape(), w.shape()) else {
            return Err(OpError::Other { op: NAME.to_owned(), problem: "x and w have four axes".to_owned() });
        };
        let types = [x, w].map(|tensor| TensorType { dtype: tensor.dtype(), shape: tensor.shape().to_vec() });
        let [down, across] =
            output_size(NAME, &self.window([rows, columns]), [types[0].shape[1], types[0].shape[2]])?;
        let (x, w) = (numbers(NAME, x)?, numbers(NAME, w)?);
        let reduction = self.reduction([rows, columns], terms);
        let weights = packed(NAME, &reduction, (&w, self.groups))?;
        let merged = self.merges_taps(terms);
        let gather = |pixel: usize, group: usize, window: &mut [f32]| {
            let (image, y, to) = (pixel / (down * across), pixel / across % down, pixel % across);
            for row in 0..rows {
                let Some(from_row) =
                    pixel_under(y, row, [self.stride[0], self.dilation[0], self.padding[0]], height)
                else {
                    continue;
                };
                for column in 0..columns {
                    let steps = [self.stride[1], self.dilation[1], self.padding[1]];
                    let Some(from) = pixel_under(to, column, steps, width) else { continue };
                    let place = match merged {
                        true => row * reduction.whole() + column * terms,
                        false => (row * columns + column) * reduction.whole(),
                    };
                    let from = ((image * height + from_row) * width + from) * channels + group * terms;
                    window[place..place + terms].copy_from_slice(&x[from..from + terms]);
                }
            }
        };
        let epilogue = Epilogue { bias, scale, result: &self.result };
        let pixels = types[0].shape[0] * down * across;
        products(NAME, &reduction, &weights, pixels, gather, &epilogue, outputs)
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let terms: usize = inputs[1].shape[1..].iter().product();
        super::dot_cost(outputs[0], terms)
    }
}

/// The index under a tap of an output along an axis; nothing in the padding.
pub(super) fn pixel_under(
    output: usize,
    tap: usize,
    [stride, dilation, before]: [usize; 3],
    size: usize,
) -> Option<usize> {
    (output * stride + tap * dilation).checked_sub(before).filter(|&index| index < size)
}
