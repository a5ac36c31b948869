//! Reading one line of tokens.

use ediacara_isa::AssembleError;

use super::expression::{Expression, Operator};
use super::lexer::{Lexeme, Token};
use super::statement::{Amount, Place, error_at};

/// The tokens of a line, and the next of them.
pub(super) struct Cursor<'a> {
    pub(super) file: &'a str,
    pub(super) lines: &'a [String],
    pub(super) line: usize,
    pub(super) lexemes: &'a [Lexeme],
    pub(super) next: usize,
    /// Names of the counters of the loops around the line, outermost first.
    pub(super) counters: &'a [Option<String>],
}

impl<'a> Cursor<'a> {
    fn text(&self, lexeme: &Lexeme) -> &'a str {
        self.lines.get(self.line).and_then(|line| line.get(lexeme.start..lexeme.end)).unwrap_or_default()
    }

    /// The whole line.
    pub(super) fn whole(&self) -> Place {
        let start = self.lexemes.first().map_or(0, |lexeme| lexeme.start);
        let end = self.lexemes.last().map_or(1, |lexeme| lexeme.end);
        Place { line: self.line, start, end }
    }

    /// From the token with index `first` to the last one taken.
    pub(super) fn since(&self, first: usize) -> Place {
        let start = self.lexemes.get(first).map_or(0, |lexeme| lexeme.start);
        let last = self.next.saturating_sub(1).max(first);
        let end = self.lexemes.get(last).map_or(start + 1, |lexeme| lexeme.end);
        Place { line: self.line, start, end }
    }

    /// The next token, or a place after the last.
    fn here(&self) -> Place {
        match self.lexemes.get(self.next) {
            Some(lexeme) => Place { line: self.line, start: lexeme.start, end: lexeme.end },
            None => {
                let end = self.lexemes.last().map_or(0, |lexeme| lexeme.end);
                Place { line: self.line, start: end, end: end + 1 }
            }
        }
    }

    pub(super) fn error(&self, at: Place, message: impl Into<String>, help: Option<String>) -> AssembleError {
        error_at(self.file, self.lines, at, message.into(), help)
    }

    /// An error at the next token: what was wanted, and what is there.
    pub(super) fn expected(&self, what: &str) -> AssembleError {
        let found = self.lexemes.get(self.next).map(|lexeme| format!("`{}`", self.text(lexeme)));
        let found = found.unwrap_or_else(|| "the end of the line".to_owned());
        self.error(self.here(), format!("expected {what}, found {found}"), None)
    }

    pub(super) fn at_end(&self) -> bool {
        self.next >= self.lexemes.len()
    }

    /// Takes the next token if it is `token`.
    pub(super) fn take(&mut self, token: Token) -> bool {
        let found = self.lexemes.get(self.next).is_some_and(|lexeme| lexeme.token == token);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is the word `word`.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self
            .lexemes
            .get(self.next)
            .is_some_and(|lexeme| lexeme.token == Token::Name && self.text(lexeme) == word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn require(&mut self, token: Token, what: &str) -> Result<(), AssembleError> {
        if self.take(token) { Ok(()) } else { Err(self.expected(what)) }
    }

    /// A name and where it stands.
    pub(super) fn name(&mut self, what: &str) -> Result<(&'a str, Place), AssembleError> {
        match self.lexemes.get(self.next) {
            Some(lexeme) if lexeme.token == Token::Name => {
                let at = self.here();
                self.next += 1;
                Ok((self.text(lexeme), at))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// An expression and where it stands.
    pub(super) fn amount(&mut self, what: &str) -> Result<Amount, AssembleError> {
        let first = self.next;
        let expression = self.sum(what, 0)?;
        Ok(Amount { expression, at: self.since(first) })
    }

    /// An expression without counters, which is known before the program runs.
    pub(super) fn constant(&mut self, what: &str, low: i64, high: i64) -> Result<u64, AssembleError> {
        let outside = Cursor { counters: &[], ..*self };
        let mut cursor = outside;
        let amount = cursor.amount(what)?;
        self.next = cursor.next;
        match amount.expression.value(&[]) {
            Ok(value) if (low..=high).contains(&value) => Ok(value as u64),
            Ok(value) => {
                Err(self.error(amount.at, format!("{what} is {low} to {high}, found {value}"), None))
            }
            Err(problem) => Err(self.error(amount.at, problem, None)),
        }
    }

    fn sum(&mut self, what: &str, depth: usize) -> Result<Expression, AssembleError> {
        let mut left = self.product(what, depth)?;
        loop {
            let operator = match () {
                () if self.take(Token::Plus) => Operator::Add,
                () if self.take(Token::Minus) => Operator::Subtract,
                () => return Ok(left),
            };
            let right = self.product(what, depth)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn product(&mut self, what: &str, depth: usize) -> Result<Expression, AssembleError> {
        let mut left = self.factor(what, depth)?;
        loop {
            let operator = match () {
                () if self.take(Token::Star) => Operator::Multiply,
                () if self.take(Token::Slash) => Operator::Divide,
                () if self.take(Token::Percent) => Operator::Remainder,
                () => return Ok(left),
            };
            let right = self.factor(what, depth)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    fn factor(&mut self, what: &str, depth: usize) -> Result<Expression, AssembleError> {
        // This is deeper than anybody writes, and far from the end of the stack.
        if depth > 32 {
            return Err(self.error(self.here(), "parentheses are nested more than 32 deep", None));
        }
        if self.take(Token::Open) {
            let inner = self.sum(what, depth + 1)?;
            self.require(Token::Close, "`)`")?;
            return Ok(inner);
        }
        let Some(lexeme) = self.lexemes.get(self.next) else { return Err(self.expected(what)) };
        let text = self.text(lexeme);
        match lexeme.token {
            Token::Number => match number(text) {
                Some(number) => {
                    self.next += 1;
                    Ok(Expression::Number(number))
                }
                None => {
                    let help =
                        "numbers are decimal, with KiB or MiB after them if you like: 512, 1_000, 128KiB";
                    Err(self.error(self.here(), format!("`{text}` is no number"), Some(help.to_owned())))
                }
            },
            Token::Name => {
                let depth = self.counters.iter().rposition(|name| name.as_deref() == Some(text));
                let Some(depth) = depth else {
                    let help = "`loop 8 as i` makes a counter i".to_owned();
                    return Err(self.error(
                        self.here(),
                        format!("expected {what}, found `{text}`, which counts no loop around this line"),
                        Some(help),
                    ));
                };
                self.next += 1;
                Ok(Expression::Counter(depth))
            }
            _ => Err(self.expected(what)),
        }
    }
}

/// A decimal number with its unit.
fn number(text: &str) -> Option<i64> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20)];
    let split = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    let (digits, factor) = split.unwrap_or((text, 1));
    digits.replace('_', "").parse::<i64>().ok()?.checked_mul(factor)
}
