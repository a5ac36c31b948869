//! The core as hardware.
//!
//! Its SystemVerilog is built for a machine with Verilator, run, and compared with the simulator.
//!
//! The hardware description lies in `rtl/` and travels inside the crate. [`Core::build`] makes a program of
//! it for one machine, once, and keeps that in a cache. [`Core::run`] runs executables on it. [`lockstep()`]
//! runs simulator and hardware side by side and says where they first part.
//!
//! This crate reads no environment variable and prints nothing: [`BuildOptions`] says where Verilator and the
//! cache are. It knows nothing of what instructions compute. `rtl/sim/harness.cpp` is what surrounds the core
//! in a simulation: DRAM and clock.

mod cache;
mod core;
mod divergence;
mod error;
mod lockstep;
mod memories;
mod package;
mod process;
mod protocol;
mod rules;
mod side;
mod sources;
mod verilator;

pub use crate::core::{BuildOptions, Core, Initial, RtlFault, RtlOutcome, RunOptions};
pub use divergence::{Difference, Divergence, Subject};
pub use error::RtlError;
pub use lockstep::{Agreement, LockstepOptions, Verdict, lockstep};
pub use memories::Memories;
pub use package::machine_package;
pub use rules::rule_of;
pub use sources::{FILES, SourceFile};
pub use verilator::Verilator;
