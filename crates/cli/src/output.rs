//! Standard output. A reader that closes the pipe early, such as `head`, ends the command quietly.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

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
