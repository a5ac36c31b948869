//! VGG-19 without batch normalisation, torchvision's `vgg19`.
//!
//! Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014,
//! configuration E. Dropout is left out, and so is the adaptive pooling, which keeps 7 x 7 pixels as they
//! are.

use ediacara_graph::Graph;

use crate::NnError;
use crate::builder::{Builder, Filters};

pub(super) fn build_19(batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new("vgg19", seed);
    let mut x = builder.input(&[batch, 3, 224, 224]);
    let mut index = 0;
    for (convolutions, channels) in [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)] {
        for _ in 0..convolutions {
            x = builder.conv_with_bias(&format!("features.{index}"), x, Filters::same(channels, 3, 1))?;
            x = builder.relu(&format!("features.{}", index + 1), x)?;
            index += 2;
        }
        x = builder.max_pool(&format!("features.{index}"), x, 2, 2, 0)?;
        index += 1;
    }
    x = builder.flatten("flatten", x)?;
    for index in [0, 3] {
        x = builder.linear(&format!("classifier.{index}"), x, 4096)?;
        x = builder.relu(&format!("classifier.{}", index + 1), x)?;
    }
    x = builder.linear("classifier.6", x, 1000)?;
    Ok(builder.finish(x))
}
