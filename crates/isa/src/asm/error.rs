//! Errors of the assembler: collected, and each with its place in the source.

use std::fmt;

/// One error, at a place in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssembleError {
    /// The file's name as it was given.
    pub file: String,
    /// Line from 1; 0 for the file as a whole.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// Characters that are at fault, at least 1.
    pub length: u32,
    /// The line as it stands in the source.
    pub source_line: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Every error found in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssembleErrors {
    /// In the order of the source, at most [`AssembleErrors::SHOWN`].
    pub errors: Vec<AssembleError>,
    /// How many more there were.
    pub omitted: usize,
}

impl AssembleErrors {
    /// Errors that are kept.
    pub const SHOWN: usize = 50;
}

impl std::error::Error for AssembleErrors {}

impl fmt::Display for AssembleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        if self.omitted > 0 {
            write!(f, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Display for AssembleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
            let number = self.line.to_string();
            let gutter = " ".repeat(number.len());
            // Tabs stay tabs, so that the marker is under its text whatever their width.
            let indent: String = (self.source_line.chars().take(self.column as usize - 1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let marker = "^".repeat(self.length.max(1) as usize);
            write!(f, "\n {number} | {}\n {gutter} | {indent}{marker}", self.source_line)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = {help}")?;
        }
        Ok(())
    }
}

/// A problem with a stretch of a line, before it is known which line that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// Bytes of the line.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(start: usize, end: usize, message: impl Into<String>) -> Problem {
        Problem { start, end, message: message.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }
}

/// "did you mean" or the list of what there is.
pub(super) fn suggestion<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match ediacara_hint::nearest(name, names.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
