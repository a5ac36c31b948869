//! Why a set could not be fetched, and what to do.

use std::path::PathBuf;

/// An error of fetching.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The name is not a set that can be fetched.
    #[error("there is no data set '{name}' to fetch; {}", ediacara_hint::there_are(.name, .known.split(", ")))]
    UnknownSet {
        /// The name that was given.
        name: String,
        /// The names of those sets, separated by commas.
        known: String,
    },
    /// The mirror is not an address that can be used.
    #[error(
        "'{address}' is not a mirror: expected an address such as https://example.org/folder/ (http, https or file)"
    )]
    Mirror {
        /// What was given.
        address: String,
    },
    /// `curl` is not installed.
    #[error(
        "cannot start '{program}', which downloads data sets: {source}. Install curl (for instance `apt-get install \
         curl`), or download {address} yourself and put it into {}",
        folder.display()
    )]
    NoCurl {
        /// The program that was tried.
        program: PathBuf,
        /// What it should have downloaded.
        address: String,
        /// Where to put it.
        folder: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No mirror gave the file.
    #[error("cannot download {file}:\n{attempts}{advice}")]
    Download {
        /// The file's name.
        file: String,
        /// A line for each mirror: its address and why it failed.
        attempts: String,
        /// What to do, after a line break.
        advice: String,
    },
    /// A file that is already there is not the published one.
    #[error(
        "{} is not the published file: expected {expected}, found {found}. Nothing was changed; move it away or delete \
         it to fetch it again",
        path.display()
    )]
    Different {
        /// The file.
        path: PathBuf,
        /// Size or SHA-256 of the published one.
        expected: String,
        /// Size or SHA-256 of this one.
        found: String,
    },
    /// The disk is full.
    #[error(
        "no space left for {}: {missing} more bytes are needed. What came so far is kept; free some space, or choose \
         another place with --to DIR or EDIACARA_DATA",
        path.display()
    )]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
        /// How many bytes of it are missing.
        missing: u64,
    },
    /// A file or folder could not be written or read.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, for instance `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process is fetching the same set to the same place.
    #[error("another process is fetching into {}; wait for it to end", folder.display())]
    Busy {
        /// The set's folder.
        folder: PathBuf,
    },
}

impl FetchError {
    pub(super) fn file(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { action, path: path.to_path_buf(), source }
    }
}
