//! The networks by name.

mod alexnet;
mod lenet;
mod mlp;
mod mobilenet;
mod recurrent;
mod resnet;
mod vgg;

use ediacara_graph::Graph;

use crate::NnError;

/// The largest batch; activations of a batch of 1,024 photos still fit a server's memory.
const BATCH_LIMIT: usize = 1024;

/// A network that is built in.
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

const NETWORKS: [Network; 7] = [
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
        name: "lenet5",
        documentation: "LeNet-5 for 28x28 digits, with ReLU and max pooling, 61.7 k parameters",
        input: [1, 28, 28],
        build: lenet::build,
    },
];

/// The networks that are built in, besides the multilayer perceptrons.
pub fn networks() -> &'static [Network] {
    &NETWORKS
}

/// The names that [`build`] knows; the last stand for any sizes: `mlp:33-512-10` from input to output,
/// `lstm:128-128x100` of inputs, units and steps, and `gru:` likewise.
pub fn names() -> Vec<&'static str> {
    NETWORKS.iter().map(|network| network.name).chain([mlp::EXAMPLE]).chain(recurrent::EXAMPLES).collect()
}

/// Builds a network by its name: one of [`names`], `mlp:` and two or more sizes, or `lstm:` or `gru:` and
/// inputs, units and steps.
///
/// The input, called `input`, is f32 `[batch, channels, height, width]`, `[batch, first size]` for a
/// perceptron, or `[batch, steps, inputs]` for a recurrent layer. The output, called `logits`, is f32
/// `[batch, classes]` without softmax, or `[batch, steps, units]`. The same name, batch
/// and seed give the same graph on every platform, and the weights do not depend on the batch.
///
/// # Errors
/// An unknown name (the error lists the known), sizes that cannot be used, a batch outside 1..=1024.
pub fn build(name: &str, batch: usize, seed: u64) -> Result<Graph, NnError> {
    if !(1..=BATCH_LIMIT).contains(&batch) {
        return Err(NnError::Batch { name: name.to_string(), batch, limit: BATCH_LIMIT });
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
