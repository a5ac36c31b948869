//! From a quantised graph to segments for one machine and its host.
//!
//! [`compile`] runs the passes of [`PASSES`] in order: **partition** decides what the DLP runs and in which
//! segments; then, for each segment of the DLP, **fuse-add**
//! lets convolutions do the additions after them; **fuse-block** joins depthwise convolutions and pools
//! with their neighbours; **place** gives every activation a home in DRAM;
//! **build** makes layers of nodes; **keep** lets activations stay in NRAM between layers; **lower** turns each layer into steps, fully specified operations in
//! program order, after which every allocation is doubted once more ([`CompileError::Allocation`]); **synchronise** finds who waits for whom; **emit** encodes.
//!
//! The rooms below stand in the order in which they build on each other: none imports from one after it.
//!
//! This crate neither runs a program nor knows what one costs beyond an estimate that guides tiling ([`tile`]).
//! Start reading at `compile`, then [`program`], then `lower/conv.rs`.

mod error;

pub mod program;

mod bounds;

mod place;

pub mod tile;

mod fuse;

mod build;

mod keep;

mod lower;

mod check;

pub mod synchronise;

mod emit;

mod decisions;
mod listings;
mod passes;

mod compile;

pub use bounds::Bounds;
pub use compile::{Compiled, DlpSegment, Home, HostSegment, Segment, compile, machine_key};
pub use error::CompileError;
pub use keep::decide::{Keeping, KeptBuffer, Verdict};
pub use keep::hold::{Holding, HoldingVerdict};
pub use passes::{Listing, Options, PASSES, PassDescription};
pub use place::partition::HostOp;
pub use tile::explain::Explanation;
