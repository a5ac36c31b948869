//! Training: sessions that keep variables, loops over data, recipes, checkpoints.
//!
//! A [`Session`] runs parts of a graph many times and keeps the tensors of its variables between runs. A
//! [`RecipeFile`] says what to do on what data. A [`Trainer`] carries out the [`Recipe`] of a training, step
//! by step, and goes on from a checkpoint to the same numbers as if it had never stopped.
//! [`nearest_neighbours`] asks the samples themselves. [`freeze`] makes a trained network into one to be
//! used, whose parameters are constants.
//!
//! This crate prints nothing: a caller that wants to see progress gets every epoch as an [`Epoch`]. Start
//! reading at [`Trainer::new`].

mod checkpoint;
mod dataset;
mod error;
mod function;
mod neighbours;
mod network;
mod part;
mod pruning;
mod recipe;
mod recipe_file;
mod session;
mod trainer;
mod training_graph;

pub use dataset::{Dataset, Normalisation, Samples};
pub use error::TrainError;
pub use function::{Function, function};
pub use neighbours::nearest_neighbours;
pub use network::build;
pub use part::freeze;
pub use pruning::{Ramp, mask, zero_share};
pub use recipe::{
    EarlyStopTable, Half, LayerSpec, Loss, OptimiserKind, OptimiserTable, PrecisionTable, PruningTable,
    Recipe, ScheduleKind, ScheduleTable,
};
pub use recipe_file::{Method, NearestNeighbours, RecipeFile, Recipes};
pub use session::Session;
pub use trainer::{Epoch, Evaluation, Trainer};
