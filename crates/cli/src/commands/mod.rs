//! The subcommands, one in each file, each with `execute`.

pub(crate) mod asm;
pub(crate) mod compile;
pub(crate) mod data;
pub(crate) mod decoder;
pub(crate) mod disasm;
pub(crate) mod estimate;
pub(crate) mod exec;
pub(crate) mod generate;
pub(crate) mod machines;
pub(crate) mod plot;
mod precisions;
pub(crate) mod prove;
pub(crate) mod roofline;
pub(crate) mod run;
mod setup;
pub(crate) mod speedup;
pub(crate) mod summary;
pub(crate) mod tiles;
pub(crate) mod train;
pub(crate) mod utilisation;
pub(crate) mod verify;

use std::process::ExitCode;

/// How a subcommand ends: with the exit status, or with an error to print.
pub(crate) type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;
