//! What can go wrong.

use std::path::PathBuf;

use ediacara_data::DataError;
use ediacara_graph::{GraphError, OpError};
use ediacara_host::HostError;
use ediacara_nn::NnError;
use ediacara_optimiser::OptimiserError;
use ediacara_tensor::TensorError;

/// Why training does not go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A recipe cannot be read.
    #[error("{path}: {problem}")]
    Recipe {
        /// The recipe.
        path: String,
        /// What is wrong, with the line.
        problem: String,
    },
    /// A checkpoint is not one of this training.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A run was asked for something that the session does not have.
    #[error("{0}")]
    Session(String),
    /// Data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NnError),
    /// The graph refused a node.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An operator refused its operands.
    #[error(transparent)]
    Op(#[from] OpError),
    /// A graph cannot be optimised.
    #[error(transparent)]
    Optimiser(#[from] OptimiserError),
    /// A run failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A tensor cannot be made or read.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The loss is no number any more.
    #[error("the loss of step {step} is {loss}; a smaller learning rate, or clipped gradients, may help")]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The loss.
        loss: f32,
    },
}
