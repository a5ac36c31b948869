//! The networks by name.

mod alexnet;
mod gpt2;
mod lenet;
mod mlp;
mod mobilenet;
mod recurrent;
mod resnet;
#[cfg(test)]
mod tests;
mod transformer;
mod vgg;
mod vit;

use ediacara_graph::Graph;

use crate::NnError;

/// The largest batch; activations of a batch of 1,024 photos still fit a server's memory.
const BATCH_LIMIT: usize = 1024;

/// A network of images that is built in.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// The name by which it is built.
    pub name: &'static str,
    /// One line about it.
    pub documentation: &'static str,
    /// The dimensions of one input without the batch: channels, height, width.
    pub input: [usize; 3],
    build: fn(usize, u64) -> Result<Graph, NnError>,
}

const NETWORKS: [Network; 8] = [
    Network {
        name: "alexnet",
        documentation: "AlexNet in torchvision's shapes, 61.1 M parameters",
        input: [3, 224, 224],
        build: alexnet::build,
    },
    Network {
        name: "alexnet_two_groups",
        documentation: "the original AlexNet: two groups of channels, response normalisation, 61.0 M parameters",
        input: [3, 227, 227],
        build: alexnet::build_two_groups,
    },
    Network {
        name: "vgg19",
        documentation: "VGG-19 without batch normalisation, 143.7 M parameters",
        input: [3, 224, 224],
        build: vgg::build_19,
    },
    Network {
        name: "resnet50",
        documentation: "ResNet-50 with the stride in the 3x3 convolutions, 25.6 M parameters",
        input: [3, 224, 224],
        build: resnet::build_50,
    },
    Network {
        name: "resnet152",
        documentation: "ResNet-152 with the stride in the 3x3 convolutions, 60.2 M parameters",
        input: [3, 224, 224],
        build: resnet::build_152,
    },
    Network {
        name: "mobilenet_v2",
        documentation: "MobileNetV2 of width 1, 3.5 M parameters",
        input: [3, 224, 224],
        build: mobilenet::build,
    },
    Network {
        name: "vit_s",
        documentation: "ViT-S/16, the small Vision Transformer with patches of 16x16, 22.1 M parameters",
        input: [3, 224, 224],
        build: vit::build_small,
    },
    Network {
        name: "lenet5",
        documentation: "LeNet-5 for 28x28 digits, with ReLU and max pooling, 61.7 k parameters",
        input: [1, 28, 28],
        build: lenet::build,
    },
];

/// The networks of images that are built in.
pub fn networks() -> &'static [Network] {
    &NETWORKS
}

/// The names that [`build`] knows; the last stand for any sizes: `mlp:33-512-10` from input to output,
/// `lstm:128-128x100` of inputs, units and steps, and `gru:` likewise.
pub fn names() -> Vec<&'static str> {
    let images = NETWORKS.iter().map(|network| network.name);
    images.chain([gpt2::NAME, mlp::EXAMPLE]).chain(recurrent::EXAMPLES).collect()
}

/// The dimension of a built-in network that can be given a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeDimension {
    /// Its name: `N`, the batch, or `T`, for how many tokens a decoder's caches have room.
    pub name: &'static str,
    /// The number of an input that has it.
    pub input: usize,
    /// The axis of that input.
    pub axis: usize,
}

/// The dimension of the network of this name that can be given a size; 1 where none is given.
pub fn free_dimension(name: &str) -> FreeDimension {
    if name == gpt2::NAME {
        FreeDimension { name: "T", input: 2, axis: 2 }
    } else {
        FreeDimension { name: "N", input: 0, axis: 0 }
    }
}

/// Builds a network by its name: one of [`names`], `mlp:` and two or more sizes, or `lstm:` or `gru:` and
/// inputs, units and steps.
///
/// The input, called `input`, is f32 `[batch, channels, height, width]`, `[batch, first size]` for a
/// perceptron, or `[batch, steps, inputs]` for a recurrent layer. The output, called `logits`, is f32
/// `[batch, classes]` without softmax, or `[batch, steps, units]`. The same name, batch
/// and seed give the same graph on every platform, and the weights do not depend on the batch.
///
/// `gpt2` decodes one token, in batches of 1 only: see [`build_sized`].
///
/// # Errors
/// An unknown name (the error lists the known), sizes that cannot be used, a batch outside 1..=1024.
pub fn build(name: &str, batch: usize, seed: u64) -> Result<Graph, NnError> {
    let limit = if name == gpt2::NAME { 1 } else { BATCH_LIMIT };
    if !(1..=limit).contains(&batch) {
        return Err(NnError::Batch { name: name.to_string(), batch, limit });
    }
    if name == gpt2::NAME {
        return gpt2::build(1, seed);
    }
    if recurrent::is_one(name) {
        return recurrent::build(name, batch, seed);
    }
    if let Some(sizes) = name.strip_prefix(mlp::PREFIX) {
        return mlp::build(name, sizes, batch, seed);
    }
    let network = NETWORKS.iter().find(|network| network.name == name);
    let network =
        network.ok_or_else(|| NnError::Unknown { name: name.to_string(), known: names().join(", ") })?;
    (network.build)(batch, seed)
}

/// Builds a network by its name with a size for its [`free_dimension`]: for most it is the batch of
/// [`build`].
///
/// For `gpt2` it is T, 1 to 1024, the tokens for which its caches have room. Inputs are `input_ids` i64 `[1, 1]`,
/// `position` i64 `[1]`, 0 to T - 1, the tokens before that one, and, for each layer i of 12, `past_{i}_key` and
/// `past_{i}_value`, f32 `[1, 12, T, 64]`, of which the rows from `position` on are of no consequence. Outputs are
/// `logits` f32 `[1, 1, 50257]` and `present_{i}_key` and `present_{i}_value`, the caches with this token's row. The
/// weights do not depend on T.
///
/// # Errors
/// Those of [`build`]; a size outside its range.
pub fn build_sized(name: &str, size: usize, seed: u64) -> Result<Graph, NnError> {
    if name == gpt2::NAME { gpt2::build(size, seed) } else { build(name, size, seed) }
}
