//! Text to program.
//!
//! Problems are collected, so that one run shows all of them.

use ediacara_isa::{AssembleError, AssembleErrors};

use super::cursor::Cursor;
use super::lexer::{Token, lex};
use super::machine::{Memory, OperationType};
use super::statement::{Action, Buffer, Clauses, Pieces, Place, Program, Selection, Statement, error_at};

/// The instructions, for messages.
const INSTRUCTIONS: &str = "machine, buffer, free, move, compute, loop, endloop, sync";

/// The most pieces that a program's buffers may have together: far more than any needs.
const PIECES_LIMIT: i64 = 1 << 20;

impl Program {
    /// Reads a program; `file` is for messages.
    ///
    /// # Errors
    /// All problems found, each with line and column.
    pub fn parse(text: &str, file: &str) -> Result<Program, AssembleErrors> {
        let mut parser = Parser {
            program: Program {
                file: file.to_owned(),
                machine: None,
                lines: text.lines().map(str::to_owned).collect(),
                statements: Vec::new(),
                buffers: Vec::new(),
            },
            open: Vec::new(),
            counters: Vec::new(),
            errors: Vec::new(),
        };
        parser.run();
        let Parser { program, mut errors, .. } = parser;
        if errors.is_empty() {
            return Ok(program);
        }
        let omitted = errors.len().saturating_sub(AssembleErrors::SHOWN);
        errors.truncate(AssembleErrors::SHOWN);
        Err(AssembleErrors { errors, omitted })
    }
}

/// A loop that has not ended yet.
struct Open {
    statement: usize,
    at: Place,
}

struct Parser {
    program: Program,
    open: Vec<Open>,
    /// The counters of the open loops, one for each, outermost first.
    ///
    /// A line that opens or closes a loop changes them when it has been read.
    counters: Vec<Option<String>>,
    errors: Vec<AssembleError>,
}

/// How a line changes the loops around the next one.
enum Loops {
    Stay,
    Opened(Option<String>),
    Closed,
}

impl Parser {
    fn run(&mut self) {
        let lines = self.program.lines.clone();
        let file = self.program.file.clone();
        for (line, text) in lines.iter().enumerate() {
            let lexemes = match lex(text) {
                Ok(lexemes) if lexemes.is_empty() => continue,
                Ok(lexemes) => lexemes,
                Err((start, end)) => {
                    let message = "there is no such sign in a program".to_owned();
                    let at = Place { line, start, end };
                    self.errors.push(error_at(&self.program.file, &lines, at, message, None));
                    continue;
                }
            };
            let mut counters = std::mem::take(&mut self.counters);
            let mut cursor =
                Cursor { file: &file, lines: &lines, line, lexemes: &lexemes, next: 0, counters: &counters };
            let mut loops = Loops::Stay;
            if let Err(error) = self.statement(&mut cursor, &mut loops) {
                self.errors.push(error);
            }
            match loops {
                Loops::Stay => {}
                Loops::Opened(counter) => counters.push(counter),
                Loops::Closed => drop(counters.pop()),
            }
            self.counters = counters;
        }
        for open in &self.open {
            let message = "this loop has no endloop".to_owned();
            self.errors.push(error_at(&self.program.file, &lines, open.at, message, None));
        }
    }

    fn statement(&mut self, cursor: &mut Cursor<'_>, loops: &mut Loops) -> Result<(), AssembleError> {
        let (word, at) = cursor.name("an instruction")?;
        let action = match word {
            "machine" => {
                let (name, _) = cursor.name("the machine's name")?;
                self.program.machine = Some(name.to_owned());
                return end_of_line(cursor);
            }
            "buffer" => self.buffer(cursor)?,
            "free" => {
                let (name, at) = cursor.name("a buffer's name")?;
                Action::Free(self.find(cursor, name, at)?)
            }
            "move" => self.move_(cursor)?,
            "compute" => self.compute(cursor)?,
            "loop" => return self.open_loop(cursor, loops),
            "endloop" => {
                let Some(open) = self.open.pop() else {
                    return Err(cursor.error(at, "there is no loop to end here", None));
                };
                *loops = Loops::Closed;
                let end = self.program.statements.len();
                if let Some(Statement { action: Action::Loop { end: target, .. }, .. }) =
                    self.program.statements.get_mut(open.statement)
                {
                    *target = end;
                }
                Action::EndLoop { start: open.statement }
            }
            "sync" => Action::Sync,
            other => {
                let help = format!("the instructions are {INSTRUCTIONS}");
                return Err(cursor.error(at, format!("there is no instruction `{other}`"), Some(help)));
            }
        };
        end_of_line(cursor)?;
        self.program.statements.push(Statement { at: cursor.whole(), action });
        Ok(())
    }

    fn open_loop(&mut self, cursor: &mut Cursor<'_>, loops: &mut Loops) -> Result<(), AssembleError> {
        let statement = self.program.statements.len();
        let at = cursor.whole();
        // Even a loop that is written wrongly is closed by its endloop, so that one mistake is one error.
        self.open.push(Open { statement, at });
        *loops = Loops::Opened(None);
        let placeholder = Action::Sync;
        self.program.statements.push(Statement { at, action: placeholder });
        let count = cursor.amount("how often")?;
        if cursor.take_word("as") {
            let (name, _) = cursor.name("the counter's name")?;
            *loops = Loops::Opened(Some(name.to_owned()));
        }
        if let Some(statement) = self.program.statements.get_mut(statement) {
            statement.action = Action::Loop { count, end: 0 };
        }
        end_of_line(cursor)
    }

    /// `buffer NAME[PIECES] MEMORY BYTES`
    fn buffer(&mut self, cursor: &mut Cursor<'_>) -> Result<Action, AssembleError> {
        let (name, at) = cursor.name("the buffer's name")?;
        let mut pieces = 1;
        if cursor.take(Token::OpenBracket) {
            pieces = cursor.constant("the number of pieces", 1, PIECES_LIMIT)?;
            cursor.require(Token::CloseBracket, "`]`")?;
        }
        let (memory, memory_at) = self.memory(cursor)?;
        if memory == Memory::Dram {
            let help = "name DRAM in `move`; what it holds is not tracked".to_owned();
            return Err(cursor.error(memory_at, "DRAM has no buffers", Some(help)));
        }
        let piece_bytes = cursor.constant("the bytes of a piece", 1, 1 << 44)?;
        if self.program.buffers.iter().any(|buffer| buffer.name == name) {
            return Err(cursor.error(at, format!("there is a buffer `{name}` already"), None));
        }
        self.program.buffers.push(Buffer { name: name.to_owned(), memory, pieces, piece_bytes });
        Ok(Action::Allocate(self.program.buffers.len() - 1))
    }

    fn move_(&mut self, cursor: &mut Cursor<'_>) -> Result<Action, AssembleError> {
        let (source, _) = self.memory(cursor)?;
        let (destination, _) = self.memory(cursor)?;
        let on_the_way = |one: Memory| matches!(one, Memory::Dram | Memory::SharedRam);
        if source == destination || !(on_the_way(source) || on_the_way(destination)) {
            let message = format!("there is no way from {} to {}", source.name(), destination.name());
            let help = "moves go between DRAM or SharedRAM and another memory".to_owned();
            return Err(cursor.error(cursor.since(1), message, Some(help)));
        }
        let bytes = cursor.amount("the number of bytes")?;
        let clauses = self.clauses(cursor)?;
        for (pieces, memory) in [(&clauses.reads, source), (&clauses.writes, destination)] {
            for piece in pieces {
                self.check_memory(cursor, piece, memory)?;
            }
        }
        let once = !source.is_private() && !destination.is_private();
        if let (true, Some((core, _))) = (once, &clauses.cores) {
            let message = "no core takes part in a move between DRAM and SharedRAM";
            return Err(cursor.error(core.at, message, Some("leave out `on`".to_owned())));
        }
        Ok(Action::Move { source, destination, bytes, clauses })
    }

    fn check_memory(
        &self,
        cursor: &Cursor<'_>,
        pieces: &Pieces,
        memory: Memory,
    ) -> Result<(), AssembleError> {
        match self.program.buffers.get(pieces.buffer) {
            Some(buffer) if buffer.memory != memory => {
                let message =
                    format!("`{}` is in {}, not in {}", buffer.name, buffer.memory.name(), memory.name());
                Err(cursor.error(pieces.at, message, None))
            }
            _ => Ok(()),
        }
    }

    fn compute(&mut self, cursor: &mut Cursor<'_>) -> Result<Action, AssembleError> {
        let (name, at) = cursor.name("a type of operation")?;
        let Some(operation) = OperationType::all().find(|operation| operation.name() == name) else {
            let names: Vec<&str> = OperationType::all().map(OperationType::name).collect();
            let help = format!("the types are {}", names.join(", "));
            return Err(cursor.error(at, format!("there is no operation `{name}`"), Some(help)));
        };
        let count = cursor.amount("the number of operations")?;
        let clauses = self.clauses(cursor)?;
        for pieces in clauses.reads.iter().chain(&clauses.writes) {
            if self.program.buffers.get(pieces.buffer).is_some_and(|one| !one.memory.is_private()) {
                let message = "a core computes on its own NRAM and WRAM; move the data there first";
                return Err(cursor.error(pieces.at, message, None));
            }
        }
        if let Some(expands) = &clauses.expands {
            return Err(cursor.error(expands.at, "only a move expands what it moves", None));
        }
        Ok(Action::Compute { operation, count, clauses })
    }

    fn clauses(&mut self, cursor: &mut Cursor<'_>) -> Result<Clauses, AssembleError> {
        let mut clauses = Clauses::default();
        while !cursor.at_end() {
            if cursor.take_word("reads") {
                self.pieces(cursor, &mut clauses.reads)?;
            } else if cursor.take_word("writes") {
                self.pieces(cursor, &mut clauses.writes)?;
            } else if cursor.take_word("expands") {
                clauses.expands = Some(cursor.amount("the factor")?);
            } else if cursor.take_word("on") {
                let first = cursor.amount("a core")?;
                let end = if cursor.take(Token::Colon) { Some(cursor.amount("a core")?) } else { None };
                clauses.cores = Some((first, end));
            } else {
                return Err(cursor.expected("reads, writes, expands, on or the end of the line"));
            }
        }
        Ok(clauses)
    }

    /// `NAME`, `NAME[i]` or `NAME[from:to]`, with commas between several.
    fn pieces(&mut self, cursor: &mut Cursor<'_>, into: &mut Vec<Pieces>) -> Result<(), AssembleError> {
        loop {
            let first = cursor.next;
            let (name, at) = cursor.name("a buffer's name")?;
            let buffer = self.find(cursor, name, at)?;
            let mut range = Selection::All;
            if cursor.take(Token::OpenBracket) {
                let from = cursor.amount("the number of a piece")?.expression;
                range = if cursor.take(Token::Colon) {
                    Selection::Range(from, cursor.amount("the number of a piece")?.expression)
                } else {
                    Selection::One(from)
                };
                cursor.require(Token::CloseBracket, "`]`")?;
            }
            into.push(Pieces { buffer, at: cursor.since(first), range });
            if !cursor.take(Token::Comma) {
                return Ok(());
            }
        }
    }

    fn find(&self, cursor: &Cursor<'_>, name: &str, at: Place) -> Result<usize, AssembleError> {
        self.program.buffers.iter().position(|buffer| buffer.name == name).ok_or_else(|| {
            let help = format!("declare it first: `buffer {name} NRAM 1KiB`");
            cursor.error(at, format!("there is no buffer `{name}`"), Some(help))
        })
    }

    fn memory(&self, cursor: &mut Cursor<'_>) -> Result<(Memory, Place), AssembleError> {
        let (name, at) = cursor.name("a memory")?;
        let memory = Memory::ALL.into_iter().find(|memory| memory.name() == name);
        memory.map(|memory| (memory, at)).ok_or_else(|| {
            let names = Memory::ALL.map(Memory::name).join(", ");
            cursor.error(
                at,
                format!("there is no memory `{name}`"),
                Some(format!("the memories are {names}")),
            )
        })
    }
}

fn end_of_line(cursor: &Cursor<'_>) -> Result<(), AssembleError> {
    if cursor.at_end() { Ok(()) } else { Err(cursor.expected("the end of the line")) }
}
