//! Runs a graph on the host.
//!
//! An [`Executor`] is made once for a graph and runs it many times. Nodes run in topological order. A
//! [`MemoryPlan`] lets their results follow one another in the same memory. Operators that only re-describe
//! memory copy nothing.
//!
//! An operator may be made ready once: its constants then have the layout that its loops read. It may run
//! together with elementwise operators that follow it. Where [`Options`] allow another order of sums, it may
//! leave images in memory with channels last. The executor computes what the operators' own kernels compute
//! and knows nothing of what they are.
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
