//! MobileNetV2 of width 1 as torchvision has it, without dropout.
//!
//! Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018.

use ediacara_graph::Graph;

use crate::NnError;
use crate::builder::{Builder, Filters, Signal};

/// One stage: how many times a block widens its input, its output channels, the number of blocks, and the
/// stride of the first.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

pub(super) fn build(batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new("mobilenet_v2", seed);
    let mut x = builder.input(&[batch, 3, 224, 224]);
    x = conv_norm_relu6(&mut builder, "features.0", x, Filters::same(32, 3, 2))?;
    let mut index = 1;
    for (expansion, channels, blocks, first_stride) in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { first_stride } else { 1 };
            let shape = BlockShape { expansion, channels, stride, blocks };
            x = inverted_residual(&mut builder, &format!("features.{index}"), x, shape)?;
            index += 1;
        }
    }
    x = conv_norm_relu6(&mut builder, &format!("features.{index}"), x, Filters::same(1280, 1, 1))?;
    x = builder.global_average("avgpool", x)?;
    x = builder.linear("classifier.1", x, 1000)?;
    Ok(builder.finish(x))
}

/// A convolution, its normalisation and ReLU6, named `NAME.0`, `NAME.1` and `NAME.2`.
fn conv_norm_relu6(
    builder: &mut Builder,
    name: &str,
    x: Signal,
    filters: Filters,
) -> Result<Signal, NnError> {
    let x = builder.conv(&format!("{name}.0"), x, filters)?;
    let x = builder.batch_norm(&format!("{name}.1"), x, 1.0)?;
    builder.relu6(&format!("{name}.2"), x)
}

struct BlockShape {
    expansion: usize,
    channels: usize,
    stride: usize,
    /// How many blocks the stage has.
    blocks: usize,
}

fn inverted_residual(
    builder: &mut Builder,
    name: &str,
    x: Signal,
    shape: BlockShape,
) -> Result<Signal, NnError> {
    let input_channels = builder.shape(x)[1];
    let hidden = input_channels * shape.expansion;
    let residual = shape.stride == 1 && input_channels == shape.channels;
    let mut branch = x;
    let mut index = 0;
    let mut part = || {
        index += 1;
        format!("{name}.conv.{}", index - 1)
    };
    if shape.expansion > 1 {
        branch = conv_norm_relu6(builder, &part(), branch, Filters::same(hidden, 1, 1))?;
    }
    let depthwise = Filters { groups: hidden, ..Filters::same(hidden, 3, shape.stride) };
    branch = conv_norm_relu6(builder, &part(), branch, depthwise)?;
    branch = builder.conv(&part(), branch, Filters::same(shape.channels, 1, 1))?;
    // The later blocks of a stage add as much variance together as the first one has.
    let gamma = if residual { (1.0 / (shape.blocks - 1) as f64).sqrt() } else { 1.0 };
    branch = builder.batch_norm(&part(), branch, gamma)?;
    if residual { builder.add(&format!("{name}.add"), x, branch) } else { Ok(branch) }
}
