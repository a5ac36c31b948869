//! Quoted strings and hexadecimal bytes, both ways.

use std::fmt::Write;

/// The string within the quotes of a token.
pub(super) fn unquote(token: &str) -> Result<String, String> {
    let inner = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(token);
    let mut result = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('0') => result.push('\0'),
            Some(c @ ('\\' | '"' | '\'')) => result.push(c),
            Some('u') => result.push(unicode_escape(&mut characters)?),
            other => {
                let found = other.map(String::from).unwrap_or_default();
                return Err(format!(
                    "there is no escape `\\{found}`: use \\\\ \\\" \\n \\t \\r \\0 \\u{{hex}}"
                ));
            }
        }
    }
    Ok(result)
}

fn unicode_escape(characters: &mut std::str::Chars<'_>) -> Result<char, String> {
    let wrong = || "a character is written \\u{hex}".to_owned();
    if characters.next() != Some('{') {
        return Err(wrong());
    }
    let mut code: u32 = 0;
    loop {
        match characters.next() {
            Some('}') => return char::from_u32(code).ok_or_else(wrong),
            Some(digit) => {
                let digit = digit.to_digit(16).ok_or_else(wrong)?;
                code = code.checked_mul(16).ok_or_else(wrong)?.checked_add(digit).ok_or_else(wrong)?;
            }
            None => return Err(wrong()),
        }
    }
}

/// A string as a token that [`unquote`] takes back.
pub(crate) fn quote(text: &str) -> String {
    let mut result = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            c if c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) => {
                // Writing to a string cannot fail.
                let _ = write!(result, "\\u{{{:x}}}", u32::from(c));
            }
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

/// The bytes of a string of hexadecimal digits in pairs.
pub(super) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("hexadecimal bytes have two digits each, and there are {} digits", digits.len()));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => Ok((16 * high + low) as u8),
            _ => Err("hexadecimal bytes consist of 0 to 9 and a to f".to_owned()),
        })
        .collect()
}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
