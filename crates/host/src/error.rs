//! What can go wrong between a graph and its results.

use ediacara_graph::{OpError, TensorError, TensorType};

/// Why a graph cannot be run, or a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Another number of inputs than the graph has.
    #[error(
        "graph `{graph}` has {expected} inputs, found {found} tensors; \
         pass one for each, in the graph's order"
    )]
    InputCount {
        /// The graph's name.
        graph: String,
        /// Inputs of the graph.
        expected: usize,
        /// Tensors given.
        found: usize,
    },
    /// An input of another type or shape.
    #[error(
        "input `{input}` of graph `{graph}` is {expected}, found a tensor of {found}; \
         cast, reshape or rebind it"
    )]
    Input {
        /// The graph's name.
        graph: String,
        /// The input's name.
        input: String,
        /// What the graph says.
        expected: Box<TensorType>,
        /// What was given.
        found: Box<TensorType>,
    },
    /// A node's operator failed.
    #[error("node `{node}`: {source}")]
    Node {
        /// The node's name.
        node: String,
        /// The operator's error.
        source: Box<OpError>,
    },
    /// A node's result does not fit into memory.
    #[error("node `{node}`: {source}")]
    Allocation {
        /// The node's name.
        node: String,
        /// The tensor's error.
        source: TensorError,
    },
    /// A node reads what no earlier node computes: the graph has a cycle, or a value of an unlinked node.
    #[error("node `{node}` reads `{value}`, which nothing before it computes; verify the graph")]
    Order {
        /// The node's name.
        node: String,
        /// The value's name.
        value: String,
    },
    /// An output that nothing computes.
    #[error("output `{output}` of graph `{graph}` is computed by no node of it; verify the graph")]
    Output {
        /// The graph's name.
        graph: String,
        /// The output's name.
        output: String,
    },
    /// The operating system gave no threads.
    #[error("no pool of {threads} threads: {problem}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        problem: String,
    },
}
