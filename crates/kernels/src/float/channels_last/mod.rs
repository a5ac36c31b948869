//! Convolutions and pools of f32 images whose channels lie side by side: `[N,H,W,C]`.
//!
//! A tap of a window is then a stretch of contiguous inputs. A dense convolution reads them where they lie,
//! without packing windows. Where channels are combined one by one, a vector holds sixteen of them. The host
//! infers with these kernels. The order of sums is (kernel row, kernel column, channel), in blocks of terms,
//! whatever the batch and the number of threads.
//!
//! Start reading at [`conv2d_channels_last`].

mod conv;
mod filters;
mod image;
mod rows;
mod tile;

pub use conv::conv2d_channels_last;
pub use filters::ChannelsLastFilters;
pub use rows::pool2d_channels_last;

/// How the axes of an image batch lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageLayout {
    /// `[N,C,H,W]`.
    ChannelsFirst,
    /// `[N,H,W,C]`.
    ChannelsLast,
}
