//! Training: sessions that keep variables, loops over data, recipes, checkpoints.
//!
//! A [`Session`] runs parts of a graph many times and keeps the tensors of its variables between runs. A [`Recipe`] is a
//! file that says what to train on what; [`Trainer`] carries it out, step by step, and goes on from a checkpoint to the
//! same numbers as if it had never stopped.
//!
//! This crate prints nothing: whoever wants to see progress gets every epoch as an [`Epoch`]. Start reading at
//! [`Trainer::new`].

mod dataset;
mod error;
mod network;
mod prune;
mod recipe;
mod session;
mod trainer;

pub use dataset::{Dataset, Samples};
pub use error::TrainError;
pub use network::build;
pub use recipe::{LayerSpec, Recipe};
pub use session::Session;
pub use trainer::{Epoch, Evaluation, Trainer};
