//! Sizes, strides and addresses: where boundaries, overlaps and registers come from.

use ediacara_isa::{Address, ConfigRegister as C, Memory};

use super::Builder;
use crate::model::WORD;

/// An instruction to be, with the configuration that it wants.
pub(crate) struct Proposal {
    pub(crate) writes: Vec<(C, i64)>,
    pub(crate) operation: ediacara_isa::Operation,
}

/// Strides of an operand's dimensions, the inner first, and the elements from its first to its last.
pub(crate) struct Layout<const N: usize> {
    pub(crate) strides: [u64; N],
    pub(crate) span: u64,
}

impl<const N: usize> Layout<N> {
    /// The strides as writes of these registers.
    pub(crate) fn writes(&self, registers: [C; N]) -> Vec<(C, i64)> {
        registers.into_iter().zip(self.strides.map(|stride| stride as i64)).collect()
    }
}

impl Builder<'_> {
    /// Strides of `counts` rows of `length` that fit into `size` elements.
    pub(super) fn layout<const N: usize>(
        &mut self,
        counts: [u64; N],
        length: u64,
        size: u64,
    ) -> Option<Layout<N>> {
        for _ in 0..6 {
            let mut strides = [0; N];
            let mut extent = length;
            for (stride, count) in strides.iter_mut().zip(counts) {
                *stride = self.stride(extent);
                extent += (count - 1) * *stride;
            }
            if extent <= size {
                return Some(Layout { strides, span: extent });
            }
        }
        None
    }

    /// A stride over something of this extent: nothing, overlapping, adjacent, apart.
    fn stride(&mut self, extent: u64) -> u64 {
        let burst = u64::from(self.machine.dram.burst_bytes);
        match self.random.range(0, 99) {
            0..=9 => 0,
            10..=54 => extent,
            55..=74 => extent + self.random.small(1, 9),
            75..=84 => self.random.range(0, extent),
            85..=92 => extent.next_multiple_of(burst),
            _ => extent * 2,
        }
    }

    /// Bytes or elements of a row, at most `most`: one, few, around a burst or a chunk, many.
    pub(super) fn length(&mut self, most: u64) -> u64 {
        let burst = u64::from(self.machine.dram.burst_bytes);
        let lanes = u64::from(self.machine.vector.lanes);
        let length = match self.random.range(0, 99) {
            0..=9 => 1,
            10..=39 => self.random.small(1, 12),
            40..=54 => burst * self.random.small(1, 3) + self.random.range(0, 2) - 1,
            55..=69 => lanes * self.random.small(1, 4) + self.random.range(0, 2) - 1,
            70..=82 => self.random.small(1, 100),
            83..=92 => self.random.range(1, 140),
            93..=97 => self.random.small(1, 400),
            _ => most,
        };
        length.clamp(1, most.max(1))
    }

    /// Rows in three dimensions.
    pub(super) fn counts(&mut self) -> [u64; 3] {
        match self.random.range(0, 9) {
            0..=3 => [1, 1, 1],
            4..=5 => [self.random.small(1, 12), 1, 1],
            _ => [0; 3].map(|_| self.random.small(1, 4)),
        }
    }

    /// Where `span` elements go: an end of the memory, a place that was used before, or anywhere.
    pub(super) fn target(&mut self, space: Memory, span: u64) -> Option<u64> {
        let size = self.size(space);
        let room = size.checked_sub(span)?;
        let recent = &self.recent[space as usize];
        let target = match self.random.range(0, 99) {
            0..=5 => 0,
            6..=17 => room,
            18..=52 if !recent.is_empty() => {
                let at = recent[self.random.range(0, recent.len() as u64 - 1) as usize];
                if self.random.chance(20) { at + self.random.range(0, 3) } else { at }
            }
            _ => self.random.range(0, room),
        };
        Some(target.min(room))
    }

    /// Remembers where something is.
    pub(super) fn note(&mut self, space: Memory, target: u64) {
        let recent = &mut self.recent[space as usize];
        if recent.len() >= 6 {
            recent.remove(0);
        }
        recent.push(target);
    }

    /// An address of `span` elements.
    pub(super) fn place(&mut self, space: Memory, span: u64) -> Option<Address> {
        let target = self.target(space, span)?;
        self.note(space, target);
        Some(self.address(space, target))
    }

    /// An address as an immediate, or relative to a register, where the sum may wrap around 2^40.
    pub(super) fn address(&mut self, space: Memory, target: u64) -> Address {
        if !self.random.chance(35) {
            return Address::new(target);
        }
        let register = self.random.range(1, 15) as u8;
        let value = self.s.model.read(register);
        let offset = target.wrapping_sub(value) % WORD;
        let width = match space {
            Memory::Dram => 40,
            Memory::Pram => 16,
            _ => 24,
        };
        if offset >> width == 0 { Address::relative(register, offset) } else { Address::new(target) }
    }

    /// Elements of a memory.
    pub(super) fn size(&self, space: Memory) -> u64 {
        match space {
            Memory::Dram => self.machine.dram.bytes,
            Memory::Nram => self.machine.core.nram_bytes,
            Memory::Wram => self.machine.core.wram_bytes,
            Memory::Aram => self.machine.aram_accumulators(),
            Memory::Pram => self.machine.pram_records(),
        }
    }

    /// A zero point, more often an end of the range than other values.
    pub(super) fn zero(&mut self) -> i64 {
        match self.random.range(0, 9) {
            0..=2 => 0,
            3 => -128,
            4 => 127,
            _ => self.random.range(0, 255) as i64 - 128,
        }
    }

    pub(super) fn c(&self, register: C) -> u64 {
        self.s.model.scalar.config[register.index()] as u64
    }
}
