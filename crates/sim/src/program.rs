//! A core's program, decoded.

use std::ops::Range;

use ediacara_arch::Machine;
use ediacara_isa::{
    DecodeError, Executable, INSTRUCTIONS, Instruction, NO_LAYER, Notes, WORD_BYTES, Word, decode,
};

/// A program, decoded.
#[derive(Default)]
pub(crate) struct Program {
    /// Whether the core takes part in the run.
    pub(crate) takes_part: bool,
    pub(crate) code: Vec<Result<Instruction, DecodeError>>,
    pub(crate) base: u64,
    /// Layers, lines and labels: the executable without code and data.
    pub(crate) names: Executable,
}

impl Program {
    pub(crate) fn new(machine: &Machine, executable: &Executable) -> Self {
        Self {
            takes_part: true,
            code: executable.code.iter().map(|word| decoded(word, machine)).collect(),
            base: executable.code_base,
            names: Executable {
                source_map: executable.source_map.clone(),
                layers: executable.layers.clone(),
                notes: Notes { labels: executable.notes.labels.clone(), ..Notes::default() },
                ..Executable::default()
            },
        }
    }

    /// The bytes of the code.
    pub(crate) fn bytes(&self) -> Range<u64> {
        self.base..self.base + (self.code.len() * WORD_BYTES) as u64
    }

    pub(crate) fn mnemonic(&self, instruction: u32) -> &'static str {
        match self.code.get(instruction as usize) {
            Some(Ok(instruction)) => instruction.operation.mnemonic(),
            _ => "",
        }
    }

    /// The layer of an instruction; one past the last where it has none.
    pub(crate) fn layer(&self, instruction: u32) -> usize {
        let none = self.names.layers.len();
        match self.names.source_map.get(instruction as usize) {
            Some(location) if location.layer != NO_LAYER => (location.layer as usize).min(none),
            _ => none,
        }
    }
}

/// An instruction of the machine: one without floating point has no float instructions, whatever their operands are.
fn decoded(word: &Word, machine: &Machine) -> Result<Instruction, DecodeError> {
    let spec = INSTRUCTIONS.iter().find(|spec| spec.opcode == word[0]);
    match spec {
        Some(spec) if !spec.is_on(machine) => decode(word).map_err(|_| DecodeError::Opcode(word[0])),
        _ => decode(word),
    }
}
