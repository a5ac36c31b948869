//! What the hardware's memories hold after a run.

use std::collections::BTreeMap;

use ediacara_arch::{Machine, RECORD_BYTES};
use ediacara_isa::Memory;

use crate::protocol::{ON_CHIP, PAGE_BYTES};

/// The contents of DRAM and of every memory on chip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memories {
    on_chip: [Vec<u8>; 4],
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Memories {
    /// Everything that a memory on chip holds, in the layout of `Simulator::read_on_chip`.
    pub fn on_chip(&self, memory: Memory) -> &[u8] {
        ON_CHIP.iter().position(|known| *known == memory).map_or(&[], |index| &self.on_chip[index])
    }

    /// Bytes of DRAM; zeros where nothing was ever written.
    pub fn read_dram(&self, address: u64, length: usize) -> Vec<u8> {
        let page_bytes = PAGE_BYTES as u64;
        let byte = |address: u64| {
            let page = self.pages.get(&(address / page_bytes * page_bytes));
            page.map_or(0, |page| page[(address % page_bytes) as usize])
        };
        (address..address + length as u64).map(byte).collect()
    }

    /// Address and bytes of every page of DRAM that was ever written.
    pub fn dram_pages(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.iter().map(|(address, bytes)| (*address, bytes.as_slice()))
    }

    pub(crate) fn put_on_chip(&mut self, memory: Memory, bytes: Vec<u8>) {
        if let Some(index) = ON_CHIP.iter().position(|known| *known == memory) {
            self.on_chip[index] = bytes;
        }
    }

    pub(crate) fn put_page(&mut self, address: u64, bytes: Vec<u8>) {
        self.pages.insert(address, bytes);
    }
}

/// Removes rows of the hardware that the memory does not have, and bits of a record that nobody reads
/// (docs/isa.md, "Memories").
///
/// The top bit of a multiplier stays, since it is the sign of a float instruction's scale.
pub(crate) fn normalise(machine: &Machine, memory: Memory, bytes: &mut Vec<u8>) {
    let length = match memory {
        Memory::Dram => machine.dram.bytes,
        Memory::Nram => machine.core.nram_bytes,
        Memory::Wram => machine.core.wram_bytes,
        Memory::Aram => machine.aram_accumulators() * 4,
        Memory::Pram => machine.pram_records() * RECORD_BYTES,
    };
    bytes.truncate(length as usize);
    if memory == Memory::Pram {
        for record in bytes.chunks_mut(RECORD_BYTES as usize) {
            if let [_, _, _, _, _, _, _, _, shift, rest @ ..] = record {
                *shift &= 0x3f;
                rest.fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_lose_what_nobody_reads() {
        let mut machine = Machine::preset("dlp4").unwrap();
        machine.core.pram_bytes = 12;
        let mut bytes = vec![0xff; 24];
        normalise(&machine, Memory::Pram, &mut bytes);
        assert_eq!(bytes, [255, 255, 255, 255, 255, 255, 255, 255, 63, 0, 0, 0]);
    }

    #[test]
    fn dram_is_zero_where_no_page_is() {
        let mut memories = Memories::default();
        memories.put_page(1 << 16, vec![7; PAGE_BYTES]);
        assert_eq!(memories.read_dram((1 << 16) - 1, 3), [0, 7, 7]);
        assert_eq!(memories.read_dram((2 << 16) - 1, 2), [7, 0]);
    }
}
