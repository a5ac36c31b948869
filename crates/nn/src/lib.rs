//! Layers, losses and optimisers; built-in networks as graphs; and the summary of any graph.
//!
//! [`build`] makes a network by its name, usable wherever a model file is. The shapes and the names of layers
//! and weights are torchvision's. The weights are seeded random numbers, scaled so that the variance of the
//! activations neither dies nor grows through the depth (`builder.rs` says how). So int8 arithmetic has
//! something to say at every layer. [`Summary`] counts the parameters, neurons, arithmetic and memory of each
//! layer of any graph, also of an imported one.
//!
//! For training, a [`Scope`] is a graph in the making: layers add nodes to it and declare parameters.
//! [`losses`] say what to make small, and [`optimisers`] how parameters follow their gradients.
//! [`functional`] holds what layers compute, for graphs and for eager tapes.
//!
//! This crate runs nothing and reads no file. Start reading at [`build`], then any file in `networks/`; or at
//! [`Scope`], then any file in `layers/`.

mod builder;
mod error;
pub mod functional;
mod initialiser;
mod layers;
mod loss_scale;
pub mod losses;
mod networks;
pub mod optimisers;
mod schedule;
mod scope;
mod summary;

pub use error::NnError;
pub use initialiser::Initialiser;
pub use layers::Sequence;
pub use loss_scale::LossScale;
pub use networks::{FreeDimension, Network, build, build_sized, free_dimension, names, networks};
pub use schedule::{LearningRate, Schedule};
pub use scope::{Mode, Parameter, Role, Scope, Update};
pub use summary::{Layer, Layers, Port, Summary};
