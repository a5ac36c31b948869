//! From text to tokens.

use crate::GraphError;

/// Where something stands: line and column, in characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    pub(super) fn error(self, problem: impl Into<String>) -> GraphError {
        GraphError::Parse { line: self.line, column: self.column, problem: problem.into() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word: a keyword, an operator, an attribute, an element type.
    Word(String),
    /// `%name`.
    Value(String),
    /// `@name`.
    Reference(String),
    /// A quoted string, unescaped.
    Quoted(String),
    /// A number as written.
    Number(String),
    /// One of `{ } ( ) [ ] , : =`.
    Mark(char),
    /// The end of the text.
    End,
}

impl Token {
    /// What an error calls the token.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Value(name) => format!("`%{name}`"),
            Token::Reference(name) => format!("`@{name}`"),
            Token::Quoted(text) => format!("{text:?}"),
            Token::Number(number) => format!("`{number}`"),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end of the text".to_owned(),
        }
    }
}

/// Whether a value's name may have this character without quotes.
pub(super) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '/' | '-')
}

struct Lexer<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    place: Place,
}

/// The tokens of a text with their places; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Place)>, GraphError> {
    let mut lexer = Lexer { rest: text.chars().peekable(), place: Place { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let place = lexer.place;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, place));
        if end {
            return Ok(tokens);
        }
    }
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(character)
    }

    fn skip_blank(&mut self) {
        while let Some(&character) = self.rest.peek() {
            if character == '#' {
                while self.rest.peek().is_some_and(|&character| character != '\n') {
                    self.next();
                }
            } else if character.is_whitespace() {
                self.next();
            } else {
                return;
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(&character) = self.rest.peek() {
            if !wanted(character) {
                break;
            }
            text.push(character);
            self.next();
        }
        text
    }

    fn token(&mut self) -> Result<Token, GraphError> {
        let place = self.place;
        let Some(&first) = self.rest.peek() else { return Ok(Token::End) };
        match first {
            '{' | '}' | '(' | ')' | '[' | ']' | ',' | ':' | '=' => {
                self.next();
                Ok(Token::Mark(first))
            }
            '"' => Ok(Token::Quoted(self.quoted()?)),
            '%' => {
                self.next();
                Ok(Token::Value(self.name(place, "%")?))
            }
            '@' => {
                self.next();
                Ok(Token::Reference(self.name(place, "@")?))
            }
            _ if first.is_ascii_digit() || matches!(first, '-' | '+') => {
                let number = |character: char| {
                    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '+')
                };
                Ok(Token::Number(self.take_while(number)))
            }
            _ if first.is_ascii_alphabetic() || first == '_' => Ok(Token::Word(
                self.take_while(|character| character.is_ascii_alphanumeric() || character == '_'),
            )),
            _ => Err(place.error(format!("unexpected character {first:?}"))),
        }
    }

    fn name(&mut self, place: Place, sigil: &str) -> Result<String, GraphError> {
        if self.rest.peek() == Some(&'"') {
            return self.quoted();
        }
        let name = self.take_while(is_name_character);
        if name.is_empty() {
            Err(place.error(format!("`{sigil}` must be followed by a name")))
        } else {
            Ok(name)
        }
    }

    fn quoted(&mut self) -> Result<String, GraphError> {
        let start = self.place;
        self.next();
        let mut text = String::new();
        loop {
            let place = self.place;
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(place)?),
                Some('\n') | None => return Err(start.error("this string is not closed on its line")),
                Some(other) => text.push(other),
            }
        }
    }

    fn escape(&mut self, place: Place) -> Result<char, GraphError> {
        match self.next() {
            Some('n') => Ok('\n'),
            Some(plain @ ('"' | '\\')) => Ok(plain),
            Some('u') => {
                let error = || place.error("write a character's code as \\u{1f600}");
                if self.next() != Some('{') {
                    return Err(error());
                }
                let digits = self.take_while(|character| character.is_ascii_hexdigit());
                if self.next() != Some('}') {
                    return Err(error());
                }
                u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or_else(error)
            }
            _ => Err(place.error("unknown escape; known are \\\" \\\\ \\n \\u{..}")),
        }
    }
}
