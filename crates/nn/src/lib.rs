//! Built-in networks as graphs, and the summary of any graph.
//!
//! [`build`] makes a network by its name, usable wherever a model file is. The shapes and the names of layers
//! and weights are torchvision's; the weights are seeded random numbers, scaled so that the variance of the
//! activations neither dies nor grows through the depth (`builder.rs` says how), so that int8 arithmetic has
//! something to say at every layer. [`Summary`] counts the parameters, neurons, arithmetic and memory of each
//! layer of any graph, also of an imported one.
//!
//! This crate runs nothing and reads no file. Start reading at [`build`], then any file in `networks/`.

mod builder;
mod error;
mod networks;
mod summary;

pub use error::NnError;
pub use networks::{Network, build, names, networks};
pub use summary::{Layer, Port, Summary};
