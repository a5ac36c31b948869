//! From a quantised graph to an executable for one machine.
//!
//! [`compile`] runs the passes of [`PASSES`] in order: **partition** decides what the DLP runs; **fuse-add**
//! lets convolutions do the additions after them; **fuse-block** joins depthwise convolutions and pools
//! with their neighbours; **place** gives every activation a home in DRAM;
//! **build** makes layers of nodes; **keep** lets activations stay in NRAM between layers; **lower** turns each layer into steps, fully specified operations in
//! program order, after which every allocation is doubted once more ([`CompileError::Allocation`]); **synchronise** finds who waits for whom; **emit** encodes.
//!
//! This crate neither runs a program nor knows what one costs beyond an estimate that guides tiling
//! ([`cost`], [`tiling`]). Start reading at `compile`, then [`step`], then `lower/conv.rs`.

pub mod block_tiling;
pub mod cost;
pub mod layer;
pub mod partition;
pub mod region;
pub mod step;
pub mod synchronise;
pub mod tiling;
pub mod vector_tiling;
pub mod view;
pub mod window;

mod allocation;
mod allocation_check;
mod block_cost;
mod bounds;
mod build;
mod choices;
mod decisions;
mod dram;
mod emit;
mod error;
mod explain;
mod fuse_block;
mod host;
mod keep;
mod lower;
mod memory;
mod movement;
mod operands;
mod pass;
mod place;
mod ports;
mod residence;
mod transfer;

pub use bounds::Bounds;
pub use error::CompileError;
pub use explain::Explanation;
pub use keep::{Keeping, KeptBuffer, Verdict};
pub use pass::{Compiled, Home, HostOp, Listing, Options, PASSES, PassDescription, compile, machine_key};
