//! Reverse-mode differentiation of a [`Graph`](ediacara_graph::Graph).
//!
//! Gradients are nodes of the same graph, so that they can be printed, optimised, differentiated again and
//! compiled.
//!
//! [`gradients`] is the common case: a loss and what to differentiate by. [`differentiate`] takes seeds and
//! tells what is not connected. [`differentiate_with_checkpoints`] computes parts of the forward pass anew
//! instead of keeping their results. [`clip_by_value`] and [`clip_by_global_norm`] bound gradients.
//!
//! A [`Tape`] computes eagerly, on the same rules: each application of an operator is recorded in a graph,
//! and its results are there at once. A program that is written for a [`Recorder`] does either.
//!
//! The rules are the operators' own ([`Op::gradient`](ediacara_graph::Op::gradient)); this crate knows none
//! of them. The pass is that of Griewank and Walther, "Evaluating Derivatives" (2008), chapter 3;
//! checkpointing is that of Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).

mod checkpoint;
mod clip;
mod emitter;
mod recorder;
mod reverse;
mod tape;

pub use checkpoint::differentiate_with_checkpoints;
pub use clip::{clip_by_global_norm, clip_by_value};
pub use emitter::GraphEmitter;
pub use recorder::Recorder;
pub use reverse::{differentiate, gradients};
pub use tape::Tape;
