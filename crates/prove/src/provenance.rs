//! Whether what is read is what was meant: every address that a layer reads lies in a value that is declared as read by it,
//! and was written last by one of the value's declared writers.
//!
//! Where values overlap, all that the layer reads there must agree: so a value that lies on another is found, though each
//! by itself is read by its reader and written by its writer.

use std::collections::HashSet;

use ediacara_isa::{Executable, NO_LAYER, Party, Space, Value};
use serde::Serialize;

use crate::access::Place;

/// What was compared with the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Provenance {
    /// Values that are declared.
    pub values: u64,
    /// Runs of consecutive addresses with one writer that somebody read.
    pub reads: u64,
    /// Bytes of them, by memory; what is read again counts again.
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
    /// Of all memories.
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

    /// The value that alone holds all of `start .. end`.
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

/// What is wrong with a read, with the addresses that are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// They lie in this value, which the writer does not write.
    Writer { value: usize, start: u64, end: u64 },
    /// They lie in no value that the reader reads.
    Undeclared { start: u64, end: u64 },
}

/// A declaration, and what was found to agree with it.
pub(crate) struct Declaration<'a> {
    executable: &'a Executable,
    values: &'a [Value],
    /// By layer and memory; the host's are last.
    tables: Vec<[Table; Place::COUNT]>,
    compared: Provenance,
    /// What was found wanting: reader and value, or reader alone.
    reported: HashSet<(usize, Option<usize>)>,
    near: Vec<usize>,
}

impl<'a> Declaration<'a> {
    pub(crate) fn new(executable: &'a Executable, values: &'a [Value]) -> Declaration<'a> {
        let host = executable.layers.len();
        let mut tables: Vec<[Table; Place::COUNT]> = vec![Default::default(); host + 1];
        for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.extent.is_empty()) {
            let Some(place) = place(value.space) else { continue };
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
        Declaration { executable, values, tables, compared, reported: HashSet::new(), near: Vec::new() }
    }

    pub(crate) fn compared(&self) -> Provenance {
        self.compared
    }

    /// The party that an instruction belongs to.
    pub(crate) fn party(executable: &Executable, index: u64) -> Party {
        let location = usize::try_from(index).ok().and_then(|index| executable.source_map.get(index));
        Party::Layer(location.map_or(NO_LAYER, |location| location.layer))
    }

    /// What is wrong with `reader` reading `start .. end` as `writer` left it, if that is new.
    pub(crate) fn read(
        &mut self,
        reader: Party,
        place: Place,
        (start, end): (u64, u64),
        writer: Party,
    ) -> Option<String> {
        let table = match reader {
            Party::Layer(layer) => (layer as usize).min(self.executable.layers.len()),
            Party::Host | Party::Executable => self.executable.layers.len(),
        };
        self.compared.reads += 1;
        self.compared.bytes.add(place, end - start);
        let fault = self.fault(table, place, (start, end), writer)?;
        let value = match fault {
            Fault::Writer { value, .. } => Some(value),
            Fault::Undeclared { .. } => None,
        };
        self.reported.insert((table, value)).then(|| self.tell(reader, place, fault, writer))
    }

    fn fault(
        &mut self,
        table: usize,
        place: Place,
        (start, end): (u64, u64),
        writer: Party,
    ) -> Option<Fault> {
        let table = &self.tables[table][place as usize];
        if let Some(value) = table.alone(start, end)
            && self.values[value].writers.contains(&writer)
        {
            return None;
        }
        table.near(start, end, &mut self.near);
        for &value in &self.near {
            let Value { extent, writers, .. } = &self.values[value];
            if !writers.contains(&writer)
                && let Some((at, to)) = extent.next(start).filter(|(at, _)| *at < end)
            {
                return Some(Fault::Writer { value, start: at, end: to.min(end) });
            }
        }
        let mut at = start;
        while at < end {
            let next = self.near.iter().filter_map(|&value| self.values[value].extent.next(at));
            match next.clone().find(|(from, _)| *from == at) {
                Some((_, to)) => at = to,
                None => {
                    let next = next.map(|(from, _)| from).min();
                    return Some(Fault::Undeclared {
                        start: at,
                        end: next.map_or(end, |next| next.min(end)),
                    });
                }
            }
        }
        None
    }

    fn tell(&self, reader: Party, place: Place, fault: Fault, writer: Party) -> String {
        let unit = place.unit();
        let (reader, writer) = (self.name(reader), self.name(writer));
        match fault {
            Fault::Writer { value, start, end } => {
                let Value { name, extent, writers, .. } = &self.values[value];
                let declared: Vec<_> = writers.iter().map(|&party| self.name(party)).collect();
                format!(
                    "{reader} reads {name} at {unit}s {start:#x} to {:#x} as {writer} left them, but {} alone writes it; \
                     {name} lies at {unit}s {:#x} to {:#x}",
                    end - 1,
                    declared.join(" or "),
                    extent.start(),
                    extent.end() - 1
                )
            }
            Fault::Undeclared { start, end } => format!(
                "{reader} reads {unit}s {start:#x} to {:#x}, which {writer} wrote, and no value that it is declared to read lies there",
                end - 1
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

/// The memory of a space; nothing for one that an instruction chooses.
pub(crate) fn place(space: Space) -> Option<Place> {
    Some(match space {
        Space::Dram => Place::Dram,
        Space::Nram => Place::Nram,
        Space::Wram => Place::Wram,
        Space::Aram => Place::Aram,
        Space::Pram => Place::Pram,
        Space::Selected => return None,
    })
}
