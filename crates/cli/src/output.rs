//! Standard output and files. A reader that closes the pipe early, such as `head`, ends the command quietly.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::path::Path;

use ediacara::isa::Executable;
use ediacara::tensor::TensorError;

/// Prints a line, as `println!`, but does not panic when nobody reads.
macro_rules! say {
    () => { $crate::output::write(format_args!("\n")) };
    ($($part:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($part)*))) };
}
pub(crate) use say;

/// Writes to standard output; ends the process where that is closed.
pub(crate) fn write(text: Arguments<'_>) {
    match std::io::stdout().lock().write_fmt(text) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            eprintln!("error: standard output: {error}");
            std::process::exit(1)
        }
    }
}

/// Writes a file beside its place and renames it, so that no file is ever half written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TensorError> {
    ediacara::tensor::write_atomically(path, |file| Ok(file.write_all(bytes)?))
}

/// Writes an executable likewise, if it could be loaded again.
pub(crate) fn write_executable(
    path: &Path,
    executable: &Executable,
) -> Result<(), Box<dyn std::error::Error>> {
    executable.check().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(write_whole(path, &executable.to_bytes())?)
}
