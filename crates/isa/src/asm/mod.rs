//! The assembler: text to [`Executable`]. docs/isa.md, "Assembly", is its manual.
//!
//! There are two passes over lines of tokens. The first (`program`) lays out code and data and defines names.
//! The second evaluates what may refer to names defined later. Problems are collected, so that one run shows
//! all of them.

mod arguments;
mod directive;
mod error;
mod expression;
mod lexer;
pub(crate) mod notes;
mod operand;
mod program;
mod source;
pub(crate) mod text;

use std::path::{Path, PathBuf};

pub use error::{AssembleError, AssembleErrors};

use crate::Executable;

/// Bytes of data that a program may have: more than any program needs, less than would exhaust a machine.
const DATA_LIMIT_BYTES: u64 = 1 << 30;

/// Assembles a program.
///
/// `file_name` is for messages. `.include` is refused, since there is no file to start from.
///
/// # Errors
/// All problems found, each with its place.
pub fn assemble(text: &str, file_name: &str) -> Result<Executable, AssembleErrors> {
    assemble_limited(text, file_name, None, DATA_LIMIT_BYTES)
}

/// Assembles a file; `.include` takes names relative to the including file.
///
/// # Errors
/// All problems found, each with its place. One of them may be that the file cannot be read.
pub fn assemble_file(path: &Path) -> Result<Executable, AssembleErrors> {
    let name = path.display().to_string();
    match ediacara_files::read_text(path) {
        Ok(text) => assemble_limited(&text, &name, Some(path), DATA_LIMIT_BYTES),
        Err(error) => {
            let mut diagnostics = source::Diagnostics::default();
            diagnostics.report_program(&name, format!("cannot read the file: {error}"));
            Err(diagnostics.finish().err().unwrap_or(AssembleErrors { errors: Vec::new(), omitted: 0 }))
        }
    }
}

/// The readable files that [`assemble_file`] reads through `.include`, beside `path` itself.
pub fn included_files(path: &Path) -> Vec<PathBuf> {
    // Assembling the text reports what is wrong with it.
    let Ok(text) = ediacara_files::read_text(path) else { return Vec::new() };
    let mut diagnostics = source::Diagnostics::default();
    source::Sources::read(&text, "", Some(path), &mut diagnostics).included
}

/// [`assemble`] with a bound on the bytes of data.
pub(crate) fn assemble_limited(
    text: &str,
    file_name: &str,
    root: Option<&Path>,
    data_limit_bytes: u64,
) -> Result<Executable, AssembleErrors> {
    let mut diagnostics = source::Diagnostics::default();
    let sources = source::Sources::read(text, file_name, root, &mut diagnostics);
    let lines = sources.lex(&mut diagnostics);
    program::assemble(&sources, &lines, file_name, data_limit_bytes, diagnostics)
}
