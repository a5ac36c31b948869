//! Reads an executable from bytes.
//!
//! Memory is allocated only for items whose bytes are known to be there.

use super::{ENTRY_BYTES, ExecutableError, HEADER_BYTES, MAGIC, OPTIONAL, Section, VERSION};
use crate::{
    Data, ElementType, Encoding, Executable, HostRest, Label, LayerInfo, Layout, MachineKey, NamedBytes,
    Port, SelfTest, SourceLocation, UnknownNote, WORD_BYTES,
};

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Executable, ExecutableError> {
    let mut executable = Executable::default();
    let (version, sections) = sections(bytes)?;
    for (kind, payload) in sections {
        let Some(section) = Section::of_kind(kind) else {
            executable.notes.unknown.push(UnknownNote { kind, bytes: payload.to_vec() });
            continue;
        };
        let mut reader = Reader { part: section.name(), rest: payload };
        match section {
            Section::Labels | Section::Values | Section::SelfTest | Section::Rest => {
                reader.note(section, &mut executable)?;
            }
            _ => reader.required(section, version, &mut executable)?,
        }
        if !reader.rest.is_empty() {
            return Err(reader.malformed(format!("{} bytes are left over", reader.rest.len())));
        }
    }
    Ok(executable)
}

/// A section: its kind and its bytes.
type Found<'a> = (u32, &'a [u8]);

/// The version, and the payloads of all sections by kind with their checksums verified.
fn sections(bytes: &[u8]) -> Result<(u32, Vec<Found<'_>>), ExecutableError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ExecutableError::Magic);
    }
    let mut header = Reader { part: "header", rest: &bytes[MAGIC.len()..] };
    let version = header.u32()?;
    if !(1..=VERSION).contains(&version) {
        return Err(ExecutableError::Version { found: version });
    }
    let (count, expected) = (header.u32()?, header.u32()?);
    let required = Section::REQUIRED.len();
    if (count as usize) < required || version == 1 && count as usize != required {
        return Err(header.malformed(format!("it names {count} sections, and needs {required}")));
    }
    let table = header.take(ENTRY_BYTES as u64 * u64::from(count))?;
    let found = crc32c::crc32c_append(crc32c::crc32c(&bytes[..HEADER_BYTES - 4]), table);
    if found != expected {
        return Err(ExecutableError::Checksum { part: "header", found, expected });
    }
    let mut entries = Reader { part: "section table", rest: table };
    let mut offset = HEADER_BYTES + table.len();
    let mut result: Vec<(u32, &[u8])> = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        let (kind, expected, start, length) =
            (entries.u32()?, entries.u32()?, entries.u64()?, entries.u64()?);
        let section = Section::of_kind(kind);
        if section.is_none() && kind & OPTIONAL == 0 {
            return Err(ExecutableError::UnknownSection { kind });
        }
        let part = section.map_or("optional section", Section::name);
        let in_order = match Section::REQUIRED.get(index) {
            Some(section) => section.kind() == kind,
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
    Ok((version, result))
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

    fn block(&mut self) -> Result<Data, ExecutableError> {
        let address = self.u64()?;
        let length = self.u64()?;
        Ok(Data { address, bytes: self.take(length)?.to_vec() })
    }

    /// One of the sections that every file has.
    fn required(
        &mut self,
        section: Section,
        version: u32,
        executable: &mut Executable,
    ) -> Result<(), ExecutableError> {
        match section {
            Section::Machine => executable.machine = self.machine()?,
            Section::Code => {
                executable.code_base = self.u64()?;
                let (words, rest) = self.rest.as_chunks::<WORD_BYTES>();
                executable.code = words.to_vec();
                self.rest = rest;
            }
            Section::Data => executable.data = self.list(16, Reader::block)?,
            Section::Ports => {
                let (inputs, outputs) = (self.u32()?, self.u32()?);
                let port = if version == 1 { Reader::port_of_version_1 } else { Reader::port };
                executable.inputs = self.items(inputs, 24, port)?;
                executable.outputs = self.items(outputs, 24, port)?;
            }
            Section::SourceMap => {
                let count = (self.rest.len() / 8) as u32;
                executable.source_map = self.items(count, 8, |reader| {
                    Ok(SourceLocation { layer: reader.u32()?, line: reader.u32()? })
                })?;
            }
            _ => executable.layers = self.list(44, Reader::layer)?,
        }
        Ok(())
    }

    /// One of the sections that a file has only where there is something to say.
    fn note(&mut self, section: Section, executable: &mut Executable) -> Result<(), ExecutableError> {
        let notes = &mut executable.notes;
        match section {
            Section::Labels => {
                notes.labels =
                    self.some(8, |reader| Ok(Label { instruction: reader.u32()?, name: reader.text()? }))?;
            }
            Section::Values => {
                notes.values = self.some(20, |reader| {
                    Ok(NamedBytes { name: reader.text()?, address: reader.u64()?, bytes: reader.u64()? })
                })?;
            }
            Section::SelfTest => {
                notes.self_test = Some(SelfTest { seed: self.u64()?, checksum: self.u32()? });
            }
            _ => {
                notes.rest = Some(HostRest {
                    dlp_macs: self.u64()?,
                    macs: self.u64()?,
                    dlp_nodes: self.u64()?,
                    nodes: self.u64()?,
                    outputs: self.list(4, Reader::text)?,
                    reasons: self.list(4, Reader::text)?,
                });
            }
        }
        Ok(())
    }

    /// A list that must not be empty, since its section is there.
    fn some<T>(
        &mut self,
        item_bytes: u64,
        item: impl FnMut(&mut Reader<'a>) -> Result<T, ExecutableError>,
    ) -> Result<Vec<T>, ExecutableError> {
        let items = self.list(item_bytes, item)?;
        if items.is_empty() { Err(self.malformed("it is there and says nothing")) } else { Ok(items) }
    }

    fn port(&mut self) -> Result<Port, ExecutableError> {
        let (name, address, shape) = (self.text()?, self.u64()?, self.sizes()?);
        let code = self.u32()?;
        let element = ElementType::ALL.into_iter().find(|element| element.code() == code);
        let element = element.ok_or_else(|| self.malformed(format!("there is no element type {code}")))?;
        let encoding = match self.u32()? {
            0 => None,
            1 => Some(self.encoding()?),
            flag => return Err(self.malformed(format!("{flag} does not say whether a tensor is real"))),
        };
        let layout = Layout { permutation: self.sizes()?, shape: self.sizes()? };
        Ok(Port { name, address, shape, element, encoding, layout })
    }

    /// Version 1 had the type as a word, and a layout only where there was a scale.
    fn port_of_version_1(&mut self) -> Result<Port, ExecutableError> {
        let (name, address, shape, element) = (self.text()?, self.u64()?, self.sizes()?, self.text()?);
        if element != ElementType::I8.name() {
            return Err(self.malformed(format!("there is no element type {element:?}")));
        }
        let mut port = Port::plain(name, address, shape);
        match self.u32()? {
            0 => {}
            1 => {
                port.encoding = Some(self.encoding()?);
                port.layout = Layout::permuted(&port.shape, self.sizes()?);
            }
            flag => return Err(self.malformed(format!("{flag} does not say whether a tensor is real"))),
        }
        Ok(port)
    }

    fn encoding(&mut self) -> Result<Encoding, ExecutableError> {
        Ok(Encoding { scale: f32::from_bits(self.u32()?), zero: self.u32()? as i32 })
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
