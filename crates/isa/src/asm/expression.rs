//! Constant expressions.
//!
//! Expressions are evaluated while they are parsed, so that a long one needs no tree. Nesting is bounded, and
//! so is the size of values.

use std::collections::BTreeMap;

use super::{
    error::Problem,
    lexer::{Lexeme, Token},
    source::Line,
};

/// The most parentheses and signs within one another.
const DEPTH: u32 = 64;

/// Named values: labels and `.equ` constants, each with the line (in assembly order) of its definition.
pub(super) type Symbols = BTreeMap<String, (i128, usize)>;

/// The value of a sequence of tokens, all of which must be consumed.
///
/// `after` is where the line goes on if there are no tokens.
pub(super) fn evaluate(
    line: &Line<'_>,
    lexemes: &[Lexeme],
    after: usize,
    symbols: &Symbols,
    here: i128,
) -> Result<i128, Problem> {
    let mut parser = Parser { line, lexemes, at: 0, after, symbols, here, depth: 0 };
    let value = parser.binary(0)?;
    match parser.lexemes.get(parser.at) {
        None => Ok(value),
        Some(rest) => {
            let message = format!("`{}` does not go on the expression", line.slice(rest));
            Err(Problem::new(rest.start, rest.end, message).help("is a comma missing?"))
        }
    }
}

/// The value of a number token.
pub(super) fn number(text: &str) -> Result<i128, String> {
    let plain = text.replace('_', "");
    let (digits, radix) = match plain.get(..2) {
        Some("0x" | "0X") => (&plain[2..], 16),
        Some("0b" | "0B") => (&plain[2..], 2),
        _ => (plain.as_str(), 10),
    };
    match u64::from_str_radix(digits, radix) {
        Ok(value) => Ok(value.into()),
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => {
            Err(format!("`{text}` does not fit in 64 bits"))
        }
        Err(_) => Err(format!("`{text}` is no number")),
    }
}

struct Parser<'a> {
    line: &'a Line<'a>,
    lexemes: &'a [Lexeme],
    at: usize,
    after: usize,
    symbols: &'a Symbols,
    here: i128,
    depth: u32,
}

/// How tightly an operator binds.
fn precedence(token: Token) -> Option<u8> {
    match token {
        Token::Or => Some(1),
        Token::And => Some(2),
        Token::ShiftLeft | Token::ShiftRight => Some(3),
        Token::Plus | Token::Minus => Some(4),
        Token::Star | Token::Slash | Token::Percent => Some(5),
        _ => None,
    }
}

impl Parser<'_> {
    fn binary(&mut self, lowest: u8) -> Result<i128, Problem> {
        let mut left = self.unary()?;
        while let Some(operator) = self.lexemes.get(self.at).copied() {
            let Some(binds) = precedence(operator.token).filter(|binds| *binds > lowest) else {
                break;
            };
            self.at += 1;
            let right = self.binary(binds)?;
            left = apply(operator.token, left, right)
                .map_err(|message| Problem::new(operator.start, operator.end, message))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<i128, Problem> {
        let Some(lexeme) = self.lexemes.get(self.at).copied() else {
            let end = self.lexemes.last().map_or(self.after, |last| last.end);
            return Err(Problem::new(end, end, "a value is missing here"));
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH {
            let message = format!("the expression is nested deeper than {DEPTH}");
            return Err(Problem::new(lexeme.start, lexeme.end, message));
        }
        let value = match lexeme.token {
            Token::Number => {
                let text = self.line.slice(&lexeme);
                number(text).map_err(|message| Problem::new(lexeme.start, lexeme.end, message))
            }
            Token::Name => self.symbol(&lexeme),
            // Values stay below 2^64 in magnitude, so neither sign nor complement overflows.
            Token::Minus => self.unary().map(|value| -value),
            Token::Tilde => self.unary().map(|value| !value),
            Token::Open => self.parenthesis(&lexeme),
            _ => {
                let message = format!("`{}` is no value", self.line.slice(&lexeme));
                Err(Problem::new(lexeme.start, lexeme.end, message))
            }
        };
        self.depth -= 1;
        value
    }

    fn parenthesis(&mut self, open: &Lexeme) -> Result<i128, Problem> {
        let value = self.binary(0)?;
        match self.lexemes.get(self.at) {
            Some(close) if close.token == Token::Close => {
                self.at += 1;
                Ok(value)
            }
            _ => Err(Problem::new(open.start, open.end, "this parenthesis is not closed")),
        }
    }

    fn symbol(&self, lexeme: &Lexeme) -> Result<i128, Problem> {
        let name = self.line.slice(lexeme);
        if name == "here" {
            return Ok(self.here);
        }
        if let Some((value, _)) = self.symbols.get(name) {
            return Ok(*value);
        }
        let problem = Problem::new(lexeme.start, lexeme.end, format!("`{name}` is not defined"));
        Err(match ediacara_hint::nearest(name, self.symbols.keys().map(String::as_str)) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem.help("define it with a label or `.equ`"),
        })
    }
}

fn apply(operator: Token, left: i128, right: i128) -> Result<i128, String> {
    let value = match operator {
        Token::Plus => left + right,
        Token::Minus => left - right,
        Token::Star => left.checked_mul(right).ok_or("the product is too large")?,
        Token::Slash | Token::Percent if right == 0 => return Err("division by zero".to_owned()),
        Token::Slash => left / right,
        Token::Percent => left % right,
        Token::ShiftLeft | Token::ShiftRight if !(0..64).contains(&right) => {
            return Err(format!("a shift by {right} is not between 0 and 63"));
        }
        Token::ShiftLeft => left.checked_mul(1 << right).ok_or("the value is too large")?,
        Token::ShiftRight => left >> right,
        Token::And => left & right,
        _ => left | right,
    };
    if value.unsigned_abs() > u128::from(u64::MAX) {
        return Err("the value does not fit in 64 bits".to_owned());
    }
    Ok(value)
}
