//! Ediacara: from a model to the cycles of a deep learning processor, behind a few functions.
//!
//! [`model::load`] finds a network, [`inputs::load`] its inputs, [`prepare`] makes it int8, [`run()`] compiles it, runs it
//! on the simulated machine, checks every value against the host and returns the report; [`dataset::evaluate`] asks it a whole
//! data set. Start reading at [`pipeline`].
//!
//! The crates beneath are re-exported under their own names; together they are the public surface.

mod check;
pub mod dataset;
mod error;
mod explain;
pub mod export;
pub mod inputs;
pub mod model;
pub mod pipeline;
pub mod ports;
mod results;
pub mod verify;

pub use error::Error;
pub use explain::{LayerExplanation, explain};
pub use model::Model;
pub use pipeline::{
    CalibrationSource, Execution, Prepared, Run, RunOptions, Stage, adopt_machine, execute, prepare, run,
    what_if,
};

pub use ediacara_arch as arch;
pub use ediacara_autodiff as autodiff;
pub use ediacara_compiler as compiler;
pub use ediacara_data as data;
pub use ediacara_graph as graph;
pub use ediacara_host as host;
pub use ediacara_isa as isa;
pub use ediacara_nn as nn;
pub use ediacara_onnx as onnx;
pub use ediacara_optimiser as optimiser;
pub use ediacara_plot as plot;
pub use ediacara_profile as profile;
pub use ediacara_prove as prove;
pub use ediacara_rtl as rtl;
pub use ediacara_sim as sim;
pub use ediacara_tensor as tensor;
pub use ediacara_textbook as textbook;
pub use ediacara_train as train;
