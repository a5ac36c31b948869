//! Generators that the tests of this crate share.

use ediacara_isa::{
    ConfigRegister, Data, ElementType, Encoding, Executable, FieldSpec, HostRest, INSTRUCTIONS,
    InstructionSpec, Kind, Label, LayerInfo, Layout, MachineKey, Memory, NO_LAYER, NamedBytes, Notes, Port,
    SelfTest, SourceLocation, UnknownNote, WORD_BYTES, Word,
};
use proptest::{collection::vec, prelude::*};

/// Sets bits of a word the slow and obvious way.
fn set(word: &mut Word, lsb: u32, width: u32, value: u64) {
    for bit in 0..width {
        if value >> bit & 1 == 1 {
            word[((lsb + bit) / 8) as usize] |= 1 << ((lsb + bit) % 8);
        }
    }
}

/// A value that the field may have, from random bits.
fn field_value(field: &FieldSpec, random: u64) -> u64 {
    let most = if field.width >= 64 { u64::MAX } else { (1 << field.width) - 1 };
    // A quarter of the values are extreme.
    let random = match random % 8 {
        0 => u64::MAX,
        1 => 0,
        _ => random >> 3,
    };
    match field.kind {
        Kind::Count | Kind::Body => (random & most).max(1),
        Kind::Memory(allowed) => allowed[(random % allowed.len() as u64) as usize].code().unwrap(),
        Kind::Word(words) => random % words.len() as u64,
        Kind::Address(Memory::Dram) => random & (most >> 4),
        _ => random & most,
    }
}

fn config_writes(word: &mut Word, lsb: u32, random: &[u64]) {
    let count = (random[0] % 6) as usize;
    for place in 0..5 {
        let at = lsb + 40 * place as u32;
        if place >= count {
            set(word, at, 8, 0xff);
            continue;
        }
        let bits = random[place + 1];
        let register = ConfigRegister::ALL[(bits % ConfigRegister::COUNT as u64) as usize];
        let spec = register.spec();
        let value = match bits >> 8 & 3 {
            0 => spec.low,
            1 => spec.high,
            _ => spec.low + ((bits >> 10) as i64 % (spec.high - spec.low + 1)),
        };
        set(word, at, 8, register.id().into());
        set(word, at + 8, 32, u64::from(value as u32));
    }
}

fn word_of(spec: &InstructionSpec, random: &[u64]) -> Word {
    let mut word = [0; WORD_BYTES];
    word[0] = spec.opcode;
    if spec.may_wait {
        set(&mut word, 16, 16, random[6]);
    }
    if spec.may_post {
        set(&mut word, 32, 16, random[7]);
    }
    let to_pram = spec.mnemonic == "load" && field_value(&spec.fields[0], random[8]) == 2;
    for (index, field) in spec.fields.iter().enumerate() {
        match field.kind {
            Kind::ConfigWrites => config_writes(&mut word, field.lsb, random),
            _ => {
                let mut value = field_value(field, random[8 + index]);
                if to_pram && field.name == "length" {
                    value = (value / 12).max(1) * 12;
                }
                set(&mut word, field.lsb, field.width, value);
            }
        }
    }
    word
}

/// A word that decodes, of any instruction.
pub(crate) fn word() -> impl Strategy<Value = Word> {
    (0..INSTRUCTIONS.len(), vec(any::<u64>(), 20))
        .prop_map(|(row, random)| word_of(&INSTRUCTIONS[row], &random))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{1,8}", "\\PC{0,6}", Just("a\"b\\c\n\t\u{7f}\u{202e}".to_owned())]
}

fn port() -> impl Strategy<Value = Port> {
    let encoding = (any::<f32>(), -128i32..=127).prop_map(|(scale, zero)| {
        let scale = if scale.is_finite() && scale != 0.0 { scale.abs() } else { 0.1 };
        Encoding { scale, zero }
    });
    let encoding = proptest::option::of(encoding);
    let element = (0..ElementType::ALL.len()).prop_map(|index| ElementType::ALL[index]);
    let place = (name(), 0u64..1 << 30, vec(1usize..20, 1..5));
    (place, encoding, element, any::<[bool; 2]>()).prop_map(
        |((name, address, shape), encoding, element, [reversed, flat])| {
            // The port lies above everything else, so that nothing overlaps the code.
            let mut port = Port { encoding, ..Port::plain(name, address + (1 << 33), shape) };
            if encoding.is_none() {
                port.element = element;
            }
            if reversed {
                port.layout = Layout::permuted(&port.shape, (0..port.shape.len()).rev().collect());
            }
            if flat {
                port.layout.shape = vec![port.shape.iter().product()];
            }
            port
        },
    )
}

fn label_name() -> impl Strategy<Value = String> {
    prop_oneof![name(), "[a-z]{1,3}", Just("L3".to_owned()), Just("r1".to_owned()), Just("wait".to_owned())]
}

fn notes() -> impl Strategy<Value = Notes> {
    let values = vec((name(), 0u64..1 << 39, 1u64..1 << 20), 0..4);
    let test = proptest::option::of((any::<u64>(), any::<u32>()));
    let rest = proptest::option::of((any::<[u64; 4]>(), vec(name(), 0..3), vec(name(), 0..3)));
    let unknown = vec((1u32 << 31 | 100..1 << 31 | 1000, vec(any::<u8>(), 0..10)), 0..3);
    (values, test, rest, unknown).prop_map(|(values, test, rest, mut unknown)| {
        unknown.sort_by_key(|(kind, _)| *kind);
        unknown.dedup_by_key(|(kind, _)| *kind);
        let value = |(name, address, bytes)| NamedBytes { name, address, bytes };
        Notes {
            labels: Vec::new(),
            values: values.into_iter().map(value).collect(),
            self_test: test.map(|(seed, checksum)| SelfTest { seed, checksum }),
            rest: rest.map(|([dlp_macs, macs, dlp_nodes, nodes], outputs, reasons)| HostRest {
                dlp_macs,
                macs,
                dlp_nodes,
                nodes,
                outputs,
                reasons,
            }),
            unknown: unknown.into_iter().map(|(kind, bytes)| UnknownNote { kind, bytes }).collect(),
        }
    })
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    vec(port(), 0..3).prop_map(|mut ports| {
        let mut seen = std::collections::BTreeSet::new();
        ports.retain(|port| seen.insert(port.name.clone()));
        ports
    })
}

fn layer() -> impl Strategy<Value = LayerInfo> {
    (name(), name(), vec(0usize..1 << 40, 0..5), any::<[u64; 4]>()).prop_map(|(name, op, shape, counts)| {
        LayerInfo {
            name,
            op,
            shape,
            macs: counts[0],
            matrix_macs: counts[1],
            vector_operations: counts[2],
            weight_bytes: counts[3],
        }
    })
}

fn machine() -> impl Strategy<Value = MachineKey> {
    (name(), any::<[u32; 2]>(), any::<[u64; 5]>()).prop_map(|(name, array, sizes)| MachineKey {
        name,
        rows: array[0],
        columns: array[1],
        nram_bytes: sizes[0],
        wram_bytes: sizes[1],
        aram_bytes: sizes[2],
        pram_bytes: sizes[3],
        dram_bytes: sizes[4],
    })
}

fn data() -> impl Strategy<Value = Vec<Data>> {
    let bytes = prop_oneof![vec(any::<u8>(), 1..100), (1usize..200).prop_map(|count| vec![0; count])];
    vec((0u64..1000, bytes), 0..4).prop_map(|pieces| {
        let mut address = 1 << 32;
        pieces
            .into_iter()
            .map(|(gap, bytes)| {
                let block = Data { address: address + gap, bytes };
                address = block.address + block.bytes.len() as u64;
                block
            })
            .collect()
    })
}

/// An executable that may be written: valid words and bad ones, data, ports, layers.
pub(crate) fn executable() -> impl Strategy<Value = Executable> {
    let code = vec(prop_oneof![4 => word(), 1 => any::<Word>()], 0..20);
    let locations = vec((any::<u32>(), prop_oneof![Just(0u32), 1u32..100, any::<u32>()]), 20);
    let labels = vec((0usize..30, label_name()), 0..6);
    let program = (machine(), 0u64..1 << 20, code, locations, data());
    (program, ports(), ports(), vec(layer(), 0..4), notes(), labels).prop_map(
        |((machine, base, code, locations, data), inputs, outputs, layers, mut notes, mut labels)| {
            let location = |(layer, line): &(u32, u32)| SourceLocation {
                layer: if layer % 5 == 0 || layers.is_empty() {
                    NO_LAYER
                } else {
                    layer % layers.len() as u32
                },
                line: *line,
            };
            let source_map = locations[..code.len()].iter().map(location).collect();
            labels.sort_by_key(|(at, _)| *at);
            labels.retain(|(at, _)| *at <= code.len());
            let label = |(at, name)| Label { instruction: at as u32, name };
            notes.labels = labels.into_iter().map(label).collect();
            let code_base = base * 32;
            let bindings = Vec::new();
            Executable {
                machine,
                code_base,
                code,
                data,
                inputs,
                outputs,
                source_map,
                layers,
                notes,
                bindings,
            }
        },
    )
}
