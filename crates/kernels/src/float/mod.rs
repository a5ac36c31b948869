//! f32 and f64 kernels, NCHW: what the host computes with.
//!
//! In f64 they are the same loops. Where filters never change, the host convolves and pools with channels
//! last instead: [`conv2d_channels_last`], in f32.
//!
//! Sums run in an order that depends on shapes only. No other library need have the same order, so compare
//! with a tolerance.

mod channels_last;
mod conv;
mod conv_shape;
mod conv_transpose;
mod depthwise;
mod dot;
mod element;
mod filter_gradient;
mod gemm;
mod pool;
mod product;
mod raster;
mod windows;

#[cfg(test)]
mod tests;

pub use channels_last::{ChannelsLastFilters, ImageLayout, conv2d_channels_last, pool2d_channels_last};
pub use conv::{Filters, PackedFilters, conv2d, conv2d_with};
pub use conv_shape::{ConvShape, Epilogue};
pub use conv_transpose::{ConvTransposeShape, conv_transpose2d};
pub use element::Float;
pub use filter_gradient::conv2d_filter_gradient;
pub use gemm::{MatrixMut, MatrixRef, gemm, gemm_plain, linear};
pub use pool::{PoolKind, PoolShape, average_counts, max_pool2d_indices, pool2d};

/// What a convolution or a matrix product applies to its result before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation {
    /// The result as it is.
    #[default]
    None,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `min(max(x, low), high)`; NaN stays NaN.
    Clamp {
        /// Lower bound.
        low: f32,
        /// Upper bound.
        high: f32,
    },
}

impl Activation {
    /// Applies the activation in place.
    #[inline(always)]
    pub fn apply<T: Float>(self, values: &mut [T]) {
        match self {
            Self::None => {}
            // Comparisons keep NaN. `f32::max` would turn it into the bound and hide an error upstream.
            Self::Relu => values.iter_mut().for_each(|v| *v = if *v < T::ZERO { T::ZERO } else { *v }),
            Self::Clamp { low, high } => {
                let (low, high) = (T::from_f32(low), T::from_f32(high));
                values.iter_mut().for_each(|v| {
                    let raised = if *v < low { low } else { *v };
                    *v = if raised > high { high } else { raised };
                });
            }
        }
    }
}
