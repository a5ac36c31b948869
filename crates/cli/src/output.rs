//! Standard output and files. A reader that closes the pipe early, such as `head`, ends the command quietly.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::path::Path;

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
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is its owner's alone; what a command writes is for everybody that the umask lets in.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(|error| format!("{}: {error}", path.display()))?;
    file.write_all(bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    file.persist(path).map_err(|error| format!("{}: {}", path.display(), error.error))?;
    Ok(())
}
