//! The comma-separated arguments behind a mnemonic or directive.

use super::{
    error::{Problem, suggestion},
    expression::{Symbols, evaluate},
    lexer::{Lexeme, Token},
    source::Line,
    text::unquote,
};

/// One argument: `value`, `name` or `name=value`.
#[derive(Clone, Copy)]
pub(super) struct Argument<'a> {
    /// What stands before `=`.
    pub(super) name: Option<&'a Lexeme>,
    /// What stands behind it, or everything.
    pub(super) value: &'a [Lexeme],
    /// Bytes of the line.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Argument<'a> {
    /// `lexemes` must not be empty.
    pub(super) fn new(lexemes: &'a [Lexeme]) -> Argument<'a> {
        let start = lexemes.first().map_or(0, |first| first.start);
        let end = lexemes.last().map_or(0, |last| last.end);
        match lexemes {
            [name, equals, value @ ..] if name.token == Token::Name && equals.token == Token::Equals => {
                Argument { name: Some(name), value, start, end }
            }
            value => Argument { name: None, value, start, end },
        }
    }

    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.start, self.end, message)
    }
}

/// A position in the arguments of a directive, which are taken in order.
pub(super) struct Arguments<'a> {
    pub(super) line: &'a Line<'a>,
    arguments: Vec<Argument<'a>>,
    next: usize,
    /// Where the directive's name ends: an error about a missing first argument points there.
    after: usize,
}

impl<'a> Arguments<'a> {
    /// Splits everything behind lexeme number `first`, the directive itself.
    pub(super) fn split(line: &'a Line<'a>, first: usize) -> Result<Arguments<'a>, Problem> {
        let lexemes = &line.lexemes[first + 1..];
        let after = line.lexemes[first].end;
        let mut arguments = Vec::new();
        if !lexemes.is_empty() {
            for piece in split_commas(lexemes) {
                if piece.is_empty() {
                    return Err(Problem::new(
                        after,
                        line.text.trim_end().len().max(after),
                        "an argument is missing",
                    )
                    .help("two commas follow each other, or one stands at the end"));
                }
                arguments.push(Argument::new(piece));
            }
        }
        Ok(Arguments { line, arguments, next: 0, after })
    }

    /// The next argument; `what` names it if it is missing.
    pub(super) fn take(&mut self, what: &str) -> Result<Argument<'a>, Problem> {
        match self.arguments.get(self.next) {
            Some(argument) if argument.name.is_some() => {
                Err(argument.problem(format!("{what} is expected here, not `name=value`")))
            }
            Some(argument) => {
                self.next += 1;
                Ok(*argument)
            }
            None => {
                let place = self.arguments.last().map_or(self.after, |last| last.end);
                Err(Problem::new(place, place, format!("{what} is missing here")))
            }
        }
    }

    /// The next argument if there is one.
    pub(super) fn take_optional(&mut self) -> Option<Argument<'a>> {
        let argument = self.arguments.get(self.next).copied();
        self.next += usize::from(argument.is_some());
        argument
    }

    /// How many arguments are left.
    pub(super) fn left(&self) -> usize {
        self.arguments.len() - self.next
    }

    /// Reports an error if an argument is left.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        match self.take_optional() {
            None => Ok(()),
            Some(argument) => Err(argument.problem("nothing is expected here")),
        }
    }

    /// The next argument as a number.
    pub(super) fn value(
        &mut self,
        what: &str,
        symbols: &Symbols,
        here: i128,
    ) -> Result<(i128, Argument<'a>), Problem> {
        let argument = self.take(what)?;
        let value = evaluate(self.line, argument.value, argument.end, symbols, here)?;
        Ok((value, argument))
    }

    /// The next argument as a number of a range.
    pub(super) fn ranged(
        &mut self,
        what: &str,
        range: (i128, i128),
        symbols: &Symbols,
        here: i128,
    ) -> Result<i128, Problem> {
        let (value, argument) = self.value(what, symbols, here)?;
        in_range(value, range, &argument, what)
    }

    /// The next argument as a name, quoted or not.
    pub(super) fn name(&mut self, what: &str) -> Result<String, Problem> {
        let argument = self.take(what)?;
        text_of(self.line, &argument, what)
    }
}

/// The string or bare name of an argument.
pub(super) fn text_of(line: &Line<'_>, argument: &Argument<'_>, what: &str) -> Result<String, Problem> {
    match argument.value {
        [one] if one.token == Token::Text => {
            unquote(line.slice(one)).map_err(|message| Problem::new(one.start, one.end, message))
        }
        [one] if one.token == Token::Name => Ok(line.slice(one).to_owned()),
        _ => Err(argument.problem(format!("{what} is a word or a string in double quotes"))),
    }
}

/// The numbers of `[a, b, ...]`.
pub(super) fn list_of(
    line: &Line<'_>,
    argument: &Argument<'_>,
    symbols: &Symbols,
) -> Result<Vec<i128>, Problem> {
    match argument.value {
        [open, inner @ .., close]
            if open.token == Token::OpenBracket && close.token == Token::CloseBracket =>
        {
            if inner.is_empty() {
                return Ok(Vec::new());
            }
            split_commas(inner).iter().map(|piece| evaluate(line, piece, open.end, symbols, 0)).collect()
        }
        _ => Err(argument.problem("a list in brackets is expected").help("write it as `[1, 28, 28, 1]`")),
    }
}

/// `value` if it is in the range.
pub(super) fn in_range(
    value: i128,
    (low, high): (i128, i128),
    argument: &Argument<'_>,
    what: &str,
) -> Result<i128, Problem> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(argument.problem(format!("{what} is {value}, outside {low}..={high}")))
}

/// The name of a `name=value` argument, which must be one of `names`.
pub(super) fn key<'a>(
    line: &'a Line<'_>,
    argument: &Argument<'a>,
    names: &[&str],
) -> Result<&'a str, Problem> {
    let Some(name) = argument.name else {
        return Err(argument
            .problem("`name=value` is expected")
            .help(format!("names are: {}", names.join(", "))));
    };
    let text = line.slice(name);
    if names.contains(&text) {
        return Ok(text);
    }
    let problem = Problem::new(name.start, name.end, format!("there is no `{text}` here"));
    Err(problem.help(suggestion(text, names.iter().copied())))
}

/// The pieces between commas that are in no parentheses or brackets.
pub(super) fn split_commas(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    let mut pieces = Vec::new();
    let mut depth = 0i64;
    let mut start = 0;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match lexeme.token {
            Token::Open | Token::OpenBracket => depth += 1,
            Token::Close | Token::CloseBracket => depth -= 1,
            Token::Comma if depth <= 0 => {
                pieces.push(&lexemes[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    pieces.push(&lexemes[start..]);
    pieces
}
