//! Source files, their lines, and `.include`.

use std::path::{Path, PathBuf};

use super::{
    error::{AssembleError, AssembleErrors, Problem},
    lexer::{Lexeme, Token, lex},
    text::unquote,
};

/// Files within files, at most.
const INCLUDE_DEPTH: usize = 16;

/// One file's name and text.
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// A line in the order of assembly.
#[derive(Clone, Copy)]
pub(super) struct LineRef {
    pub(super) file: usize,
    /// From 1.
    pub(super) number: u32,
    /// The line of the root file: its own, or that of the `.include` that brought it.
    pub(super) root_number: u32,
    start: usize,
    end: usize,
}

/// All files and, through includes, all lines.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) files: Vec<SourceFile>,
    pub(super) lines: Vec<LineRef>,
    /// The included files, each as often as it was included.
    pub(super) included: Vec<PathBuf>,
}

/// A line with its tokens.
pub(super) struct Line<'a> {
    pub(super) reference: LineRef,
    pub(super) text: &'a str,
    pub(super) lexemes: Vec<Lexeme>,
}

impl Line<'_> {
    pub(super) fn slice(&self, lexeme: &Lexeme) -> &str {
        &self.text[lexeme.start..lexeme.end]
    }
}

/// Errors on their way to [`AssembleErrors`].
#[derive(Default)]
pub(super) struct Diagnostics {
    /// Each error with its place in assembly order, to sort by.
    errors: Vec<(usize, usize, AssembleError)>,
    omitted: usize,
}

impl Diagnostics {
    /// Records a problem of line number `line` in assembly order.
    pub(super) fn report(&mut self, sources: &Sources, line: usize, problem: Problem) {
        if self.errors.len() >= AssembleErrors::SHOWN {
            self.omitted += 1;
            return;
        }
        let reference = sources.lines[line];
        let text = sources.text(reference);
        let column = text[..problem.start].chars().count() + 1;
        let length = text[problem.start..problem.end].chars().count().max(1);
        let error = AssembleError {
            file: sources.files[reference.file].name.clone(),
            line: reference.number,
            column: column as u32,
            length: length as u32,
            source_line: text.trim_end().to_owned(),
            message: problem.message,
            help: problem.help,
        };
        self.errors.push((line, problem.start, error));
    }

    /// Records a problem of the program as a whole.
    pub(super) fn report_program(&mut self, file: &str, message: String) {
        let error = AssembleError {
            file: file.to_owned(),
            line: 0,
            column: 0,
            length: 0,
            source_line: String::new(),
            message,
            help: None,
        };
        self.errors.push((usize::MAX, 0, error));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn finish(mut self) -> Result<(), AssembleErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|(line, start, _)| (*line, *start));
        let errors = self.errors.into_iter().map(|(_, _, error)| error).collect();
        Err(AssembleErrors { errors, omitted: self.omitted })
    }
}

impl Sources {
    /// Reads the root text and everything that it includes.
    ///
    /// `root` is its file. Without it, includes are refused.
    pub(super) fn read(
        text: &str,
        name: &str,
        root: Option<&Path>,
        diagnostics: &mut Diagnostics,
    ) -> Sources {
        let mut sources = Sources::default();
        let directory = root.map(|root| root.parent().unwrap_or(Path::new("")));
        let mut open = root.map(Path::to_owned).into_iter().collect();
        sources.add_file(text.to_owned(), name, directory, None, &mut open, diagnostics);
        sources
    }

    pub(super) fn text(&self, line: LineRef) -> &str {
        &self.files[line.file].text[line.start..line.end]
    }

    /// The tokens of every line.
    ///
    /// A line with a bad token is reported, and has no tokens.
    pub(super) fn lex(&self, diagnostics: &mut Diagnostics) -> Vec<Line<'_>> {
        let mut lines = Vec::with_capacity(self.lines.len());
        for (index, reference) in self.lines.iter().enumerate() {
            let text = self.text(*reference);
            let lexemes = lex(text).unwrap_or_else(|(start, end)| {
                diagnostics.report(self, index, bad_token(text, start, end));
                Vec::new()
            });
            lines.push(Line { reference: *reference, text, lexemes });
        }
        lines
    }

    fn add_file(
        &mut self,
        text: String,
        name: &str,
        directory: Option<&Path>,
        root_number: Option<u32>,
        open: &mut Vec<PathBuf>,
        diagnostics: &mut Diagnostics,
    ) {
        let file = self.files.len();
        let ranges = line_ranges(&text);
        self.files.push(SourceFile { name: name.to_owned(), text });
        for (index, (start, end)) in ranges.into_iter().enumerate() {
            let number = index as u32 + 1;
            let root_number = root_number.unwrap_or(number);
            let line = self.lines.len();
            self.lines.push(LineRef { file, number, root_number, start, end });
            let text = &self.files[file].text[start..end];
            if !text.trim_start().starts_with(".include") {
                continue;
            }
            let included = include_name(text).and_then(|(name, start, end)| {
                open_include(&name, directory, open).map_err(|message| Problem::new(start, end, message))
            });
            match included {
                Ok((path, text)) => {
                    let name = path.display().to_string();
                    let directory = path.parent().map(Path::to_owned);
                    self.included.push(path.clone());
                    open.push(path);
                    self.add_file(text, &name, directory.as_deref(), Some(root_number), open, diagnostics);
                    open.pop();
                }
                Err(problem) => diagnostics.report(self, line, problem),
            }
        }
    }
}

fn line_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut start = 0;
    let mut ranges = Vec::new();
    for line in text.split('\n') {
        ranges.push((start, start + line.len()));
        start += line.len() + 1;
    }
    ranges
}

fn bad_token(text: &str, start: usize, end: usize) -> Problem {
    let found = &text[start..end];
    if found.starts_with('"') {
        return Problem::new(
            start,
            text.trim_end().len().max(start + 1),
            "the string does not end on this line",
        )
        .help("close it with `\"`");
    }
    Problem::new(start, end, format!("`{}` does not belong here", found.escape_debug()))
        .help("comments start with `//` or `;`")
}

/// The file name of an `.include` line and where it stands.
fn include_name(text: &str) -> Result<(String, usize, usize), Problem> {
    let lexemes = lex(text).map_err(|(start, end)| bad_token(text, start, end))?;
    match lexemes.as_slice() {
        [directive, name]
            if directive.token == Token::Directive
                && &text[directive.start..directive.end] == ".include"
                && name.token == Token::Text =>
        {
            let path = unquote(&text[name.start..name.end])
                .map_err(|message| Problem::new(name.start, name.end, message))?;
            Ok((path, name.start, name.end))
        }
        _ => {
            let start = text.len() - text.trim_start().len();
            Err(Problem::new(start, text.trim_end().len(), "this is no `.include`")
                .help("write `.include \"file\"`"))
        }
    }
}

fn open_include(name: &str, directory: Option<&Path>, open: &[PathBuf]) -> Result<(PathBuf, String), String> {
    let Some(directory) = directory else {
        return Err("`.include` needs a program that is read from a file".to_owned());
    };
    let path = directory.join(name);
    if open.contains(&path) {
        return Err(format!("{} includes itself", path.display()));
    }
    if open.len() >= INCLUDE_DEPTH {
        return Err(format!("includes are nested deeper than {INCLUDE_DEPTH}"));
    }
    match ediacara_files::read_text(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}
