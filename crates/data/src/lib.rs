//! Photos, labels and data sets as tensors, and the seeded numbers that stand in where there are none.
//!
//! Everything that turns outside material into a network's input starts here. [`RgbImage`] decodes and
//! resizes. [`Preprocess`] turns a photo into the tensor that a network was trained on. [`Labels`] names the
//! network's answers. [`Locations`] finds a data set on this machine, and [`mnist`], [`cifar`], [`digits`],
//! [`photos`] and [`boxes`] read them. [`bundled`] holds the files that are built into the binary. [`Random`]
//! and [`synthetic`] give numbers that are the same on every platform. [`metrics`] say how well predictions
//! meet labels and boxes.
//!
//! This crate knows nothing of graphs or machines. Only [`fetch`] reaches the network, by running `curl`.
//!
//! Start reading at [`Preprocess::apply`].

pub mod boxes;
pub mod bundled;
pub mod cifar;
pub mod digits;
mod error;
pub mod fetch;
mod files;
mod image_rgb;
mod jpeg;
mod labels;
mod locate;
pub mod metrics;
pub mod mnist;
pub mod photos;
mod preprocess;
mod random;
mod resize;
mod skip;
pub mod synthetic;
mod tar;

pub use error::DataError;
pub use image_rgb::RgbImage;
pub use labels::Labels;
pub use locate::{DataSet, Locations};
pub use preprocess::{ChannelOrder, Framing, Preprocess};
pub use random::Random;
pub use resize::Filter;
pub use skip::{onnxruntime_python, skip};

use ediacara_tensor::Tensor;

/// Pictures with one class each, as every small classification set has them.
#[derive(Debug, Clone)]
pub struct ImageSet {
    /// Pixels, u8 `[pictures, channels, height, width]`.
    pub images: Tensor,
    /// The class of each picture, as many as there are pictures.
    pub labels: Vec<u8>,
}

impl ImageSet {
    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether the set has no picture.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}
