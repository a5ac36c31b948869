//! Tokens of a line of an abstract program.

use logos::Logos;

/// A token; its text is the slice of the line that it spans.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip r"[ \t\r\f]+")]
pub(super) enum Token {
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// Decimal with `_` between digits, and `KiB` or `MiB` after it.
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Number,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[regex(r"(#|//)[^\n]*", allow_greedy = true)]
    Comment,
}

/// A token and the bytes of the line that it spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The tokens of a line without comments, or the bytes that are no token.
pub(super) fn lex(line: &str) -> Result<Vec<Lexeme>, (usize, usize)> {
    let mut lexemes = Vec::new();
    for (token, span) in Token::lexer(line).spanned() {
        match token {
            Ok(Token::Comment) => {}
            Ok(token) => lexemes.push(Lexeme { token, start: span.start, end: span.end }),
            Err(()) => return Err((span.start, span.end)),
        }
    }
    Ok(lexemes)
}
