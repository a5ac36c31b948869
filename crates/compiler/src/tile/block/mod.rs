//! A depthwise convolution or a pool with the convolutions around it, as one layer.

mod cost;
pub(crate) mod search;
pub mod tiling;
