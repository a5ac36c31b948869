//! What can be wrong with a machine description.

use std::fmt;

/// An error of reading or checking a machine description.
#[derive(Debug, thiserror::Error)]
pub enum ArchError {
    /// The file could not be read.
    #[error("{file}: cannot read the machine description: {source}")]
    Read {
        /// The path as given.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The text is not TOML, or has an unknown, missing or ill-typed field.
    #[error("{file}: {message}")]
    Syntax {
        /// The path or preset's name.
        file: String,
        /// Position and reason, from the TOML reader.
        message: String,
    },
    /// Every field whose value is out of range.
    #[error("{file}: {}", list(.problems))]
    Invalid {
        /// The path or preset's name.
        file: String,
        /// What is wrong, field by field.
        problems: Vec<Problem>,
    },
    /// The name is neither a preset nor a file.
    #[error("there is no machine `{name}`: it is neither a file nor a preset; {}", ediacara_hint::there_are(.name, .presets.iter().copied()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names of the presets.
        presets: Vec<&'static str>,
    },
}

/// One field whose value is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the field, such as `dram.burst_bytes`.
    pub field: &'static str,
    /// The value found, as text.
    pub found: String,
    /// What is allowed, as a phrase that follows "must be".
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}; it must be {}", self.field, self.found, self.allowed)
    }
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n  ")
}
