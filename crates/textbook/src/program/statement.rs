//! The statements of a program, resolved: names have become indices.

use ediacara_isa::AssembleError;

use super::expression::Expression;
use super::machine::{Memory, OperationType};

/// A program that was read; it runs on any machine that has what it uses.
#[derive(Debug, Clone)]
pub struct Program {
    pub(super) file: String,
    pub(super) machine: Option<String>,
    pub(super) lines: Vec<String>,
    pub(super) statements: Vec<Statement>,
    pub(super) buffers: Vec<Buffer>,
}

impl Program {
    /// The machine that the program itself names, if it does.
    pub fn machine(&self) -> Option<&str> {
        self.machine.as_deref()
    }

    /// An error at a stretch of the source.
    pub(super) fn error(&self, at: Place, message: impl Into<String>) -> AssembleError {
        error_at(&self.file, &self.lines, at, message.into(), None)
    }
}

/// An error at a stretch of a text.
pub(super) fn error_at(
    file: &str,
    lines: &[String],
    at: Place,
    message: String,
    help: Option<String>,
) -> AssembleError {
    let line = lines.get(at.line).map(String::as_str).unwrap_or_default();
    let characters = |end: usize| line.get(..end).map_or(0, |text| text.chars().count()) as u32;
    AssembleError {
        file: file.to_owned(),
        line: at.line as u32 + 1,
        column: characters(at.start) + 1,
        length: characters(at.end).saturating_sub(characters(at.start)).max(1),
        source_line: line.to_owned(),
        message,
        help,
    }
}

/// A stretch of the source: index of the line, bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Pieces of equal size in one memory.
#[derive(Debug, Clone)]
pub(super) struct Buffer {
    pub(super) name: String,
    pub(super) memory: Memory,
    pub(super) pieces: u64,
    pub(super) piece_bytes: u64,
}

/// Some pieces of a buffer, first to last, the last excluded.
#[derive(Debug, Clone)]
pub(super) struct Pieces {
    pub(super) buffer: usize,
    pub(super) at: Place,
    pub(super) range: Selection,
}

/// Which pieces.
#[derive(Debug, Clone)]
pub(super) enum Selection {
    All,
    One(Expression),
    Range(Expression, Expression),
}

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Amount {
    pub(super) expression: Expression,
    pub(super) at: Place,
}

/// What an instruction reads and writes, and which cores execute it.
#[derive(Debug, Clone, Default)]
pub(super) struct Clauses {
    pub(super) reads: Vec<Pieces>,
    pub(super) writes: Vec<Pieces>,
    /// Bytes written for each byte moved.
    pub(super) expands: Option<Amount>,
    /// The first core, and the one after the last; all cores if absent.
    pub(super) cores: Option<(Amount, Option<Amount>)>,
}

/// One line of a program.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) at: Place,
    pub(super) action: Action,
}

/// What a line does.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Takes a buffer's bytes.
    Allocate(usize),
    /// Gives a buffer's bytes back.
    Free(usize),
    Move {
        source: Memory,
        destination: Memory,
        bytes: Amount,
        clauses: Clauses,
    },
    Compute {
        operation: OperationType,
        count: Amount,
        clauses: Clauses,
    },
    /// Goes to the statement after `end` after `count` times.
    Loop {
        count: Amount,
        end: usize,
    },
    /// Goes back to the statement after `start`.
    EndLoop {
        start: usize,
    },
    Sync,
}
