//! Why a built-in network could not be made.

use ediacara_graph::{GraphError, TensorType};
use ediacara_tensor::TensorError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// No built-in network has this name.
    #[error("no built-in network is called '{name}'; {}", ediacara_hint::there_are(.name, .known.split(", ")))]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// The sizes in the name of a recurrent layer cannot be used.
    #[error("'{name}': {problem}; write inputs, units and steps like lstm:128-128x100")]
    Recurrent {
        /// The name that was given.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The sizes in the name of a multilayer perceptron cannot be used.
    #[error("'{name}': {problem}; write the sizes from input to output like mlp:33-512-10")]
    Sizes {
        /// The name that was given.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The batch is 0 or too large.
    #[error("a batch of {batch} cannot be built for '{name}'; give 1 to {limit}")]
    Batch {
        /// The network.
        name: String,
        /// The batch that was asked for.
        batch: usize,
        /// The largest batch.
        limit: usize,
    },
    /// A decoder has room for fewer tokens, or for none.
    #[error("'{name}' cannot be built with caches of {length} tokens; give T=1 to T={limit}")]
    CacheLength {
        /// The network.
        name: String,
        /// The tokens that there should be room for.
        length: usize,
        /// The most that there may be.
        limit: usize,
    },
    /// A size is given for a dimension that the network has not.
    #[error("'{name}' has no dimension {dimension} to be sized; its only one is {known}")]
    Dimension {
        /// The network.
        name: String,
        /// What was given.
        dimension: String,
        /// The one there is.
        known: &'static str,
    },
    /// A parameter would have more elements than any that makes sense.
    #[error(
        "parameter `{name}` would be {shape:?}, more than {limit} elements; make the layer, or what comes before it, smaller"
    )]
    Parameter {
        /// The parameter.
        name: String,
        /// Its dimensions.
        shape: Vec<usize>,
        /// The most that there may be.
        limit: usize,
    },
    /// A layer cannot take what it is given.
    #[error("layer `{layer}` is given `{value}`, which is {ty}; expected {expected}")]
    Operand {
        /// The layer.
        layer: String,
        /// The value.
        value: String,
        /// What it is.
        ty: TensorType,
        /// What would be right.
        expected: String,
    },
    /// A layer is described by numbers that make none.
    #[error("layer `{layer}`: {problem}")]
    Layer {
        /// The layer.
        layer: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The number of gradients is not that of the parameters to learn.
    #[error(
        "{found} gradients are given for the {} parameters that are learnt: {}; give one for each, in their order",
        parameters.len(), parameters.join(", ")
    )]
    Gradients {
        /// How many gradients there are.
        found: usize,
        /// The parameters.
        parameters: Vec<String>,
    },
    /// The graph refused a node.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A weight could not be made.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}
