//! What can go wrong in a compilation.

use ediacara_graph::GraphError;
use ediacara_isa::Memory;

/// An error of [`compile`](crate::compile).
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// No tiling of a layer fits a memory.
    #[error(
        "layer `{layer}` ({op}) does not fit {} of machine `{machine}`: its smallest tile needs {needed} bytes \
         there and the machine has {available}, {} too few; take a machine with a larger {}",
        .memory.title(), .needed.saturating_sub(*.available), .memory.title()
    )]
    DoesNotFit {
        /// The layer.
        layer: String,
        /// Its operator.
        op: &'static str,
        /// The machine.
        machine: String,
        /// The memory that is too small.
        memory: Memory,
        /// Bytes that the smallest tile takes.
        needed: u64,
        /// Bytes that there are.
        available: u64,
    },
    /// Weights, activations and code exceed the DRAM.
    #[error(
        "{what} needs DRAM up to {needed} bytes and machine `{machine}` has {available}, {} too few; \
         raise dram.bytes",
        .needed.saturating_sub(*.available)
    )]
    Dram {
        /// What was being placed.
        what: String,
        /// The machine.
        machine: String,
        /// Bytes that would be needed.
        needed: u64,
        /// Bytes that there are.
        available: u64,
    },
    /// A node of the quantised dialect has constants that the machine cannot hold.
    #[error("layer `{layer}`: {problem}")]
    Layer {
        /// The layer.
        layer: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A number does not fit its field of an instruction: a limit of the instruction set that no tiling
    /// avoids.
    #[error("layer `{layer}`: {field} is {value}, but an instruction holds at most {limit}")]
    Field {
        /// The layer.
        layer: String,
        /// The field.
        field: &'static str,
        /// The value.
        value: u64,
        /// The largest that fits.
        limit: u64,
    },
    /// The compiler gave memory to two things at once, or let a layer touch what is not its own: a fault of the compiler, which
    /// every compilation looks for.
    #[error(
        "{problem}; this is a fault of the compiler, not of the network: please report it \
         (`--disable keep` may avoid it)"
    )]
    Allocation {
        /// Layers, values and addresses that are concerned.
        problem: String,
    },
    /// A pass that does not exist was asked for.
    #[error("there is no compiler pass `{name}`; {}", ediacara_hint::there_are(.name, .known.iter().copied()))]
    UnknownPass {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The graph of the host's part could not be built.
    #[error("the host's part of the graph: {0}")]
    Host(#[from] GraphError),
}
