//! Marks: that a value is stored in 8 bits.

use ediacara_graph::ops::{DequantizeLinear, QuantizeLinear};
use ediacara_graph::{Tensor, ValueId};
use ediacara_onnx::{Context, NodeError};

/// Which integers of 8 bits a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// -128 to 127.
    Signed,
    /// 0 to 255.
    Unsigned,
}

/// How many numbers 8 bits hold.
pub(crate) const LEVELS: i64 = 256;

/// The value, marked as integers of 8 bits: numbers beyond their range are held to it.
pub(crate) fn stored(context: &mut Context<'_>, x: ValueId, sign: Sign) -> Result<ValueId, NodeError> {
    let zero = match sign {
        Sign::Signed => 0_i8,
        Sign::Unsigned => i8::MIN,
    };
    marked(context, x, zero)
}

/// What the operators of integers read: an input of the network is marked as signed integers of 8 bits, which its file does
/// not say; Deeploy types it so from the data that it is given.
pub(crate) fn stored_input(context: &mut Context<'_>, x: ValueId) -> Result<ValueId, NodeError> {
    match context.is_input(x) {
        true => stored(context, x, Sign::Signed),
        false => Ok(x),
    }
}

/// A value that is within the range of `like`, marked as that is, if it is of whole numbers of 8 bits.
pub(crate) fn stored_like(
    context: &mut Context<'_>,
    x: ValueId,
    like: ValueId,
) -> Result<ValueId, NodeError> {
    let encoding = context.stored_as(like).filter(|(scale, _)| *scale == 1.0);
    let zero = encoding.and_then(|(_, zero)| zero.to_vec::<i8>().ok()?.first().copied());
    zero.map_or(Ok(x), |zero| marked(context, x, zero))
}

fn marked(context: &mut Context<'_>, x: ValueId, zero: i8) -> Result<ValueId, NodeError> {
    let [scale, zero] =
        [Tensor::scalar(1.0_f32), Tensor::scalar(zero)].map(|tensor| context.constant(tensor));
    let (scale, zero) = (scale?, zero?);
    let integers = context.emit(QuantizeLinear { axis: 0 }, &[x, scale, zero])?;
    context.emit(DequantizeLinear { axis: 0 }, &[integers, scale, zero])
}
