//! Convolutions and pools of images that lie in memory with channels last, made ready to run.

use std::borrow::Cow;

use ediacara_kernels::KernelError;
use ediacara_kernels::float::{
    Activation, ChannelsLastFilters, ConvShape, Epilogue, ImageLayout, PoolKind, PoolShape,
    conv2d_channels_last, pool2d_channels_last,
};
use ediacara_tensor::Tensor;

use super::support::{between, read_float, single_output, tensor_error, tensors, write_float};
use crate::{OpError, Prepared};

/// The elements of images `[N,C,H,W]` in the layout that they have in memory.
///
/// With any other strides they come in row-major order.
fn read_images<'a>(op: &'static str, images: &'a Tensor) -> Result<(Cow<'a, [f32]>, ImageLayout), OpError> {
    if images.is_contiguous() {
        return Ok((read_float(op, images)?, ImageLayout::ChannelsFirst));
    }
    let turned = images.transpose(&[0, 2, 3, 1]).map_err(tensor_error(op))?;
    if !turned.is_contiguous() {
        return Ok((read_float(op, images)?, ImageLayout::ChannelsFirst));
    }
    let (storage, offset) = images.as_storage::<f32>().map_err(tensor_error(op))?;
    Ok((Cow::Borrowed(&storage[offset..][..images.len()]), ImageLayout::ChannelsLast))
}

/// The elements of images `[N,C,H,W]` as `[N,H,W,C]`.
fn read_channels_last<'a>(op: &'static str, images: &'a Tensor) -> Result<Cow<'a, [f32]>, OpError> {
    match read_images(op, images)? {
        (elements, ImageLayout::ChannelsLast) => Ok(elements),
        _ => {
            let turned = images.transpose(&[0, 2, 3, 1]).map_err(tensor_error(op))?;
            Ok(Cow::Owned(turned.to_vec().map_err(tensor_error(op))?))
        }
    }
}

fn kernel_error(op: &'static str) -> impl Fn(KernelError) -> OpError {
    move |source| OpError::Kernel { op, source }
}

/// A convolution of constant filters with what follows it.
#[derive(Debug)]
pub(super) struct ChannelsLastConv {
    pub(super) shape: ConvShape,
    pub(super) filters: ChannelsLastFilters,
    /// Whether there is a bias.
    pub(super) biased: bool,
    /// Whether the last operand is added.
    pub(super) adds: bool,
    pub(super) activation: Activation,
}

impl Prepared for ChannelsLastConv {
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        const NAME: &str = "conv";
        between(NAME, 2, 4, inputs.len())?;
        let (x, layout) = read_images(NAME, inputs[0])?;
        let bias = inputs.get(2).filter(|_| self.biased).map(|bias| read_float(NAME, bias)).transpose()?;
        let addend = inputs.last().filter(|_| self.adds);
        let addend = addend.map(|addend| read_channels_last(NAME, addend)).transpose()?;
        let epilogue =
            Epilogue { bias: bias.as_deref(), addend: addend.as_deref(), activation: self.activation };
        write_float(NAME, single_output(NAME, outputs)?, |y| {
            conv2d_channels_last(&self.shape, layout, &x, &self.filters, epilogue, y)
                .map_err(kernel_error(NAME))
        })
    }
}

/// A pool in f32.
#[derive(Debug)]
pub(super) struct ChannelsLastPool {
    pub(super) shape: PoolShape,
    pub(super) channels: usize,
    pub(super) kind: PoolKind,
}

impl Prepared for ChannelsLastPool {
    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        const NAME: &str = "pool";
        let [x] = tensors(NAME, inputs)?;
        let x = read_channels_last(NAME, x)?;
        write_float(NAME, single_output(NAME, outputs)?, |y| {
            pool2d_channels_last(&self.shape, self.channels, self.kind, &x, y).map_err(kernel_error(NAME))
        })
    }
}
