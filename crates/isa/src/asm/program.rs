//! The two passes.

use super::{
    error::{AssembleErrors, Problem},
    expression::Symbols,
    lexer::Token,
    operand,
    source::{Diagnostics, Line, Sources},
};
use crate::{Executable, NO_LAYER, SourceLocation, WORD_BYTES, Word};

/// Where the next statement goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Code,
    /// The last block.
    Data,
}

/// Something whose operands are evaluated in the second pass.
pub(super) enum Late {
    Instruction {
        index: usize,
    },
    /// `.byte`, `.word`, `.record`: elements of some bytes at an offset of a block.
    Data {
        block: usize,
        offset: usize,
    },
    Port,
}

/// State of both passes.
pub(super) struct Program<'a> {
    pub(super) sources: &'a Sources,
    pub(super) lines: &'a [Line<'a>],
    pub(super) diagnostics: Diagnostics,
    pub(super) symbols: Symbols,
    pub(super) executable: Executable,
    pub(super) section: Section,
    /// Line (in assembly order), the statement's first token, and what it is.
    pub(super) late: Vec<(usize, usize, Late)>,
    /// The line of the block's directive, by block.
    pub(super) block_lines: Vec<usize>,
    /// Labels of data: their place among the values, and the block.
    pub(super) data_labels: Vec<(usize, usize)>,
    /// Files that are disassemblies which somebody edited.
    pub(super) edited: Vec<usize>,
    pub(super) data_left_bytes: u64,
    pub(super) layer: u32,
    /// What `.line` said for the next instruction.
    pub(super) line_number: Option<u32>,
    pub(super) code_base_given: bool,
    pub(super) machine_given: bool,
}

pub(super) fn assemble(
    sources: &Sources,
    lines: &[Line<'_>],
    file_name: &str,
    data_limit_bytes: u64,
    diagnostics: Diagnostics,
) -> Result<Executable, AssembleErrors> {
    let mut program = Program {
        sources,
        lines,
        diagnostics,
        symbols: Symbols::new(),
        executable: Executable::default(),
        section: Section::Code,
        late: Vec::new(),
        block_lines: Vec::new(),
        data_labels: Vec::new(),
        edited: Vec::new(),
        data_left_bytes: data_limit_bytes,
        layer: NO_LAYER,
        line_number: None,
        code_base_given: false,
        machine_given: false,
    };
    for line in 0..lines.len() {
        if let Err(problem) = program.first_pass(line) {
            program.report(line, problem);
        }
    }
    program.second_pass();
    program.finish(file_name)
}

impl Program<'_> {
    pub(super) fn report(&mut self, line: usize, problem: Problem) {
        self.diagnostics.report(self.sources, line, problem);
    }

    /// What `here` and labels mean at this place: an instruction's index or a byte's address.
    pub(super) fn here(&self) -> i128 {
        match (self.section, self.executable.data.last()) {
            (Section::Data, Some(block)) => i128::from(block.address) + block.bytes.len() as i128,
            _ => self.executable.code.len() as i128,
        }
    }

    fn first_pass(&mut self, number: usize) -> Result<(), Problem> {
        let line = &self.lines[number];
        let mut first = 0;
        while let [name, colon, ..] = &line.lexemes[first..] {
            if name.token != Token::Name || colon.token != Token::Colon {
                break;
            }
            self.define(line.slice(name), self.here(), number, name.start, name.end)?;
            match self.section {
                Section::Code => self.keep_label(line.slice(name)),
                Section::Data => self.keep_data_label(line.slice(name)),
            }
            first += 2;
        }
        let Some(lexeme) = line.lexemes.get(first) else {
            return Ok(());
        };
        match lexeme.token {
            Token::Directive => self.directive(number, first),
            Token::Name if self.section == Section::Data => {
                let message = "an instruction stands among data";
                Err(Problem::new(lexeme.start, lexeme.end, message).help("go back to the code with `.code`"))
            }
            Token::Name => {
                let index = self.executable.code.len();
                self.push_word([0; WORD_BYTES], number);
                self.late.push((number, first, Late::Instruction { index }));
                Ok(())
            }
            _ => {
                let message = format!("`{}` begins no statement", line.slice(lexeme));
                Err(Problem::new(lexeme.start, lexeme.end, message)
                    .help("a line is `label:`, an instruction or a directive"))
            }
        }
    }

    /// Appends a word and its source location.
    pub(super) fn push_word(&mut self, word: Word, number: usize) {
        let line = match self.line_number {
            Some(line) => {
                // Zero means "no line" and stays; any other number counts on.
                self.line_number = Some(if line == 0 { 0 } else { line.saturating_add(1) });
                line
            }
            None => self.lines[number].reference.root_number,
        };
        self.executable.code.push(word);
        self.executable.source_map.push(SourceLocation { layer: self.layer, line });
    }

    /// Defines a label or constant once.
    pub(super) fn define(
        &mut self,
        name: &str,
        value: i128,
        number: usize,
        start: usize,
        end: usize,
    ) -> Result<(), Problem> {
        if name.contains('.') || name == "here" {
            return Err(Problem::new(start, end, format!("`{name}` cannot be defined"))
                .help("names have no dots, and `here` is the current place"));
        }
        if let Some((_, before)) = self.symbols.get(name) {
            let before = self.lines[*before].reference;
            let message = format!("`{name}` is defined a second time");
            let help = format!("first in {}, line {}", self.sources.files[before.file].name, before.number);
            return Err(Problem::new(start, end, message).help(help));
        }
        self.symbols.insert(name.to_owned(), (value, number));
        Ok(())
    }

    fn second_pass(&mut self) {
        for (number, first, late) in std::mem::take(&mut self.late) {
            match late {
                Late::Instruction { index } => {
                    let line = &self.lines[number];
                    let context = operand::Context { line, symbols: &self.symbols, here: index as i128 };
                    match operand::instruction(&context, first) {
                        Ok(word) => self.executable.code[index] = word,
                        Err(problems) => {
                            for problem in problems {
                                self.report(number, problem);
                            }
                        }
                    }
                }
                Late::Data { block, offset } => {
                    if let Err(problem) = self.data(number, first, block, offset) {
                        self.report(number, problem);
                    }
                }
                Late::Port => {
                    if let Err(problem) = self.port(number, first) {
                        self.report(number, problem);
                    }
                }
            }
        }
    }

    fn finish(mut self, file_name: &str) -> Result<Executable, AssembleErrors> {
        self.measure_data_labels();
        let mut lines = std::mem::take(&mut self.block_lines).into_iter();
        let mut kept = Vec::new();
        self.executable.data.retain(|block| {
            let line = lines.next().filter(|_| !block.bytes.is_empty());
            kept.extend(line);
            line.is_some()
        });
        // Without other errors, only contradictions between the parts are left to report.
        if self.diagnostics.is_empty() {
            if let Some((Some(block), message)) = self.executable.overlap() {
                let number = kept[block];
                let text = self.lines[number].text;
                let start = text.len() - text.trim_start().len();
                self.report(number, Problem::new(start, text.trim_end().len(), message));
            } else if let Err(error) = self.executable.check() {
                self.diagnostics.report_program(file_name, error.to_string());
            }
        }
        self.diagnostics.finish()?;
        Ok(self.executable)
    }
}
