//! Tokens of a line of assembly.

use logos::Logos;

/// A token; its text is the slice of the line that it spans.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip r"[ \t\r\f]+")]
pub(super) enum Token {
    /// A name, with dots for configuration registers.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")]
    Name,
    /// `.name`
    #[regex(r"\.[A-Za-z_][A-Za-z0-9_]*")]
    Directive,
    /// Decimal, `0x` or `0b`, with `_` between digits.
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Number,
    /// A number with a point or an exponent; only scales want one.
    #[regex(r"[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?")]
    #[regex(r"[0-9]+[eE][+-][0-9]+")]
    Real,
    /// A string with `\\`, `\"`, `\n`, `\t`, `\r`, `\u{..}` escapes.
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Text,
    #[token(",")]
    Comma,
    #[token("=")]
    Equals,
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
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("&")]
    And,
    #[token("|")]
    Or,
    #[token("~")]
    Tilde,
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
    /// `//` or `;` to the end of the line.
    #[regex(r"(//|;)[^\n]*", allow_greedy = true)]
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
