//! Runs a graph on the host.
//!
//! An [`Executor`] is made once for a graph and runs it many times: nodes in topological order, their results
//! in buffers that a [`MemoryPlan`] lets follow one another in the same memory, operators that only
//! re-describe memory without a copy. An operator may be made ready once (its constants in the layout that its
//! loops read), be run together with elementwise ones that follow it, and leave images in memory with channels last, where
//! [`Options`] allow that other order of sums. The executor computes what the operators' own kernels compute and knows
//! nothing of what they are.
//!
//! It does not optimise, quantise or compile. Start reading at [`Executor::new`].

mod error;
mod executor;
mod plan;
mod pool;
mod steps;

pub use error::HostError;
pub use executor::{Executor, NodeTime, Options};
pub use plan::{BufferPlan, MemoryPlan, Placement};
