//! Writes the image of a program.

use super::container::{file, put_bytes, put_list, put_sizes, put_text, put_u32, put_u64};
use super::{IMAGE_VERSION, Section};
use crate::{Executable, HostRest, LayerInfo, MachineKey, Notes, Port, SelfTest, WORD_BYTES};

pub(super) fn to_bytes(executable: &Executable) -> Vec<u8> {
    let required = Section::REQUIRED.map(|section| (section.kind(), payload(executable, section)));
    let notes = Section::NOTES.into_iter().filter_map(|section| {
        let payload = note(&executable.notes, section);
        (!payload.is_empty()).then_some((section.kind(), payload))
    });
    file(IMAGE_VERSION, required.into_iter().chain(notes).collect(), &executable.notes.unknown)
}

/// A section of the notes; empty if there is nothing to say.
fn note(notes: &Notes, section: Section) -> Vec<u8> {
    let mut out = Vec::new();
    match section {
        Section::Labels if !notes.labels.is_empty() => {
            put_list(&mut out, &notes.labels, |out, label| {
                put_u32(out, label.instruction);
                put_text(out, &label.name);
            });
        }
        Section::Values if !notes.values.is_empty() => {
            put_list(&mut out, &notes.values, |out, value| {
                put_text(out, &value.name);
                put_u64(out, value.address);
                put_u64(out, value.bytes);
            });
        }
        Section::SelfTest => {
            if let Some(test) = &notes.self_test {
                put_self_test(&mut out, test);
            }
        }
        Section::Rest => {
            if let Some(rest) = &notes.rest {
                put_rest(&mut out, rest);
            }
        }
        _ => {}
    }
    out
}

fn payload(executable: &Executable, section: Section) -> Vec<u8> {
    let mut out = Vec::new();
    match section {
        Section::Machine => put_machine(&mut out, &executable.machine),
        Section::Code => {
            out.reserve(8 + WORD_BYTES * executable.code.len());
            put_u64(&mut out, executable.code_base);
            executable.code.iter().for_each(|word| out.extend(word));
        }
        Section::Data => {
            put_list(&mut out, &executable.data, |out, block| {
                put_u64(out, block.address);
                put_bytes(out, &block.bytes);
            });
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
        _ => put_list(&mut out, &executable.layers, put_layer),
    }
    out
}

pub(super) fn put_machine(out: &mut Vec<u8>, machine: &MachineKey) {
    put_text(out, &machine.name);
    put_u32(out, machine.rows);
    put_u32(out, machine.columns);
    let sizes =
        [machine.nram_bytes, machine.wram_bytes, machine.aram_bytes, machine.pram_bytes, machine.dram_bytes];
    sizes.iter().for_each(|size| put_u64(out, *size));
}

pub(super) fn put_self_test(out: &mut Vec<u8>, test: &SelfTest) {
    put_u64(out, test.seed);
    put_u32(out, test.checksum);
}

pub(super) fn put_rest(out: &mut Vec<u8>, rest: &HostRest) {
    let counts = [rest.dlp_macs, rest.macs, rest.dlp_nodes, rest.nodes];
    counts.iter().for_each(|count| put_u64(out, *count));
    for texts in [&rest.outputs, &rest.reasons] {
        put_list(out, texts, |out, text| put_text(out, text));
    }
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
