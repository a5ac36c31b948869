//! Standard output and files.
//!
//! A reader that closes the pipe early, such as `head`, ends the command quietly.

use std::borrow::Cow;
use std::fmt::{Arguments, Write as _};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use ediacara::isa::Plan;
use ediacara::tensor::TensorError;
use serde::Serialize;

/// Prints a line, as `println!`, but does not panic when nobody reads.
macro_rules! say {
    () => { $crate::output::write(format_args!("\n")) };
    ($($part:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($part)*))) };
}
pub(crate) use say;

/// The most lines of an error that are printed.
const ERROR_LINES: usize = 20;
/// The most columns of a word of an error (a name, a path, a number) that are printed.
const WORD_COLUMNS: usize = 200;
/// The most columns of a line of an error that are printed.
const LINE_COLUMNS: usize = 2_000;

/// Writes to standard output, with control characters escaped; ends the process if standard output is closed.
pub(crate) fn write(text: Arguments<'_>) {
    print(&text.to_string());
}

fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(escaped(text).as_bytes()).and_then(|()| stdout.flush());
    if let Err(error) = written {
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { 0 } else { complain(&error) });
    }
}

/// Prints a value as indented JSON and a line feed, without having all of the text in memory.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<()> {
    let mut printer = Printer { pending: Vec::new() };
    serde_json::to_writer_pretty(&mut printer, value)?;
    printer.pending.push(b'\n');
    printer.print();
    Ok(())
}

/// Prints what is written some 64 KiB at a time, as [`write()`] prints.
struct Printer {
    pending: Vec<u8>,
}

impl Printer {
    const LENGTH: usize = 1 << 16;

    /// Prints what is there, except a last character that is not complete.
    fn print(&mut self) {
        let complete = match std::str::from_utf8(&self.pending) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.pending.len(),
        };
        print(&String::from_utf8_lossy(&self.pending[..complete]));
        self.pending.drain(..complete);
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= Printer::LENGTH {
            self.print();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.print();
        Ok(())
    }
}

/// Prints the message of the parser of the command line, help or an error, and gives the exit status.
pub(crate) fn leave_with(message: &clap::Error) -> ExitCode {
    match message.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            ExitCode::from(u8::try_from(complain(&error)).unwrap_or(1))
        }
        _ => ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(1)),
    }
}

fn complain(error: &io::Error) -> i32 {
    eprintln!("error: standard output: {error}");
    1
}

/// A text with its control characters, except line feeds and tabs, written as `\u001b`, which JSON
/// understands as well.
///
/// A name in a file must not command a terminal.
fn escaped(text: &str) -> Cow<'_, str> {
    let commands = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(commands) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if commands(letter) {
            // Writing to a string does not fail.
            let _ = write!(result, "\\u{:04x}", u32::from(letter));
        } else {
            result.push(letter);
        }
    }
    Cow::Owned(result)
}

/// An error as it is printed: control characters escaped, long names and many lines shortened.
pub(crate) fn bounded(message: &str) -> String {
    let message = escaped(message);
    let mut lines: Vec<String> = message.lines().take(ERROR_LINES).map(bounded_line).collect();
    let left = message.lines().count() - lines.len();
    if left > 0 {
        lines.push(format!("and {left} more lines"));
    }
    lines.join("\n")
}

fn bounded_line(line: &str) -> String {
    let word = |word| cut(word, WORD_COLUMNS);
    let line: String = line.split_inclusive(' ').map(word).collect();
    cut(&line, LINE_COLUMNS).into_owned()
}

/// The first `columns` characters of a text, and a sign that there were more.
fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    match text.char_indices().nth(columns) {
        Some((end, _)) => {
            Cow::Owned(format!("{}…{}", &text[..end], if text.ends_with(' ') { " " } else { "" }))
        }
        None => Cow::Borrowed(text),
    }
}

/// Writes a file beside its place and renames it, so that no file is ever half written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TensorError> {
    ediacara::tensor::write_atomically(path, |file| Ok(file.write_all(bytes)?))
}

/// Writes a plan in the same way, if it could be loaded again.
pub(crate) fn write_plan(path: &Path, plan: &Plan) -> Result<(), Box<dyn std::error::Error>> {
    plan.check().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(write_whole(path, &plan.to_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::{bounded, escaped};

    #[test]
    fn control_characters_are_escaped_and_lines_stay() {
        assert_eq!(escaped("a\tb\nc"), "a\tb\nc");
        assert_eq!(escaped("n\u{1b}]0;pwn\u{7}\u{9b}é"), "n\\u001b]0;pwn\\u0007\\u009bé");
    }

    #[test]
    fn an_error_has_at_most_twenty_lines_and_words_of_two_hundred_columns() {
        let long = format!("no `{}` here", "é".repeat(5000));
        assert_eq!(bounded(&long), format!("no `{}… here", "é".repeat(199)));
        let many = vec!["x"; 30].join("\n");
        assert_eq!(bounded(&many), format!("{}\nand 10 more lines", vec!["x"; 20].join("\n")));
        assert_eq!(bounded("plain"), "plain");
    }
}
