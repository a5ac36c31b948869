//! What an executable says beside the program: names, marks and promises.
//!
//! Nothing that runs depends on the notes, so that a reader may skip those that it does not know. Each kind
//! is an optional section of the file (docs/dlpx.md).

use crate::{Executable, NO_LAYER};

/// The notes of an executable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Names of places in the code, by instruction.
    pub labels: Vec<Label>,
    /// Names of stretches of DRAM.
    pub values: Vec<NamedBytes>,
    /// What the program leaves for seeded inputs.
    pub self_test: Option<SelfTest>,
    /// The part of the network that is not in the program.
    pub rest: Option<HostRest>,
    /// Notes that this version does not know, as they were read.
    pub unknown: Vec<UnknownNote>,
}

/// A name of a place in the code: a label of the assembly, or the compiler's name for the work that begins
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Index of the instruction that it stands before; at most the number of instructions.
    pub instruction: u32,
    /// The name; any text.
    pub name: String,
}

/// A name of a stretch of DRAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBytes {
    /// The name; any text.
    pub name: String,
    /// The first byte.
    pub address: u64,
    /// How many bytes, at least one.
    pub bytes: u64,
}

/// What the program leaves in its outputs when its inputs are filled from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTest {
    /// The seed.
    pub seed: u64,
    /// CRC-32C of the stored bytes of all outputs, one behind the other in their order.
    pub checksum: u32,
}

impl SelfTest {
    /// The checksum of the stored bytes of all outputs, in their order.
    pub fn checksum_of<'a>(outputs: impl IntoIterator<Item = &'a [u8]>) -> u32 {
        outputs.into_iter().fold(0, crc32c::crc32c_append)
    }
}

/// The part of a network that the host has to do, since the program does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostRest {
    /// Multiply-accumulates of the program's layers.
    pub dlp_macs: u64,
    /// Multiply-accumulates of the network.
    pub macs: u64,
    /// Nodes of the network that the program does.
    pub dlp_nodes: u64,
    /// Nodes of the network that compute.
    pub nodes: u64,
    /// Outputs of the network that the program does not give.
    pub outputs: Vec<String>,
    /// Why the host has to do it, one cause each.
    pub reasons: Vec<String>,
}

/// A note of a kind that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownNote {
    /// The section's kind: its highest bit is set.
    pub kind: u32,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Where an instruction stands, in the words of whoever wrote the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Index of the instruction.
    pub instruction: usize,
    /// Line of the assembly source from 1, or 0 if it has none.
    pub line: u32,
    /// The last label before it, and how many instructions it is behind that label.
    pub label: Option<(String, usize)>,
    /// Number and name of its layer.
    pub layer: Option<(u32, String)>,
}

impl Place {
    /// Whether anything but the index is known.
    pub fn is_known(&self) -> bool {
        self.line != 0 || self.label.is_some() || self.layer.is_some()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "instruction {}", self.instruction)?;
        let line = (self.line != 0).then(|| format!("line {}", self.line));
        let label = self.label.as_ref().map(|(name, behind)| match behind {
            0 => format!("`{}`", name.escape_debug()),
            _ => format!("`{}` + {behind}", name.escape_debug()),
        });
        let layer = self.layer.as_ref().map(|(number, name)| match name.is_empty() {
            true => format!("layer {number}"),
            false => format!("layer {number} `{}`", name.escape_debug()),
        });
        let known: Vec<String> = [line, label, layer].into_iter().flatten().collect();
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
}

impl Executable {
    /// Where the instruction at an index stands.
    ///
    /// An index behind the code has a number and no more.
    pub fn place(&self, instruction: usize) -> Place {
        let location = self.source_map.get(instruction);
        let before = self.notes.labels.partition_point(|label| label.instruction as usize <= instruction);
        let label = before.checked_sub(1).map(|last| &self.notes.labels[last]);
        let label = label.filter(|_| location.is_some());
        let layer = location.map(|location| location.layer).filter(|&layer| layer != NO_LAYER);
        Place {
            instruction,
            line: location.map_or(0, |location| location.line),
            label: label.map(|label| (label.name.clone(), instruction - label.instruction as usize)),
            layer: layer.map(|layer| {
                (layer, self.layers.get(layer as usize).map_or_else(String::new, |info| info.name.clone()))
            }),
        }
    }

    /// What a byte of DRAM belongs to: the shortest named stretch that holds it, and the byte's index there.
    pub fn named_byte(&self, address: u64) -> Option<(&str, u64)> {
        let stretches =
            self.notes.values.iter().map(|value| (value.name.as_str(), value.address, value.bytes));
        let ports = self.inputs.iter().chain(&self.outputs);
        let ports = ports.map(|port| (port.name.as_str(), port.address, port.len() as u64));
        let holds = |&(_, start, bytes): &(&str, u64, u64)| start <= address && address - start < bytes;
        let (name, start, _) = stretches.chain(ports).filter(holds).min_by_key(|&(_, _, bytes)| bytes)?;
        Some((name, address - start))
    }
}

#[cfg(test)]
mod tests {
    use crate::assemble;

    #[test]
    fn a_place_names_line_label_and_layer() {
        let text = ".layer conv\nstart: config matrix.x_zero=1\n\n  halt\n  .within none\n halt\n";
        let executable = assemble(text, "x.dlpasm").unwrap();
        assert_eq!(executable.place(0).to_string(), "instruction 0 (line 2, `start`, layer 0 `conv`)");
        assert_eq!(executable.place(1).to_string(), "instruction 1 (line 4, `start` + 1, layer 0 `conv`)");
        assert_eq!(executable.place(2).to_string(), "instruction 2 (line 6, `start` + 2)");
        assert_eq!(executable.place(3).to_string(), "instruction 3");
    }

    #[test]
    fn a_byte_belongs_to_the_shortest_stretch_that_holds_it() {
        let text = "halt\n.input image, 0x1000, [4, 4]\n.value all, 0x1000, 64\n";
        let executable = assemble(text, "x.dlpasm").unwrap();
        assert_eq!(executable.named_byte(0x100f), Some(("image", 15)));
        assert_eq!(executable.named_byte(0x1010), Some(("all", 16)));
        assert_eq!(executable.named_byte(0x1040), None);
    }
}
