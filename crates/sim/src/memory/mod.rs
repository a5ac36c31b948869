//! What every memory holds.

mod paged;

pub(crate) use paged::Paged;

use ediacara_arch::{Machine, RECORD_BYTES};
use ediacara_isa::Memory;

/// A record, of which requantisation reads 31 bits of multiplier and 6 bits of shift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) bias: i32,
    /// The multiplier, or the bits of a float instruction's scale.
    factor: i32,
    pub(crate) shift: u8,
}

impl Record {
    fn from_bytes(bytes: &[i8; RECORD_BYTES as usize]) -> Self {
        let word = |at: usize| {
            i32::from_le_bytes([
                bytes[at] as u8,
                bytes[at + 1] as u8,
                bytes[at + 2] as u8,
                bytes[at + 3] as u8,
            ])
        };
        Self { bias: word(0), factor: word(4), shift: bytes[8] as u8 & 63 }
    }

    /// What requantisation multiplies by.
    pub(crate) fn multiplier(self) -> i32 {
        self.factor & i32::MAX
    }

    /// What a float instruction multiplies by.
    pub(crate) fn scale(self) -> f32 {
        f32::from_bits(self.factor as u32)
    }

    /// The bias of a float instruction whose operand is real.
    pub(crate) fn float_bias(self) -> f32 {
        f32::from_bits(self.bias as u32)
    }

    fn to_bytes(self) -> [u8; RECORD_BYTES as usize] {
        let mut bytes = [0; RECORD_BYTES as usize];
        bytes[..4].copy_from_slice(&self.bias.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.factor.to_le_bytes());
        bytes[8] = self.shift;
        bytes
    }
}

/// What cores share, all zero at first.
pub(crate) struct ClusterMemories {
    pub(crate) dram: Paged<i8>,
}

/// The contents of a core's own memories, all zero at first.
pub(crate) struct Memories {
    pub(crate) nram: Vec<i8>,
    pub(crate) wram: Vec<i8>,
    pub(crate) aram: Vec<i32>,
    pub(crate) pram: Vec<Record>,
    pub(crate) table: [i8; 256],
}

impl ClusterMemories {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self { dram: Paged::new(machine.dram.bytes) }
    }
}

impl Memories {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            nram: vec![0; machine.core.nram_bytes as usize],
            wram: vec![0; machine.core.wram_bytes as usize],
            aram: vec![0; machine.aram_accumulators() as usize],
            pram: vec![Record::default(); machine.pram_records() as usize],
            table: [0; 256],
        }
    }

    /// Bytes of a memory on chip; 0 for DRAM.
    pub(crate) fn on_chip_bytes(&self, memory: Memory) -> u64 {
        let bytes = match memory {
            Memory::Dram => 0,
            Memory::Nram => self.nram.len(),
            Memory::Wram => self.wram.len(),
            Memory::Aram => self.aram.len() * 4,
            Memory::Pram => self.pram.len() * RECORD_BYTES as usize,
        };
        bytes as u64
    }

    /// Overwrites bytes of a memory of the core, which DRAM is not.
    ///
    /// The range must lie inside, and cover whole accumulators or records.
    pub(crate) fn write(&mut self, memory: Memory, address: u64, bytes: &[i8]) {
        let at = address as usize;
        match memory {
            Memory::Dram => {}
            Memory::Nram => self.nram[at..at + bytes.len()].copy_from_slice(bytes),
            Memory::Wram => self.wram[at..at + bytes.len()].copy_from_slice(bytes),
            Memory::Aram => {
                for (accumulator, bytes) in self.aram[at / 4..].iter_mut().zip(bytes.as_chunks().0) {
                    *accumulator = i32::from_le_bytes(bytes.map(|byte: i8| byte as u8));
                }
            }
            Memory::Pram => {
                let records = &mut self.pram[at / RECORD_BYTES as usize..];
                for (record, bytes) in records.iter_mut().zip(bytes.as_chunks().0) {
                    *record = Record::from_bytes(bytes);
                }
            }
        }
    }

    /// Everything that a memory on chip holds, as bytes; nothing for DRAM.
    pub(crate) fn read_on_chip(&self, memory: Memory) -> Vec<u8> {
        match memory {
            Memory::Dram => Vec::new(),
            Memory::Nram => self.nram.iter().map(|&byte| byte as u8).collect(),
            Memory::Wram => self.wram.iter().map(|&byte| byte as u8).collect(),
            Memory::Aram => self.aram.iter().flat_map(|accumulator| accumulator.to_le_bytes()).collect(),
            Memory::Pram => self.pram.iter().flat_map(|record| record.to_bytes()).collect(),
        }
    }
}
