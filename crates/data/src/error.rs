//! What can go wrong while reading photos and data sets.
//!
//! Every message names the file or set, what was found and what to do.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file was read but does not hold what its kind must hold.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
    },
    /// A data set is in none of the places where it may be.
    #[error("data set '{set}' was not found; looked for {looked_for}. {remedy}")]
    SetNotFound {
        /// The set's name.
        set: &'static str,
        /// The paths that were tried, separated by commas.
        looked_for: String,
        /// How the user gets the set.
        remedy: String,
    },
    /// The environment variable that names the data folder points nowhere.
    #[error("EDIACARA_DATA is '{}', which is not a folder; correct or unset it", path.display())]
    DataFolder {
        /// The variable's value.
        path: PathBuf,
    },
    /// A name is not one of a fixed list.
    #[error("unknown {kind} '{name}'; {}", ediacara_hint::there_are(.name, .known.split(", ")))]
    UnknownName {
        /// What kind of name it is, for instance `preprocessing`.
        kind: &'static str,
        /// The name that was given.
        name: String,
        /// The names of the list, separated by commas.
        known: String,
    },
    /// A request that no photo can satisfy, such as a tensor of two channels.
    #[error("{0}")]
    Request(String),
    /// A tensor could not be made.
    #[error(transparent)]
    Tensor(#[from] ediacara_tensor::TensorError),
}

impl DataError {
    pub(crate) fn format(path: &Path, problem: impl Into<String>) -> Self {
        Self::Format { path: path.to_path_buf(), problem: problem.into() }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_path_buf(), source }
    }
}
