//! What can go wrong while optimising or quantising.

use ediacara_graph::{GraphError, OpError, TensorError};
use ediacara_host::HostError;
use ediacara_kernels::KernelError;

/// The error type of this crate.
#[derive(Debug, thiserror::Error)]
pub enum OptimiserError {
    /// A graph could not be rewritten or built.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An operator could not be evaluated.
    #[error(transparent)]
    Op(#[from] OpError),
    /// The host could not run the graph.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A tensor did not fit.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A kernel's rule was broken.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Calibration was asked for without a sample.
    #[error("graph `{graph}` cannot be calibrated without a sample; give at least one")]
    NoSample {
        /// The graph.
        graph: String,
    },
    /// An input is infinite or not a number in a calibration sample.
    #[error(
        "input `{value}` is infinite or not a number in calibration sample {sample} (counted from 0); \
         check the preprocessing"
    )]
    NotFinite {
        /// The input.
        value: String,
        /// The sample, from 0.
        sample: usize,
    },
    /// A value that should be quantised was not calibrated.
    #[error(
        "value `{value}` of graph `{graph}` was not calibrated; calibrate the very graph that is quantised"
    )]
    NotCalibrated {
        /// The value.
        value: String,
        /// The graph.
        graph: String,
    },
    /// A graph that should be quantised after training is quantised already.
    #[error(
        "graph `{graph}` is quantised already (node `{node}` is a {op}); import it with `import_qdq`, \
         or give the float original"
    )]
    AlreadyQuantised {
        /// The graph.
        graph: String,
        /// A node that shows it.
        node: String,
        /// Its operator.
        op: String,
    },
    /// `import_qdq` was given a graph without quantisation.
    #[error("graph `{graph}` has no quantize_linear node; calibrate and `quantise` it instead")]
    NotQuantised {
        /// The graph.
        graph: String,
    },
    /// A node cannot be lowered although its plan said so.
    #[error("node `{node}` ({op}): {problem}")]
    Lowering {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no pass of that name.
    #[error("no pass is called `{name}`; {}", ediacara_hint::there_are(.name, .known.split(", ")))]
    UnknownPass {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, OptimiserError>;
