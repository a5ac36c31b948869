//! AlexNet, twice: as torchvision has it, and the original of two groups.
//!
//! torchvision's is Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014,
//! without the adaptive pooling, which keeps 6 x 6 pixels as they are. The original is Krizhevsky, Sutskever,
//! Hinton, "ImageNet classification with deep convolutional neural networks", 2012. Both leave dropout out.

use ediacara_graph::Graph;
use ediacara_graph::ops::Lrn;

use crate::NnError;
use crate::builder::{Builder, Filters};

pub(super) fn build(batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new("alexnet", seed);
    let mut x = builder.input(&[batch, 3, 224, 224]);
    let first = Filters { channels: 64, kernel: 11, stride: 4, padding: 2, groups: 1 };
    // The number is that of the convolution in torchvision's `features`; its ReLU follows, then the pooling.
    let layers = [
        (0, first, true),
        (3, Filters::same(192, 5, 1), true),
        (6, Filters::same(384, 3, 1), false),
        (8, Filters::same(256, 3, 1), false),
        (10, Filters::same(256, 3, 1), true),
    ];
    for (index, filters, pooled) in layers {
        x = builder.conv_with_bias(&format!("features.{index}"), x, filters)?;
        x = builder.relu(&format!("features.{}", index + 1), x)?;
        if pooled {
            x = builder.max_pool(&format!("features.{}", index + 2), x, 3, 2, 0)?;
        }
    }
    x = builder.flatten("flatten", x)?;
    for index in [1, 4] {
        x = builder.linear(&format!("classifier.{index}"), x, 4096)?;
        x = builder.relu(&format!("classifier.{}", index + 1), x)?;
    }
    x = builder.linear("classifier.6", x, 1000)?;
    Ok(builder.finish(x))
}

/// The original: its second, fourth and fifth convolution see the channels of one group of two.
///
/// A local response normalisation follows the first two; its alpha is not divided by the five channels there.
pub(super) fn build_two_groups(batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new("alexnet_two_groups", seed);
    let mut x = builder.input(&[batch, 3, 227, 227]);
    let in_groups =
        |channels: usize, kernel: usize| Filters { groups: 2, ..Filters::same(channels, kernel, 1) };
    let layers = [
        (1, Filters { channels: 96, kernel: 11, stride: 4, padding: 0, groups: 1 }),
        (2, in_groups(256, 5)),
        (3, Filters::same(384, 3, 1)),
        (4, in_groups(384, 3)),
        (5, in_groups(256, 3)),
    ];
    for (index, filters) in layers {
        x = builder.conv_with_bias(&format!("conv{index}"), x, filters)?;
        x = builder.relu(&format!("relu{index}"), x)?;
        if index <= 2 {
            x = builder.lrn(
                &format!("norm{index}"),
                x,
                Lrn { size: 5, alpha: 5e-4, beta: 0.75, bias: 2.0 },
            )?;
        }
        if matches!(index, 1 | 2 | 5) {
            x = builder.max_pool(&format!("pool{index}"), x, 3, 2, 0)?;
        }
    }
    x = builder.flatten("flatten", x)?;
    for index in [6, 7] {
        x = builder.linear(&format!("fc{index}"), x, 4096)?;
        x = builder.relu(&format!("relu{index}"), x)?;
    }
    x = builder.linear("fc8", x, 1000)?;
    Ok(builder.finish(x))
}
