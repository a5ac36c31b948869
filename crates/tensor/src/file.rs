//! The functions of `ediacara-files`, with errors that name the file.

use std::fs::File;
use std::io::{BufWriter, Error};
use std::path::{Path, PathBuf};

use crate::{Result, TensorError};

/// The largest file that is read whole, in bytes.
const FILE_LIMIT_BYTES: u64 = 16 << 30;

/// An I/O error with its file.
pub(crate) fn io_error(path: &Path) -> impl Fn(Error) -> TensorError + '_ {
    move |source| TensorError::Io { path: path.to_owned(), source }
}

/// Any error with its file.
pub(crate) fn in_file(path: &Path) -> impl Fn(TensorError) -> TensorError + '_ {
    move |source| match source {
        TensorError::Io { .. } | TensorError::InFile { .. } => source,
        TensorError::Stream(source) => TensorError::Io { path: path.to_owned(), source },
        source => TensorError::InFile { path: path.to_owned(), source: Box::new(source) },
    }
}

/// Opens a regular file.
pub(crate) fn open(path: &Path) -> Result<File> {
    ediacara_files::open(path).map_err(io_error(path))
}

/// Reads a regular file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    ediacara_files::read(path, FILE_LIMIT_BYTES).map_err(io_error(path))
}

/// Lets `write` fill a temporary file beside `path`, which takes the place of `path` when all is written.
///
/// # Errors
/// Those of `write`, or those of [`ediacara_files::write_atomically`] with the file's name.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    ediacara_files::write_atomically(path, write).map_err(in_file(path))
}

/// The file that [`write_atomically`] would replace or make, if it could begin to, with symbolic links
/// followed.
///
/// # Errors
/// Those of [`ediacara_files::check_writable`], with the file's name.
pub fn check_writable(path: &Path) -> Result<PathBuf> {
    ediacara_files::check_writable(path).map_err(io_error(path))
}
