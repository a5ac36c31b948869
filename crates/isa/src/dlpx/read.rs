//! Reads the image of a program from bytes.

use super::container::{Reader, sections};
use super::{ExecutableError, IMAGE_VERSION, Section};
use crate::{
    Data, ElementType, Encoding, Executable, HostRest, Label, LayerInfo, Layout, MachineKey, NamedBytes,
    Port, SelfTest, SourceLocation, UnknownNote, WORD_BYTES,
};

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Executable, ExecutableError> {
    let version = super::version(bytes, IMAGE_VERSION)?;
    let found = sections(bytes, &Section::REQUIRED.map(Section::entry), &Section::NOTES.map(Section::entry))?;
    if version == 1 && found.len() != Section::REQUIRED.len() {
        let message = format!("version 1 has {} sections, and this {}", Section::REQUIRED.len(), found.len());
        return Err(ExecutableError::Malformed { part: "header", message });
    }
    let mut executable = Executable::default();
    for (kind, payload) in found {
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
        reader.finish()?;
    }
    Ok(executable)
}

impl<'a> Reader<'a> {
    pub(super) fn machine(&mut self) -> Result<MachineKey, ExecutableError> {
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
        Ok(Data { address: self.u64()?, bytes: self.bytes()?.to_vec() })
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
            Section::SelfTest => notes.self_test = Some(self.self_test()?),
            _ => notes.rest = Some(self.rest()?),
        }
        Ok(())
    }

    pub(super) fn self_test(&mut self) -> Result<SelfTest, ExecutableError> {
        Ok(SelfTest { seed: self.u64()?, checksum: self.u32()? })
    }

    pub(super) fn rest(&mut self) -> Result<HostRest, ExecutableError> {
        Ok(HostRest {
            dlp_macs: self.u64()?,
            macs: self.u64()?,
            dlp_nodes: self.u64()?,
            nodes: self.u64()?,
            outputs: self.list(4, Reader::text)?,
            reasons: self.list(4, Reader::text)?,
        })
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
        let element = self.element()?;
        let encoding = match self.u32()? {
            0 => None,
            1 => Some(self.encoding()?),
            flag => return Err(self.malformed(format!("{flag} does not say whether a tensor is real"))),
        };
        let layout = Layout { permutation: self.sizes()?, shape: self.sizes()? };
        Ok(Port { name, address, shape, element, encoding, layout })
    }

    pub(super) fn element(&mut self) -> Result<ElementType, ExecutableError> {
        let code = self.u32()?;
        ElementType::of_code(code).ok_or_else(|| self.malformed(format!("there is no element type {code}")))
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
