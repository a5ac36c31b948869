//! The form that all files have: a header, a table of sections, the sections.
//!
//! What the sections hold is the business of `read`, `write` and `plan`.

use super::{ExecutableError, OPTIONAL};
use crate::UnknownNote;

/// First bytes of a file.
pub(super) const MAGIC: [u8; 4] = *b"DLPX";
/// Bytes before the section table.
pub(super) const HEADER_BYTES: usize = 16;
/// Bytes of an entry of the section table.
pub(super) const ENTRY_BYTES: usize = 24;

/// A kind of section: its number and its name.
pub(super) type Kind = (u32, &'static str);

/// A section: its kind and its bytes.
pub(super) type Found<'a> = (u32, &'a [u8]);

/// The version that the header gives; nothing for bytes that are no such file.
pub(super) fn version(bytes: &[u8]) -> Option<u32> {
    let number = bytes.strip_prefix(&MAGIC)?.first_chunk()?;
    Some(u32::from_le_bytes(*number))
}

/// The payloads of all sections in the order of their kinds, with their checksums verified.
///
/// The file has every `required` section, then those of `notes` that it has, and others that a reader may
/// skip.
pub(super) fn sections<'a>(
    bytes: &'a [u8],
    required: &[Kind],
    notes: &[Kind],
) -> Result<Vec<Found<'a>>, ExecutableError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ExecutableError::Magic);
    }
    let mut header = Reader { part: "header", rest: &bytes[MAGIC.len()..] };
    let _version = header.u32()?;
    let (count, expected) = (header.u32()?, header.u32()?);
    if (count as usize) < required.len() {
        return Err(header.malformed(format!("it names {count} sections, and needs {}", required.len())));
    }
    let table = header.take(ENTRY_BYTES as u64 * u64::from(count))?;
    let found = crc32c::crc32c_append(crc32c::crc32c(&bytes[..HEADER_BYTES - 4]), table);
    if found != expected {
        return Err(ExecutableError::Checksum { part: "header", found, expected });
    }
    let mut entries = Reader { part: "section table", rest: table };
    let mut offset = HEADER_BYTES + table.len();
    let mut result: Vec<Found<'a>> = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        let (kind, expected, start, length) =
            (entries.u32()?, entries.u32()?, entries.u64()?, entries.u64()?);
        let known = required.iter().chain(notes).find(|(known, _)| *known == kind);
        if known.is_none() && kind & OPTIONAL == 0 {
            return Err(ExecutableError::UnknownSection { kind });
        }
        let part = known.map_or("optional section", |(_, name)| name);
        let in_order = match required.get(index) {
            Some((wanted, _)) => *wanted == kind,
            None => kind & OPTIONAL != 0 && result.last().is_some_and(|(before, _)| *before < kind),
        };
        if !in_order || start != offset as u64 {
            return Err(entries.malformed(format!("the {part} of kind {kind:#x} is not where it belongs")));
        }
        let payload = Reader { part, rest: &bytes[offset..] }.take(length)?;
        let found = crc32c::crc32c(payload);
        if found != expected {
            return Err(ExecutableError::Checksum { part, found, expected });
        }
        offset += payload.len();
        result.push((kind, payload));
    }
    if offset != bytes.len() {
        return Err(entries.malformed(format!("{} bytes follow the last section", bytes.len() - offset)));
    }
    Ok(result)
}

/// The file of these sections, which come in any order, and of notes that this version does not know.
pub(super) fn file(version: u32, mut sections: Vec<(u32, Vec<u8>)>, unknown: &[UnknownNote]) -> Vec<u8> {
    sections.extend(unknown.iter().map(|note| (note.kind, note.bytes.clone())));
    sections.sort_by_key(|(kind, _)| *kind);
    let mut table = Vec::with_capacity(ENTRY_BYTES * sections.len());
    let mut offset = HEADER_BYTES + ENTRY_BYTES * sections.len();
    for (kind, payload) in &sections {
        put_u32(&mut table, *kind);
        put_u32(&mut table, crc32c::crc32c(payload));
        put_u64(&mut table, offset as u64);
        put_u64(&mut table, payload.len() as u64);
        offset += payload.len();
    }
    let mut file = Vec::with_capacity(offset);
    file.extend(MAGIC);
    put_u32(&mut file, version);
    put_u32(&mut file, sections.len() as u32);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&file), &table);
    put_u32(&mut file, checksum);
    file.extend(table);
    for (_, payload) in sections {
        file.extend(payload);
    }
    file
}

/// A position in a section.
///
/// Memory is allocated only for items whose bytes are known to be there.
pub(super) struct Reader<'a> {
    pub(super) part: &'static str,
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn malformed(&self, message: impl Into<String>) -> ExecutableError {
        ExecutableError::Malformed { part: self.part, message: message.into() }
    }

    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], ExecutableError> {
        let split = usize::try_from(count).ok().and_then(|count| self.rest.split_at_checked(count));
        let Some((taken, rest)) = split else {
            let message = format!("it ends after {} bytes where {count} are wanted", self.rest.len());
            return Err(self.malformed(message));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Checks that nothing is left.
    pub(super) fn finish(&self) -> Result<(), ExecutableError> {
        match self.rest {
            [] => Ok(()),
            rest => Err(self.malformed(format!("{} bytes are left over", rest.len()))),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, ExecutableError> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes))
    }

    pub(super) fn u64(&mut self) -> Result<u64, ExecutableError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads a count, then so many items of at least `item_bytes` each.
    pub(super) fn list<T>(
        &mut self,
        item_bytes: u64,
        item: impl FnMut(&mut Reader<'a>) -> Result<T, ExecutableError>,
    ) -> Result<Vec<T>, ExecutableError> {
        let count = self.u32()?;
        self.items(count, item_bytes, item)
    }

    pub(super) fn items<T>(
        &mut self,
        count: u32,
        item_bytes: u64,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T, ExecutableError>,
    ) -> Result<Vec<T>, ExecutableError> {
        if u64::from(count) * item_bytes > self.rest.len() as u64 {
            return Err(self.malformed(format!("{count} entries do not fit in {} bytes", self.rest.len())));
        }
        let mut items = Vec::with_capacity(count as usize);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Reads a length, then so many bytes.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ExecutableError> {
        let length = self.u64()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, ExecutableError> {
        let length = self.u32()?;
        let bytes = self.take(length.into())?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.malformed("a name is not UTF-8")),
        }
    }

    pub(super) fn sizes(&mut self) -> Result<Vec<usize>, ExecutableError> {
        self.list(8, |reader| {
            let size = reader.u64()?;
            usize::try_from(size).map_err(|_| reader.malformed(format!("{size} is too large a size")))
        })
    }
}

pub(super) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

pub(super) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

/// Writes a count, then the items.
pub(super) fn put_list<T>(out: &mut Vec<u8>, items: &[T], mut put: impl FnMut(&mut Vec<u8>, &T)) {
    put_u32(out, items.len() as u32);
    items.iter().for_each(|item| put(out, item));
}

/// Writes a length, then the bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend(bytes);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len() as u32);
    out.extend(text.as_bytes());
}

pub(super) fn put_sizes(out: &mut Vec<u8>, sizes: &[usize]) {
    put_list(out, sizes, |out, size| put_u64(out, *size as u64));
}

/// Gives a file whose header and section table can still be found the checksums of its bytes.
///
/// For tests: a damaged file so treated gets past the checksums to the checks behind them.
pub(super) fn repair_checksums(file: &mut [u8]) {
    let Some(count) = file.get(8..12).and_then(|bytes| bytes.first_chunk()).copied().map(u32::from_le_bytes)
    else {
        return;
    };
    let table_end = (count as usize).saturating_mul(ENTRY_BYTES).saturating_add(HEADER_BYTES);
    if file.len() < table_end {
        return;
    }
    for entry in (HEADER_BYTES..table_end).step_by(ENTRY_BYTES) {
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&file[at..at + 8]);
            usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
        };
        let (start, length) = (number(entry + 8), number(entry + 16));
        if let Some(payload) = start.checked_add(length).and_then(|end| file.get(start..end)) {
            let checksum = crc32c::crc32c(payload);
            file[entry + 4..entry + 8].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    let checksum = crc32c::crc32c(&file[..HEADER_BYTES - 4]);
    let checksum = crc32c::crc32c_append(checksum, &file[HEADER_BYTES..table_end]);
    file[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
}
