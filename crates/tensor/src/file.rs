//! Files: errors that name them, and writes that leave either the old file or the whole new one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{Result, TensorError};

/// An I/O error with its file.
pub(crate) fn io_error(path: &Path) -> impl Fn(std::io::Error) -> TensorError + '_ {
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

/// Lets `write` fill a temporary file beside `path`, which takes the place of `path` when all is written.
///
/// # Errors
/// What `write` gives, or the file cannot be written; what was at `path` before is then still there.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let temporary = temporary_beside(path);
    let outcome = write_and_rename(path, &temporary, write);
    if outcome.is_err() {
        // The error that is reported is the one that came first.
        let _ = fs::remove_file(&temporary);
    }
    outcome.map_err(in_file(path))
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn write_and_rename(
    path: &Path,
    temporary: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let mut writer = BufWriter::new(File::create(temporary)?);
    write(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()?;
    fs::rename(temporary, path)?;
    Ok(())
}
