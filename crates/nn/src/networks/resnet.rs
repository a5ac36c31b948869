//! ResNet-50 and ResNet-152 as torchvision has them.
//!
//! He et al., "Deep residual learning for image recognition", 2015, with the stride of a stage in its 3 x 3
//! convolution instead of the 1 x 1 before it.

use ediacara_graph::Graph;

use crate::NnError;
use crate::builder::{Builder, Filters, Signal};

/// How many times a block's channels widen at its end.
const EXPANSION: usize = 4;

pub(super) fn build_50(batch: usize, seed: u64) -> Result<Graph, NnError> {
    build("resnet50", [3, 4, 6, 3], batch, seed)
}

pub(super) fn build_152(batch: usize, seed: u64) -> Result<Graph, NnError> {
    build("resnet152", [3, 8, 36, 3], batch, seed)
}

fn build(name: &str, blocks: [usize; 4], batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new(name, seed);
    let mut x = builder.input(&[batch, 3, 224, 224]);
    x = builder.conv("conv1", x, Filters::same(64, 7, 2))?;
    x = builder.batch_norm("bn1", x, 1.0)?;
    x = builder.relu("relu", x)?;
    x = builder.max_pool("maxpool", x, 3, 2, 1)?;
    for (index, (blocks, width)) in blocks.into_iter().zip([64, 128, 256, 512]).enumerate() {
        for block in 0..blocks {
            let stride = if block == 0 && index > 0 { 2 } else { 1 };
            let shape = BlockShape { width, stride, blocks, first: block == 0 };
            x = bottleneck(&mut builder, &format!("layer{}.{block}", index + 1), x, shape)?;
        }
    }
    x = builder.global_average("avgpool", x)?;
    x = builder.linear("fc", x, 1000)?;
    Ok(builder.finish(x))
}

/// One block of a stage.
struct BlockShape {
    width: usize,
    stride: usize,
    /// How many blocks the stage has.
    blocks: usize,
    /// Whether it is the stage's first, whose shortcut is a convolution.
    first: bool,
}

fn bottleneck(builder: &mut Builder, name: &str, x: Signal, shape: BlockShape) -> Result<Signal, NnError> {
    let part = |part: &str| format!("{name}.{part}");
    // The first block adds two signals of variance 1/2; each later one adds 1 / (blocks - 1) of the first's
    // variance.
    let gamma = if shape.first { 0.5_f64.sqrt() } else { (1.0 / (shape.blocks - 1) as f64).sqrt() };
    let mut branch = builder.conv(&part("conv1"), x, Filters::same(shape.width, 1, 1))?;
    branch = builder.batch_norm(&part("bn1"), branch, 1.0)?;
    branch = builder.relu(&part("relu1"), branch)?;
    branch = builder.conv(&part("conv2"), branch, Filters::same(shape.width, 3, shape.stride))?;
    branch = builder.batch_norm(&part("bn2"), branch, 1.0)?;
    branch = builder.relu(&part("relu2"), branch)?;
    branch = builder.conv(&part("conv3"), branch, Filters::same(shape.width * EXPANSION, 1, 1))?;
    branch = builder.batch_norm(&part("bn3"), branch, gamma)?;
    let mut shortcut = x;
    if shape.first {
        let filters = Filters::same(shape.width * EXPANSION, 1, shape.stride);
        shortcut = builder.conv(&part("downsample.0"), shortcut, filters)?;
        shortcut = builder.batch_norm(&part("downsample.1"), shortcut, gamma)?;
    }
    builder.add_relu(&part("add"), shortcut, branch, &part("relu3"))
}
