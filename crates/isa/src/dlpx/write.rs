//! Writes an executable to bytes.

use super::{ENTRY_BYTES, HEADER_BYTES, MAGIC, Section, VERSION};
use crate::{Executable, LayerInfo, Notes, Port, WORD_BYTES};

pub(super) fn to_bytes(executable: &Executable) -> Vec<u8> {
    let sections = sections(executable);
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
    put_u32(&mut file, VERSION);
    put_u32(&mut file, sections.len() as u32);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&file), &table);
    put_u32(&mut file, checksum);
    file.extend(table);
    for (_, payload) in sections {
        file.extend(payload);
    }
    file
}

/// Kinds and payloads, in order.
fn sections(executable: &Executable) -> Vec<(u32, Vec<u8>)> {
    let required = Section::REQUIRED.map(|section| (section.kind(), payload(executable, section)));
    let notes = Section::NOTES.into_iter().filter_map(|section| {
        let payload = note(&executable.notes, section);
        (!payload.is_empty()).then_some((section.kind(), payload))
    });
    let unknown = executable.notes.unknown.iter().map(|note| (note.kind, note.bytes.clone()));
    let mut sections: Vec<_> = required.into_iter().chain(notes).chain(unknown).collect();
    sections.sort_by_key(|(kind, _)| *kind);
    sections
}

/// A section of the notes; empty if there is nothing to say.
fn note(notes: &Notes, section: Section) -> Vec<u8> {
    let mut out = Vec::new();
    match section {
        Section::Labels if !notes.labels.is_empty() => {
            put_u32(&mut out, notes.labels.len() as u32);
            for label in &notes.labels {
                put_u32(&mut out, label.instruction);
                put_text(&mut out, &label.name);
            }
        }
        Section::Values if !notes.values.is_empty() => {
            put_u32(&mut out, notes.values.len() as u32);
            for value in &notes.values {
                put_text(&mut out, &value.name);
                put_u64(&mut out, value.address);
                put_u64(&mut out, value.bytes);
            }
        }
        Section::SelfTest => {
            if let Some(test) = &notes.self_test {
                put_u64(&mut out, test.seed);
                put_u32(&mut out, test.checksum);
            }
        }
        Section::Rest => {
            if let Some(rest) = &notes.rest {
                [rest.dlp_macs, rest.macs, rest.dlp_nodes, rest.nodes]
                    .iter()
                    .for_each(|count| put_u64(&mut out, *count));
                for texts in [&rest.outputs, &rest.reasons] {
                    put_u32(&mut out, texts.len() as u32);
                    texts.iter().for_each(|text| put_text(&mut out, text));
                }
            }
        }
        _ => {}
    }
    out
}

fn payload(executable: &Executable, section: Section) -> Vec<u8> {
    let mut out = Vec::new();
    match section {
        Section::Machine => {
            let machine = &executable.machine;
            put_text(&mut out, &machine.name);
            put_u32(&mut out, machine.rows);
            put_u32(&mut out, machine.columns);
            let sizes = [
                machine.nram_bytes,
                machine.wram_bytes,
                machine.aram_bytes,
                machine.pram_bytes,
                machine.dram_bytes,
            ];
            sizes.iter().for_each(|size| put_u64(&mut out, *size));
        }
        Section::Code => {
            out.reserve(8 + WORD_BYTES * executable.code.len());
            put_u64(&mut out, executable.code_base);
            executable.code.iter().for_each(|word| out.extend(word));
        }
        Section::Data => {
            put_u32(&mut out, executable.data.len() as u32);
            for block in &executable.data {
                put_u64(&mut out, block.address);
                put_u64(&mut out, block.bytes.len() as u64);
                out.extend(&block.bytes);
            }
        }
        Section::Ports => {
            put_u32(&mut out, executable.inputs.len() as u32);
            put_u32(&mut out, executable.outputs.len() as u32);
            executable.inputs.iter().chain(&executable.outputs).for_each(|port| put_port(&mut out, port));
        }
        Section::SourceMap => {
            for location in &executable.source_map {
                put_u32(&mut out, location.layer);
                put_u32(&mut out, location.line);
            }
        }
        _ => {
            put_u32(&mut out, executable.layers.len() as u32);
            executable.layers.iter().for_each(|layer| put_layer(&mut out, layer));
        }
    }
    out
}

fn put_port(out: &mut Vec<u8>, port: &Port) {
    put_text(out, &port.name);
    put_u64(out, port.address);
    put_sizes(out, &port.shape);
    put_u32(out, port.element.code());
    match &port.encoding {
        None => put_u32(out, 0),
        Some(encoding) => {
            put_u32(out, 1);
            put_u32(out, encoding.scale.to_bits());
            put_u32(out, encoding.zero as u32);
        }
    }
    put_sizes(out, &port.layout.permutation);
    put_sizes(out, &port.layout.shape);
}

fn put_layer(out: &mut Vec<u8>, layer: &LayerInfo) {
    put_text(out, &layer.name);
    put_text(out, &layer.op);
    put_sizes(out, &layer.shape);
    let work = [layer.macs, layer.matrix_macs, layer.vector_operations, layer.weight_bytes];
    work.iter().for_each(|count| put_u64(out, *count));
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len() as u32);
    out.extend(text.as_bytes());
}

fn put_sizes(out: &mut Vec<u8>, sizes: &[usize]) {
    put_u32(out, sizes.len() as u32);
    sizes.iter().for_each(|size| put_u64(out, *size as u64));
}

/// Writes the right checksums into a file whose header and section table can still be found.
///
/// With it, tests get a damaged file past the checksums to the checks behind them.
pub(crate) fn repair_checksums(file: &mut [u8]) {
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
