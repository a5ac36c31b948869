//! Whether whoever reads finds what was meant.
//!
//! Every address that a layer reads must lie in a value that is declared as read by it, and one of the
//! value's declared writers must have written it last.
//!
//! Where values overlap, all that the layer reads there must agree. So a value that lies on another is found,
//! though each by itself is read by its reader and written by its writer.

use ediacara_isa::{Executable, Memory, NO_LAYER, Party, Value};
use serde::Serialize;

use crate::finding::Other;
use crate::place::Place;

/// What was compared with the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Provenance {
    /// Values that are declared.
    pub values: u64,
    /// Runs of consecutive addresses, each written by one party, that somebody read.
    pub reads: u64,
    /// Bytes of these runs, by memory; bytes that are read again count again.
    pub bytes: ReadBytes,
}

/// Bytes by the memory that they were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ReadBytes {
    /// DRAM; outputs, which the host reads, included.
    pub dram: u64,
    /// Activations on chip.
    pub nram: u64,
    /// Weights.
    pub wram: u64,
    /// Accumulators, of four bytes.
    pub aram: u64,
    /// Requantise records, of twelve bytes.
    pub pram: u64,
}

impl ReadBytes {
    /// Bytes of all memories.
    pub fn total(&self) -> u64 {
        self.dram + self.nram + self.wram + self.aram + self.pram
    }

    fn add(&mut self, place: Place, units: u64) {
        match place {
            Place::Dram => self.dram += units,
            Place::Nram => self.nram += units,
            Place::Wram => self.wram += units,
            Place::Aram => self.aram += 4 * units,
            Place::Pram => self.pram += 12 * units,
        }
    }
}

/// The values that one party reads in one memory.
#[derive(Debug, Clone, Default)]
struct Table {
    /// First address, one past the last, index of the value; by the first.
    entries: Vec<(u64, u64, usize)>,
    /// The largest end of an entry and all before it.
    reach: Vec<u64>,
    /// Entries without gaps that meet no other, by their first addresses: most reads are of these.
    alone: Vec<(u64, u64, usize)>,
}

impl Table {
    /// Sorts the entries and finds which are alone.
    fn finish(&mut self, values: &[Value]) {
        self.entries.sort_unstable();
        self.entries.dedup();
        let is_run = |Value { extent, .. }: &Value| extent.len() == extent.end() - extent.start();
        let mut end = 0;
        for (index, entry) in self.entries.iter().enumerate() {
            let next = self.entries.get(index + 1).map_or(u64::MAX, |next| next.0);
            if is_run(&values[entry.2]) && end <= entry.0 && entry.1 <= next {
                self.alone.push(*entry);
            }
            end = end.max(entry.1);
            self.reach.push(end);
        }
    }

    /// The value that holds all of `start .. end`, and is the only one there.
    fn alone(&self, start: u64, end: u64) -> Option<usize> {
        let before = self.alone.partition_point(|entry| entry.0 <= start).checked_sub(1)?;
        Some(self.alone[before]).filter(|entry| end <= entry.1).map(|entry| entry.2)
    }

    /// Puts the values that may meet `start .. end` into `found`.
    fn near(&self, start: u64, end: u64, found: &mut Vec<usize>) {
        found.clear();
        let past = self.entries.partition_point(|entry| entry.0 < end);
        for (&(_, stop, value), &reach) in self.entries[..past].iter().zip(&self.reach).rev() {
            if reach <= start {
                break;
            }
            if stop > start {
                found.push(value);
            }
        }
    }
}

/// Addresses that somebody read and was not meant to find as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stray {
    /// The first address, and one past the last.
    pub(crate) addresses: (u64, u64),
    /// The value that they are a part of and that their writer does not write; nothing if the reader reads no
    /// value there.
    pub(crate) value: Option<usize>,
    /// The party whose instruction wrote them last.
    pub(crate) writer: Party,
    /// The run of consecutive addresses that the reader read.
    pub(crate) run: (u64, u64),
}

/// A declaration, and what was compared with it.
pub(crate) struct Declaration<'a> {
    executable: &'a Executable,
    values: &'a [Value],
    /// By layer and memory; the host's are last.
    tables: Vec<[Table; Place::COUNT]>,
    compared: Provenance,
    near: Vec<usize>,
}

impl<'a> Declaration<'a> {
    pub(crate) fn new(executable: &'a Executable, values: &'a [Value]) -> Declaration<'a> {
        let host = executable.layers.len();
        let mut tables: Vec<[Table; Place::COUNT]> = vec![Default::default(); host + 1];
        for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.extent.is_empty()) {
            let place = place(value.memory);
            for reader in &value.readers {
                let reader = match *reader {
                    Party::Layer(layer) => layer as usize,
                    Party::Host => host,
                    Party::Executable => continue,
                };
                if let Some(tables) = tables.get_mut(reader) {
                    let entry = (value.extent.start(), value.extent.end(), index);
                    tables[place as usize].entries.push(entry);
                }
            }
        }
        tables.iter_mut().flatten().for_each(|table| table.finish(values));
        let compared = Provenance { values: values.len() as u64, ..Provenance::default() };
        Declaration { executable, values, tables, compared, near: Vec::new() }
    }

    pub(crate) fn compared(&self) -> Provenance {
        self.compared
    }

    /// The party that an instruction belongs to.
    pub(crate) fn party(executable: &Executable, index: u64) -> Party {
        let location = usize::try_from(index).ok().and_then(|index| executable.source_map.get(index));
        Party::Layer(location.map_or(NO_LAYER, |location| location.layer))
    }

    /// Begins a read by `reader` of addresses between `start` and `end`.
    pub(crate) fn reading(
        &mut self,
        reader: Party,
        place: Place,
        (start, end): (u64, u64),
    ) -> Reading<'_, 'a> {
        let host = self.executable.layers.len();
        let table = match reader {
            Party::Layer(layer) => (layer as usize).min(host),
            Party::Host | Party::Executable => host,
        };
        let values = self.values;
        let only = self.tables[table][place as usize].alone(start, end);
        let only = only.map_or(&[][..], |value| &values[value].writers);
        Reading { declaration: self, table, place, only, reads: 0, units: 0, strays: Vec::new() }
    }

    /// Calls `found` with what is wrong with `start .. end` as `writer` left it for the owner of a table.
    ///
    /// First come the first addresses of each value that is not the writer's, then the first that are in no
    /// value.
    fn look(
        &mut self,
        (table, place): (usize, Place),
        (start, end): (u64, u64),
        writer: Party,
        mut found: impl FnMut((u64, u64), Option<usize>),
    ) {
        let table = &self.tables[table][place as usize];
        if let Some(value) = table.alone(start, end)
            && self.values[value].writers.contains(&writer)
        {
            return;
        }
        table.near(start, end, &mut self.near);
        for &value in self.near.iter().rev() {
            let Value { extent, writers, .. } = &self.values[value];
            if !writers.contains(&writer)
                && let Some((at, to)) = extent.next(start).filter(|(at, _)| *at < end)
            {
                found((at, to.min(end)), Some(value));
            }
        }
        let mut at = start;
        while at < end {
            let next = self.near.iter().filter_map(|&value| self.values[value].extent.next(at));
            match next.clone().find(|(from, _)| *from == at) {
                Some((_, to)) => at = to,
                None => {
                    let next = next.map(|(from, _)| from).min();
                    found((at, next.map_or(end, |next| next.min(end))), None);
                    return;
                }
            }
        }
    }

    /// Says what is wrong, for people; `by` is the instruction that wrote the addresses.
    pub(crate) fn tell(&self, reader: Party, place: Place, stray: &Stray, by: Option<&Other>) -> String {
        let unit = place.unit();
        let (reader, writer) = (self.name(reader), self.name(stray.writer));
        let by = by.map_or_else(String::new, |by| format!(" in {by}"));
        let (start, last) = (stray.addresses.0, stray.addresses.1 - 1);
        match stray.value {
            Some(value) => {
                let Value { name, extent, writers, .. } = &self.values[value];
                let declared: Vec<_> = writers.iter().map(|&party| self.name(party)).collect();
                format!(
                    "{reader} reads {name} at {unit}s {start:#x} to {last:#x} as {writer} left them{by}, but {} alone writes it; \
                     {name} lies at {unit}s {:#x} to {:#x}",
                    declared.join(" or "),
                    extent.start(),
                    extent.end() - 1
                )
            }
            None => format!(
                "{reader} reads {unit}s {start:#x} to {last:#x}, which {writer} wrote{by}, and no value that it is declared to read lies there"
            ),
        }
    }

    fn name(&self, party: Party) -> String {
        match party {
            Party::Executable => "the executable".to_owned(),
            Party::Host => "the host".to_owned(),
            Party::Layer(index) => match self.executable.layers.get(index as usize) {
                Some(layer) => format!("layer {index} `{}`", layer.name),
                None => "an instruction of no layer".to_owned(),
            },
        }
    }
}

/// One party's read of one memory.
pub(crate) struct Reading<'d, 'a> {
    declaration: &'d mut Declaration<'a>,
    table: usize,
    place: Place,
    /// The writers of the value, where all that is read lies in one value and in no other.
    only: &'a [Party],
    reads: u64,
    units: u64,
    strays: Vec<Stray>,
}

impl Reading<'_, '_> {
    /// Takes note that `writer` left `addresses`, a part of `run`.
    pub(crate) fn found(&mut self, run: (u64, u64), addresses: (u64, u64), writer: Party) {
        self.reads += 1;
        self.units += addresses.1 - addresses.0;
        if self.only.contains(&writer) {
            return;
        }
        let strays = &mut self.strays;
        self.declaration.look((self.table, self.place), addresses, writer, |addresses, value| {
            if strays.iter().all(|stray| (stray.value, stray.writer) != (value, writer)) {
                strays.push(Stray { addresses, value, writer, run });
            }
        });
    }

    /// What was read and not meant: of each value, the first addresses that each party wrote.
    pub(crate) fn strays(self) -> Vec<Stray> {
        let compared = &mut self.declaration.compared;
        compared.reads += self.reads;
        compared.bytes.add(self.place, self.units);
        self.strays
    }
}

/// The place of a value's memory.
pub(crate) fn place(memory: Memory) -> Place {
    match memory {
        Memory::Dram => Place::Dram,
        Memory::Nram => Place::Nram,
        Memory::Wram => Place::Wram,
        Memory::Aram => Place::Aram,
        Memory::Pram => Place::Pram,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ediacara_isa::Extent;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The result is compared with the definition, address by address.
        #[test]
        fn a_read_strays_where_an_address_is_not_its_writers_or_in_no_value(
            values in proptest::collection::vec((0u64..30, 1u64..4, 4u64..9, 1u64..9, 0u32..2), 0..4),
            parts in proptest::collection::vec((0u64..3, 1u64..9, 0u32..2), 1..5),
        ) {
            let values: Vec<Value> = values.into_iter().map(|(start, count, stride, length, writer)| Value {
                name: String::new(),
                memory: Memory::Nram,
                extent: Extent::strided(start, &[(count, stride), (length, 1)]),
                writers: vec![Party::Layer(writer)],
                readers: vec![Party::Host],
            }).collect();
            let executable = Executable::default();
            let mut declaration = Declaration::new(&executable, &values);
            let end = parts.iter().map(|(gap, length, _)| gap + length).sum();
            let mut reading = declaration.reading(Party::Host, Place::Nram, (0, end));
            let (mut at, mut expected, mut units) = (0, BTreeSet::new(), 0);
            for &(gap, length, writer) in &parts {
                let (start, writer) = (at + gap, Party::Layer(writer));
                at = start + length;
                reading.found((0, end), (start, at), writer);
                units += length;
                for address in start..at {
                    let holds = |value: &Value| value.extent.next(address).is_some_and(|next| next.0 == address);
                    let holders = || values.iter().enumerate().filter(|(_, value)| holds(value));
                    expected.extend(
                        holders().filter(|(_, value)| value.writers != [writer]).map(|(index, _)| (Some(index), writer)),
                    );
                    if holders().next().is_none() {
                        expected.insert((None, writer));
                    }
                }
            }
            let strays = reading.strays();
            let found: BTreeSet<_> = strays.iter().map(|stray| (stray.value, stray.writer)).collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(strays.iter().filter(|stray| stray.addresses.0 >= stray.addresses.1).count(), 0);
            let compared = declaration.compared();
            prop_assert_eq!((compared.reads, compared.bytes.nram), (parts.len() as u64, units));
        }
    }
}
