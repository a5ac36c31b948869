//! The cycle simulator: values and time of a program in one event-driven run.
//!
//! docs/isa.md and docs/numerics.md say what instructions compute, and docs/microarchitecture.md says when.
//! The code quotes the identifiers of their rules. This crate opens no file, prints nothing, and depends on
//! no clock: a run is a function of machine, program and memory. Its cost grows with instructions and bursts,
//! not with cycles.
//!
//! Start at [`Simulator`]. The heart is `src/core.rs`, which does one cycle of a core; `src/cluster.rs` lets
//! the cores step whose turn it is.

mod account;
mod bursts;
mod checked;
mod chip;
mod cluster;
mod control;
mod core;
mod dram;
mod error;
mod fetch;
mod lane;
mod memory;
mod outcome;
mod port;
mod program;
mod resolve;
mod semaphores;
mod simulator;
mod values;
mod watch;
mod work;

pub use dram::Requester;
pub use error::SimError;
pub use outcome::{
    Activity, CoreOutcome, EngineAccount, Event, EventKind, Fault, FaultKind, LayerAccount, Outcome, Part,
    Split, Traffic,
};
pub use simulator::{Options, Simulator};
pub use watch::Watch;
