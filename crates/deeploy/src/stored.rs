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
    let [scale, zero] =
        [Tensor::scalar(1.0_f32), Tensor::scalar(zero)].map(|tensor| context.constant(tensor));
    let (scale, zero) = (scale?, zero?);
    let integers = context.emit(QuantizeLinear { axis: 0 }, &[x, scale, zero])?;
    context.emit(DequantizeLinear { axis: 0 }, &[integers, scale, zero])
}
