//! Bytes to executable. Nothing is allocated before it is known that the bytes for it are there.

use super::{ENTRY_BYTES, ExecutableError, HEADER_BYTES, MAGIC, Section, VERSION};
use crate::{Executable, LayerInfo, MachineKey, Port, Real, Segment, SourceLocation, WORD_BYTES};

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Executable, ExecutableError> {
    let mut executable = Executable::default();
    for (section, payload) in sections(bytes)? {
        let mut reader = Reader { part: section.name(), rest: payload };
        match section {
            Section::Machine => executable.machine = reader.machine()?,
            Section::Code => {
                executable.code_base = reader.u64()?;
                let (words, rest) = reader.rest.as_chunks::<WORD_BYTES>();
                executable.code = words.to_vec();
                reader.rest = rest;
            }
            Section::Data => executable.segments = reader.list(16, Reader::segment)?,
            Section::Ports => {
                let inputs = reader.u32()?;
                let outputs = reader.u32()?;
                executable.inputs = reader.items(inputs, 24, Reader::port)?;
                executable.outputs = reader.items(outputs, 24, Reader::port)?;
            }
            Section::SourceMap => {
                let count = (payload.len() / 8) as u32;
                executable.source_map = reader.items(count, 8, |reader| {
                    Ok(SourceLocation { layer: reader.u32()?, line: reader.u32()? })
                })?;
            }
            Section::Layers => executable.layers = reader.list(44, Reader::layer)?,
        }
        if !reader.rest.is_empty() {
            return Err(reader.malformed(format!("{} bytes are left over", reader.rest.len())));
        }
    }
    Ok(executable)
}

/// The header, and the payloads of all sections with their checksums verified.
fn sections(bytes: &[u8]) -> Result<Vec<(Section, &[u8])>, ExecutableError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ExecutableError::Magic);
    }
    let mut header = Reader { part: "header", rest: &bytes[MAGIC.len()..] };
    let version = header.u32()?;
    if version != VERSION {
        return Err(ExecutableError::Version { found: version });
    }
    let count = header.u32()?;
    let expected = header.u32()?;
    if count as usize != Section::ALL.len() {
        return Err(header.malformed(format!("it names {count} sections, not {}", Section::ALL.len())));
    }
    let table = header.take((ENTRY_BYTES * Section::ALL.len()) as u64)?;
    let found = crc32c::crc32c_append(crc32c::crc32c(&bytes[..HEADER_BYTES - 4]), table);
    if found != expected {
        return Err(ExecutableError::Checksum { part: "header", found, expected });
    }
    let mut entries = Reader { part: "section table", rest: table };
    let mut offset = HEADER_BYTES + table.len();
    let mut result = Vec::with_capacity(Section::ALL.len());
    for section in Section::ALL {
        let (kind, expected, start, length) =
            (entries.u32()?, entries.u32()?, entries.u64()?, entries.u64()?);
        if kind != section as u32 || start != offset as u64 {
            let message = format!("the {} section is not where it belongs", section.name());
            return Err(entries.malformed(message));
        }
        let mut rest = Reader { part: section.name(), rest: &bytes[offset..] };
        let payload = rest.take(length)?;
        let found = crc32c::crc32c(payload);
        if found != expected {
            return Err(ExecutableError::Checksum { part: section.name(), found, expected });
        }
        offset += payload.len();
        result.push((section, payload));
    }
    if offset != bytes.len() {
        return Err(entries.malformed(format!("{} bytes follow the last section", bytes.len() - offset)));
    }
    Ok(result)
}

/// A position in a section.
struct Reader<'a> {
    part: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn malformed(&self, message: impl Into<String>) -> ExecutableError {
        ExecutableError::Malformed { part: self.part, message: message.into() }
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], ExecutableError> {
        let split = usize::try_from(count).ok().and_then(|count| self.rest.split_at_checked(count));
        let Some((taken, rest)) = split else {
            let message = format!("it ends after {} bytes where {count} are wanted", self.rest.len());
            return Err(self.malformed(message));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, ExecutableError> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, ExecutableError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A count, then so many items of at least `item_bytes` each.
    fn list<T>(
        &mut self,
        item_bytes: u64,
        item: impl FnMut(&mut Reader<'a>) -> Result<T, ExecutableError>,
    ) -> Result<Vec<T>, ExecutableError> {
        let count = self.u32()?;
        self.items(count, item_bytes, item)
    }

    fn items<T>(
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

    fn text(&mut self) -> Result<String, ExecutableError> {
        let length = self.u32()?;
        let bytes = self.take(length.into())?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.malformed("a name is not UTF-8")),
        }
    }

    fn sizes(&mut self) -> Result<Vec<usize>, ExecutableError> {
        self.list(8, |reader| {
            let size = reader.u64()?;
            usize::try_from(size).map_err(|_| reader.malformed(format!("{size} is too large a size")))
        })
    }

    fn machine(&mut self) -> Result<MachineKey, ExecutableError> {
        Ok(MachineKey {
            name: self.text()?,
            rows: self.u32()?,
            columns: self.u32()?,
            nram_bytes: self.u64()?,
            wram_bytes: self.u64()?,
            aram_bytes: self.u64()?,
            pram_bytes: self.u64()?,
            dram_bytes: self.u64()?,
        })
    }

    fn segment(&mut self) -> Result<Segment, ExecutableError> {
        let address = self.u64()?;
        let length = self.u64()?;
        Ok(Segment { address, bytes: self.take(length)?.to_vec() })
    }

    fn port(&mut self) -> Result<Port, ExecutableError> {
        let (name, address, shape, dtype) = (self.text()?, self.u64()?, self.sizes()?, self.text()?);
        let real = match self.u32()? {
            0 => None,
            1 => Some(Real {
                scale: f32::from_bits(self.u32()?),
                zero: self.u32()? as i32,
                permutation: self.sizes()?,
            }),
            flag => return Err(self.malformed(format!("{flag} does not say whether a tensor is real"))),
        };
        Ok(Port { name, address, shape, dtype, real })
    }

    fn layer(&mut self) -> Result<LayerInfo, ExecutableError> {
        Ok(LayerInfo {
            name: self.text()?,
            op: self.text()?,
            shape: self.sizes()?,
            macs: self.u64()?,
            matrix_macs: self.u64()?,
            vector_operations: self.u64()?,
            weight_bytes: self.u64()?,
        })
    }
}
