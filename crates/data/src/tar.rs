//! The regular files of a tar archive, one after another.
//!
//! The format is POSIX ustar without extensions, which is all that the data sets use. Source:
//! <https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html>.

use std::io::Read;
use std::path::Path;

use crate::DataError;

const BLOCK_BYTES: u64 = 512;

/// Gets a file's name, its size and its contents.
type Visit<'a> = dyn FnMut(&str, u64, &mut dyn Read) -> Result<Next, DataError> + 'a;

/// Calls `visit` with the name, the size and the contents of each regular file, until it says that it has
/// seen enough.
pub(crate) fn each_file(reader: &mut dyn Read, path: &Path, visit: &mut Visit<'_>) -> Result<(), DataError> {
    let broken = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => DataError::format(path, "truncated inside its tar archive"),
        _ => DataError::read(path, source),
    };
    loop {
        let mut header = [0_u8; BLOCK_BYTES as usize];
        reader.read_exact(&mut header).map_err(broken)?;
        if header.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        let size = size(&header).ok_or_else(|| DataError::format(path, "no tar archive: bad header"))?;
        let mut contents = Read::take(&mut *reader, size);
        // Type 0 or nothing: a regular file.
        if matches!(header[156], b'0' | 0) {
            let end = header[..100].iter().position(|&byte| byte == 0).unwrap_or(100);
            let name = String::from_utf8_lossy(&header[..end]).into_owned();
            if visit(&name, size, &mut contents)? == Next::Stop {
                return Ok(());
            }
        }
        // Skips what the visitor left, then the rest of the last block.
        let left = contents.limit() + size.next_multiple_of(BLOCK_BYTES) - size;
        let skipped =
            std::io::copy(&mut Read::take(&mut *reader, left), &mut std::io::sink()).map_err(broken)?;
        if skipped < left {
            return Err(DataError::format(path, "truncated inside its tar archive"));
        }
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Go on with the next file.
    Continue,
    /// Stop.
    Stop,
}

/// The size in a header whose checksum is right: octal digits, which end with a space or a zero byte.
fn size(header: &[u8; BLOCK_BYTES as usize]) -> Option<u64> {
    // The checksum is the sum of all bytes, where its own bytes count as spaces.
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(index, &byte)| u64::from(if (148..156).contains(&index) { b' ' } else { byte }))
        .sum();
    (octal(&header[148..156])? == sum).then(|| octal(&header[124..136]))?
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}
