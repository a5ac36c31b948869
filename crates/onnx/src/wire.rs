//! The wire format of protobuf: numbers and lengths, without any schema.

use std::ops::Range;

/// The bodies of the fields of this number in a message, if they have a length; the message has been scanned.
pub(crate) fn fields(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    let mut position = 0;
    std::iter::from_fn(move || {
        while position < message.len() {
            let key = varint(message, &mut position).ok()?;
            match key & 7 {
                0 => {
                    varint(message, &mut position).ok()?;
                }
                1 => position += 8,
                5 => position += 4,
                _ => {
                    let body = body(message, &mut position).ok()?;
                    position = body.end;
                    if key >> 3 == number {
                        return message.get(body);
                    }
                }
            }
        }
        None
    })
}

/// Reads the length at `position` and gives the range of bytes that it counts; moves behind the length.
pub(crate) fn body(window: &[u8], position: &mut usize) -> Result<Range<usize>, String> {
    let length = varint(window, position)?;
    let length = usize::try_from(length).map_err(|_| "a length of more than 64 bits".to_owned())?;
    let mut end = *position;
    skip(&mut end, length, window.len())?;
    Ok(*position..end)
}

pub(crate) fn past_end(position: usize, length: usize, end: usize) -> String {
    format!("a field of {length} bytes at byte {position}, where only {} are left", end - position)
}

pub(crate) fn skip(position: &mut usize, length: usize, end: usize) -> Result<(), String> {
    match position.checked_add(length).filter(|&next| next <= end) {
        Some(next) => {
            *position = next;
            Ok(())
        }
        None => Err(past_end(*position, length, end)),
    }
}

pub(crate) fn varint(window: &[u8], position: &mut usize) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let Some(&byte) = window.get(*position) else {
            return Err(format!("the end in the middle of a number, at byte {position}"));
        };
        *position += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(format!("a number of more than ten bytes before byte {position}"))
}
