//! Ediacara: from a model to the cycles of a deep learning processor, behind a few functions.
//!
//! [`model::load`] finds a network, [`inputs::load`] its inputs, and [`prepare`] makes it int8. [`run()`]
//! compiles it, runs it on the simulated machine, checks every value against the host and returns the report.
//! [`dataset::evaluate`] evaluates it on a whole data set. Start reading at [`pipeline`].
//!
//! From a network's definition to the DLP:
//!
//! ```
//! use ediacara::graph::{TensorType, ops::Tanh};
//! use ediacara::nn::{Mode, Scope, losses, optimisers::{Decay, Momentum, Optimiser}};
//! use ediacara::{CalibrationSource, RunOptions, arch::Machine, tensor::Tensor, train::Session};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("xor.onnx").display().to_string();
//! let mut scope = Scope::new("xor", Mode::Training, 1);
//! let x = scope.input("x", TensorType::f32(&[4, 2]));
//! let wanted = scope.input("wanted", TensorType::f32(&[4, 1]));
//! let hidden = scope.dense("hidden", x, 8)?;
//! let hidden = scope.apply(Tanh, &[hidden])?;
//! let y = scope.dense("y", hidden, 1)?;
//! let loss = losses::mean_squared_error(&mut scope.emitter("loss"), y, wanted)?;
//! let rate = scope.constant(Tensor::scalar(0.1_f32));
//! let sgd = Optimiser::Sgd { momentum: 0.9, form: Momentum::default() };
//! let (graph, parameters, updates) = sgd.minimise(scope, loss, [rate; 2], Decay::default())?;
//! let mut session = Session::new(graph, &parameters, 1)?;
//! let rows = Tensor::from_vec(&[4, 2], vec![-1_f32, -1., -1., 1., 1., -1., 1., 1.])?;
//! let answers = Tensor::from_vec(&[4, 1], vec![-1_f32, 1., 1., -1.])?;
//! for _ in 0..300 {
//!     session.run(&[(x, &rows), (wanted, &answers)], &[loss], &updates)?;
//! }
//! ediacara::onnx::export(&session.freeze(&[y])?, &path, &Default::default())?;
//! let model = ediacara::model::load(&path, &[])?;
//! let prepared = ediacara::prepare(&model, &CalibrationSource::Tensors(vec![vec![rows.clone()]]), &mut |_| {})?;
//! let options = RunOptions::on(Machine::preset("dlp16")?);
//! let run = ediacara::run(&model, &prepared, &[rows], &options, &mut |_| {})?;
//! assert_eq!(run.report.check.bit_exact, Some(true));
//! # for (y, wanted) in run.outputs[0].1.to_vec::<f32>()?.iter().zip([-1.0, 1.0, 1.0, -1.0]) {
//! #     assert!((y - wanted).abs() < 0.1, "{y}, not {wanted}");
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! The crates beneath are re-exported under their own names; together they are the public surface.

mod calibration;
mod check;
pub mod compile;
pub mod dataset;
pub mod decode;
pub mod doubts;
mod error;
mod explain;
pub mod export;
mod following;
mod indices;
pub mod inputs;
pub mod mixed;
pub mod model;
pub mod pipeline;
mod plan;
pub mod ports;
mod precision;
mod prepare;
mod report;
mod results;
pub mod runner;
pub mod self_test;
mod stage;
pub mod verify;

pub use calibration::{CalibrationSource, SampleFile};
pub use compile::{CompiledNetwork, HostOnly, compile};
pub use error::Error;
pub use explain::{LayerExplanation, explain};
pub use model::Model;
pub use pipeline::{Execution, Run, RunOptions, adopt_machine, execute, run, what_if};
pub use precision::Precision;
pub use prepare::{Prepared, prepare, prepare_in};
pub use stage::Stage;

pub use ediacara_train::freeze;

pub use ediacara_arch as arch;
pub use ediacara_autodiff as autodiff;
pub use ediacara_compiler as compiler;
pub use ediacara_data as data;
pub use ediacara_files as files;
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
