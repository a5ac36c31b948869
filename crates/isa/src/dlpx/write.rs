//! Executable to bytes.

use super::{ENTRY_BYTES, HEADER_BYTES, MAGIC, Section, VERSION};
use crate::{Executable, LayerInfo, Port, WORD_BYTES};

pub(super) fn to_bytes(executable: &Executable) -> Vec<u8> {
    let sections = Section::ALL.map(|section| (section, payload(executable, section)));
    let mut table = Vec::with_capacity(ENTRY_BYTES * sections.len());
    let mut offset = HEADER_BYTES + ENTRY_BYTES * sections.len();
    for (section, payload) in &sections {
        put_u32(&mut table, *section as u32);
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
            put_u32(&mut out, executable.segments.len() as u32);
            for segment in &executable.segments {
                put_u64(&mut out, segment.address);
                put_u64(&mut out, segment.bytes.len() as u64);
                out.extend(&segment.bytes);
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
        Section::Layers => {
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
    put_text(out, &port.dtype);
    match &port.real {
        None => put_u32(out, 0),
        Some(real) => {
            put_u32(out, 1);
            put_u32(out, real.scale.to_bits());
            put_u32(out, real.zero as u32);
            put_sizes(out, &real.permutation);
        }
    }
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

/// Gives a file whose header and section table can still be found the checksums of its bytes. For tests: a
/// damaged file so treated gets past the checksums to the checks behind them.
pub(crate) fn repair_checksums(file: &mut [u8]) {
    let table_end = HEADER_BYTES + ENTRY_BYTES * Section::ALL.len();
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
