//! LeNet-5 after LeCun et al., "Gradient-based learning applied to document recognition", 1998, as it is
//! taught today.
//!
//! Every feature map of the second convolution sees all of the first. ReLU stands for tanh, max pooling for
//! subsampling, logits for radial basis functions. The first convolution pads the 28 x 28 pixels of MNIST to
//! the paper's 32 x 32.

use ediacara_graph::Graph;

use crate::NnError;
use crate::builder::{Builder, Filters};

pub(super) fn build(batch: usize, seed: u64) -> Result<Graph, NnError> {
    let mut builder = Builder::new("lenet5", seed);
    let mut x = builder.input(&[batch, 1, 28, 28]);
    let second = Filters { channels: 16, kernel: 5, stride: 1, padding: 0, groups: 1 };
    for (index, filters) in [(1, Filters::same(6, 5, 1)), (2, second)] {
        x = builder.conv_with_bias(&format!("conv{index}"), x, filters)?;
        x = builder.relu(&format!("relu{index}"), x)?;
        x = builder.max_pool(&format!("pool{index}"), x, 2, 2, 0)?;
    }
    x = builder.flatten("flatten", x)?;
    for (index, outputs) in [(1, 120), (2, 84)] {
        x = builder.linear(&format!("fc{index}"), x, outputs)?;
        x = builder.relu(&format!("relu{}", index + 2), x)?;
    }
    x = builder.linear("fc3", x, 10)?;
    Ok(builder.finish(x))
}
