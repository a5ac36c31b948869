//! Loads, moves and stores.

use ediacara_isa::{Address, ConfigRegister as C, Load, Memory, Move, Store};

use super::Builder;
use super::operands::{Layout, Proposal};

const LOAD_SOURCE: [C; 3] = [C::LoadSourceStride1, C::LoadSourceStride2, C::LoadSourceStride3];
const LOAD_DESTINATION: [C; 3] =
    [C::LoadDestinationStride1, C::LoadDestinationStride2, C::LoadDestinationStride3];
const STORE_SOURCE: [C; 3] = [C::StoreSourceStride1, C::StoreSourceStride2, C::StoreSourceStride3];
const STORE_DESTINATION: [C; 3] =
    [C::StoreDestinationStride1, C::StoreDestinationStride2, C::StoreDestinationStride3];

/// Rows from one memory to another.
struct Transfer {
    source: Address,
    destination: Address,
    length: u32,
    counts: [u16; 3],
    writes: Vec<(C, i64)>,
}

/// Where rows go from and to, and the registers of their strides.
struct Route {
    from: Memory,
    to: Memory,
    registers: [[C; 3]; 2],
}

impl Builder<'_> {
    pub(super) fn load(&mut self) -> Option<Proposal> {
        let memory =
            self.random.pick(&[Memory::Nram, Memory::Nram, Memory::Wram, Memory::Wram, Memory::Pram]);
        let route = Route { from: Memory::Dram, to: memory, registers: [LOAD_SOURCE, LOAD_DESTINATION] };
        let t = self.transfer(&route)?;
        let [count_1, count_2, count_3] = t.counts;
        let (source, destination, length) = (t.source, t.destination, t.length);
        let operation = Load { memory, source, destination, length, count_1, count_2, count_3 }.into();
        Some(Proposal { writes: t.writes, operation })
    }

    pub(super) fn move_rows(&mut self) -> Option<Proposal> {
        let route =
            Route { from: Memory::Nram, to: Memory::Wram, registers: [LOAD_SOURCE, LOAD_DESTINATION] };
        let t = self.transfer(&route)?;
        let [count_1, count_2, count_3] = t.counts;
        let (source, destination, length) = (t.source, t.destination, t.length);
        let memory = Memory::Wram;
        let operation = Move { memory, source, destination, length, count_1, count_2, count_3 }.into();
        Some(Proposal { writes: t.writes, operation })
    }

    pub(super) fn store(&mut self) -> Option<Proposal> {
        let route =
            Route { from: Memory::Nram, to: Memory::Dram, registers: [STORE_SOURCE, STORE_DESTINATION] };
        let t = self.transfer(&route)?;
        let [count_1, count_2, count_3] = t.counts;
        let (source, destination, length) = (t.source, t.destination, t.length);
        let operation = Store { source, destination, length, count_1, count_2, count_3 }.into();
        Some(Proposal { writes: t.writes, operation })
    }

    fn transfer(&mut self, route: &Route) -> Option<Transfer> {
        let unit = route.to.unit_bytes();
        let mut counts = self.counts();
        let most = self.size(route.from).min(self.size(route.to) * unit) / unit;
        let mut units =
            if route.to == Memory::Pram { self.random.small(1, most.min(20)) } else { self.length(most) };
        // Rows of one byte make a transposition.
        if route.from == Memory::Nram && route.to == Memory::Wram && self.random.chance(30) {
            units = 1;
            counts[0] = self.random.range(1, 40);
        }
        let reuses = self.random.chance(25);
        let (from, to) = match reuses {
            true => (
                self.reused(counts, units * unit, route.registers[0]),
                self.reused(counts, units, route.registers[1]),
            ),
            false => (
                self.layout(counts, units * unit, self.size(route.from))?,
                self.layout(counts, units, self.size(route.to))?,
            ),
        };
        let mut writes = Vec::new();
        if !reuses {
            writes.extend(from.writes(route.registers[0]));
            writes.extend(to.writes(route.registers[1]));
        }
        Some(Transfer {
            source: self.place(route.from, from.span)?,
            destination: self.destination(route.to, to.span)?,
            length: (units * unit) as u32,
            counts: counts.map(|count| count as u16),
            writes,
        })
    }

    /// A layout with the strides that the registers hold.
    fn reused(&self, counts: [u64; 3], length: u64, registers: [C; 3]) -> Layout<3> {
        let strides = registers.map(|register| self.c(register));
        let steps: u64 = counts.iter().zip(strides).map(|(count, stride)| (count - 1) * stride).sum();
        Layout { strides, span: steps + length }
    }

    /// As [`Self::place`], but in DRAM it stays away from the code: below or above it.
    fn destination(&mut self, space: Memory, span: u64) -> Option<Address> {
        if space != Memory::Dram {
            return self.place(space, span);
        }
        let (start, end) = self.s.model.code;
        let room = (self.size(space) - end).checked_sub(span)?;
        let mut target = end + self.random.range(0, room);
        if span <= start && self.random.chance(10) {
            target = self.random.range(0, start - span);
        } else if self.random.chance(15) {
            target = end + room;
        } else if self.random.chance(40) {
            target = self.target(space, span).filter(|target| *target >= end).unwrap_or(target);
        }
        self.note(space, target);
        Some(self.address(space, target))
    }
}
