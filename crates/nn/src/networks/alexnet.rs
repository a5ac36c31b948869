//! AlexNet as torchvision has it: Krizhevsky, "One weird trick for parallelizing convolutional neural
//! networks", 2014. Dropout is left out, and the adaptive pooling, which keeps 6 x 6 pixels as they are.

use ediacara_graph::Graph;

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
