//! i8 kernels, NHWC: the arithmetic of docs/numerics.md to the bit.
//!
//! Comments quote its rules by their identifiers (N-...).
//!
//! Accumulation wraps in i32. So sums may run in any order, and every variant of the inner product
//! ([`Variant`]) gives the same bits.

mod array;
mod conv;
mod conv_shape;
mod depthwise;
mod dot;
mod elementwise;
mod gather;
mod pool;
mod product;
mod requantise;

#[cfg(test)]
mod tests;

pub use crate::array::{Accumulation, ArrayDot};
pub use array::{ArrayScratch, array_dot, array_dot_by};
pub use conv::{q_conv, q_conv_by, q_matmul, q_matmul_by, q_matmul_real};
pub use conv_shape::{QConvShape, QWeights, RealWeights};
pub use dot::Variant;
pub use elementwise::{QOperand, q_add, q_maximum, q_multiply, q_multiply_channels, q_table};
pub use pool::{QPoolKind, QPoolShape, q_pool};
pub use requantise::{
    Multiplier, QOutput, SHIFT_MAX, dequantize, quantize, quantize_multiplier, requantise, round_shift,
};
