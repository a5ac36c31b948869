//! What is known of every byte of a memory: the last writer, and the readers since then.

use std::collections::BTreeMap;

use ediacara_isa::Party;

use crate::order::{Clock, ENGINES, Number};

/// Who wrote an address last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The executable or the host, before the program began.
    Outside,
    /// An instruction: its engine, and its number among that engine's.
    Engine(usize, Number),
}

/// Addresses with one history.
#[derive(Debug, Clone, Copy)]
struct Span {
    end: u64,
    writer: Writer,
    /// The party that the writer belongs to.
    party: Party,
    /// By engine, the last instruction that read since then; 0 for none.
    readers: [Number; ENGINES],
}

/// What an access is not allowed to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// An address that nobody wrote.
    Unwritten(u64),
    /// An address that an instruction wrote or read, which may come before or after.
    ///
    /// `there` is what it touched around that address, from the first one to the one past the last.
    Race { at: u64, engine: usize, number: Number, wrote: bool, there: (u64, u64) },
}

/// A visitor of a memory: an engine, with what it knows to have committed.
///
/// Its own number is that of the instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor<'a> {
    pub(crate) engine: usize,
    pub(crate) clock: &'a Clock,
    /// The party that the instruction belongs to.
    pub(crate) party: Party,
}

impl Visitor<'_> {
    fn knows(&self, engine: usize, number: Number) -> bool {
        engine == self.engine || number <= self.clock[engine]
    }
}

/// A memory, by spans of addresses with one history.
///
/// Addresses in no span were never written.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    spans: BTreeMap<u64, Span>,
}

impl Memory {
    /// Notes that `start .. end` holds what `party` placed there before the program begins.
    pub(crate) fn place(&mut self, start: u64, end: u64, party: Party) {
        self.replace(start, end, Writer::Outside, party);
    }

    /// Reads `start .. end`, and calls `found` with each part, as long as can be, whose writers all belong to
    /// one party.
    ///
    /// The first conflict is returned. An unwritten address counts as written from then on.
    pub(crate) fn read(
        &mut self,
        start: u64,
        end: u64,
        visitor: Visitor<'_>,
        found: impl FnMut(u64, u64, Party),
    ) -> Option<Conflict> {
        self.split(start);
        self.split(end);
        let mut parts = Parts::new(found);
        let mut conflict = None;
        let mut expected = start;
        let mut gaps = Vec::new();
        for (&at, span) in self.spans.range_mut(start..end) {
            if at > expected {
                gaps.push((expected, at));
            }
            expected = span.end;
            if let Writer::Engine(engine, number) = span.writer
                && !visitor.knows(engine, number)
            {
                conflict = conflict.or(Some((at, engine, number)));
            }
            span.readers[visitor.engine] = visitor.clock[visitor.engine];
            parts.add(at, span.end, span.party);
        }
        parts.end();
        if expected < end {
            gaps.push((expected, end));
        }
        let mut conflict = conflict.map(|(at, engine, number)| self.written_by(at, engine, number));
        for &(from, to) in &gaps {
            conflict = conflict.or(Some(Conflict::Unwritten(from)));
            self.place(from, to, visitor.party);
        }
        conflict
    }

    /// Writes `start .. end`, and returns the first conflict.
    pub(crate) fn write(&mut self, start: u64, end: u64, visitor: Visitor<'_>) -> Option<Conflict> {
        self.split(start);
        self.split(end);
        let conflict = self.spans.range(start..end).find_map(|(&at, span)| {
            if let Writer::Engine(engine, number) = span.writer
                && !visitor.knows(engine, number)
            {
                return Some(self.written_by(at, engine, number));
            }
            let engine = (0..ENGINES).find(|&engine| !visitor.knows(engine, span.readers[engine]))?;
            let number = span.readers[engine];
            let there = self.around(at, |span| span.readers[engine] == number);
            Some(Conflict::Race { at, engine, number, wrote: false, there })
        });
        let writer = Writer::Engine(visitor.engine, visitor.clock[visitor.engine]);
        self.replace(start, end, writer, visitor.party);
        conflict
    }

    /// Calls `found` with each part of `start .. end` that was written, and whose last writers all belong to one party.
    pub(crate) fn writers(&self, start: u64, end: u64, found: impl FnMut(u64, u64, Party)) {
        let before = self.spans.range(..start).next_back().filter(|(_, span)| span.end > start);
        let mut parts = Parts::new(found);
        for (&at, span) in before.into_iter().chain(self.spans.range(start..end)) {
            parts.add(at.max(start), span.end.min(end), span.party);
        }
        parts.end();
    }

    fn written_by(&self, at: u64, engine: usize, number: Number) -> Conflict {
        let there = self.around(at, |span| span.writer == Writer::Engine(engine, number));
        Conflict::Race { at, engine, number, wrote: true, there }
    }

    /// The instruction that wrote an address last, and the part of its writes around that address that is
    /// still there.
    pub(crate) fn writer(&self, at: u64) -> Option<(usize, Number, (u64, u64))> {
        let (_, span) = self.spans.range(..=at).next_back().filter(|(_, span)| span.end > at)?;
        let Writer::Engine(engine, number) = span.writer else { return None };
        Some((engine, number, self.around(at, |other| other.writer == span.writer)))
    }

    /// The addresses around `at` whose history has something in common with its own.
    fn around(&self, at: u64, same: impl Fn(&Span) -> bool) -> (u64, u64) {
        let (mut first, mut past) = (at, at);
        for (&start, span) in self.spans.range(..=at).rev() {
            if span.end < first || !same(span) {
                break;
            }
            (first, past) = (start, past.max(span.end));
        }
        for (&start, span) in self.spans.range(at + 1..) {
            if start > past || !same(span) {
                break;
            }
            past = span.end;
        }
        (first, past)
    }

    /// The first address of `start .. end` that a program finds as it was placed before it began.
    pub(crate) fn placed(&self, start: u64, end: u64) -> Option<u64> {
        let before = self.spans.range(..=start).next_back().filter(|(_, span)| span.end > start);
        let inside = self.spans.range(start + 1..end);
        let outside = |(&at, span): (&u64, &Span)| (span.writer == Writer::Outside).then_some(at.max(start));
        before.into_iter().chain(inside).find_map(outside)
    }

    fn replace(&mut self, start: u64, end: u64, writer: Writer, party: Party) {
        self.split(start);
        self.split(end);
        while let Some((&at, _)) = self.spans.range(start..end).next() {
            self.spans.remove(&at);
        }
        self.spans.insert(start, Span { end, writer, party, readers: [0; ENGINES] });
    }

    /// Makes `at` the beginning of a span, if it lies inside one.
    fn split(&mut self, at: u64) {
        let Some((_, span)) = self.spans.range_mut(..at).next_back() else { return };
        if span.end > at {
            let tail = *span;
            span.end = at;
            self.spans.insert(at, tail);
        }
    }
}

/// Joins spans that follow one another and belong to one party, so that a tile that a layer wrote in many
/// rows is looked at once.
struct Parts<F> {
    last: Option<(u64, u64, Party)>,
    found: F,
}

impl<F: FnMut(u64, u64, Party)> Parts<F> {
    fn new(found: F) -> Parts<F> {
        Parts { last: None, found }
    }

    /// Adds a span; spans come in the order of addresses.
    fn add(&mut self, start: u64, end: u64, party: Party) {
        match &mut self.last {
            Some((_, past, whose)) if *past == start && *whose == party => *past = end,
            last => {
                if let Some((start, end, party)) = last.replace((start, end, party)) {
                    (self.found)(start, end, party);
                }
            }
        }
    }

    fn end(mut self) {
        if let Some((start, end, party)) = self.last {
            (self.found)(start, end, party);
        }
    }
}

/// Addresses, each of which is to be covered once.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    /// Ends by starts; runs do not touch.
    runs: BTreeMap<u64, u64>,
}

impl Cover {
    /// Covers `start .. end`, and returns the first address that was covered before.
    pub(crate) fn cover(&mut self, mut start: u64, mut end: u64) -> Option<u64> {
        let mut twice: Option<u64> = None;
        let from = self.runs.range(..=start).next_back().map_or(start, |(&at, _)| at);
        let touching: Vec<_> =
            self.runs.range(from..=end).map(|(&at, &to)| (at, to)).filter(|(_, to)| *to >= start).collect();
        for (at, to) in touching {
            let (first, past) = (at.max(start), to.min(end));
            if first < past {
                twice = twice.or(Some(first));
            }
            self.runs.remove(&at);
            (start, end) = (start.min(at), end.max(to));
        }
        self.runs.insert(start, end);
        twice
    }

    /// The first address of `start .. end` that is not covered.
    pub(crate) fn gap(&self, start: u64, end: u64) -> Option<u64> {
        match self.runs.range(..=start).next_back().filter(|(_, to)| **to > start) {
            Some((_, &to)) if to >= end => None,
            Some((_, &to)) => Some(to),
            None => Some(start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Clock = [0; ENGINES];
    const PARTY: Party = Party::Layer(0);

    fn visitor(engine: usize, clock: &Clock) -> Visitor<'_> {
        Visitor { engine, clock, party: PARTY }
    }

    fn read(memory: &mut Memory, start: u64, end: u64, visitor: Visitor<'_>) -> Option<Conflict> {
        memory.read(start, end, visitor, |_, _, _| {})
    }

    #[test]
    fn a_read_wants_the_writer_known_and_every_byte_written() {
        let mut memory = Memory::default();
        let first = [1, 0, 0, 0];
        assert_eq!(memory.write(10, 20, visitor(0, &first)), None);
        let unordered = [0, 1, 0, 0];
        let race = Conflict::Race { at: 15, engine: 0, number: 1, wrote: true, there: (10, 20) };
        assert_eq!(memory.writer(15), Some((0, 1, (10, 20))));
        assert_eq!(read(&mut memory, 15, 20, visitor(1, &unordered)), Some(race));
        let ordered = [1, 1, 0, 0];
        assert_eq!(read(&mut memory, 12, 20, visitor(1, &ordered)), None);
        let unwritten = Some(Conflict::Unwritten(20));
        assert_eq!(read(&mut memory, 12, 22, visitor(1, &ordered)), unwritten);
    }

    #[test]
    fn a_write_wants_every_reader_known() {
        let mut memory = Memory::default();
        memory.place(0, 100, PARTY);
        assert_eq!(read(&mut memory, 40, 60, visitor(2, &[0, 0, 7, 0])), None);
        let race = Conflict::Race { at: 40, engine: 2, number: 7, wrote: false, there: (40, 60) };
        assert_eq!(memory.write(0, 41, visitor(0, &NOBODY)), Some(race));
        assert_eq!(memory.write(41, 60, visitor(0, &[1, 0, 7, 0])), None);
        assert_eq!(memory.write(60, 100, visitor(0, &NOBODY)), None);
        assert_eq!(memory.placed(0, 100), None);
    }

    #[test]
    fn what_was_placed_is_found_anywhere_in_a_range() {
        let mut memory = Memory::default();
        memory.place(10, 20, PARTY);
        assert_eq!(memory.placed(0, 10), None);
        assert_eq!(memory.placed(0, 11), Some(10));
        assert_eq!(memory.placed(15, 16), Some(15));
        assert_eq!(memory.placed(20, 30), None);
    }

    #[test]
    fn each_part_of_a_read_tells_whose_its_writer_is() {
        let mut memory = Memory::default();
        memory.place(0, 20, Party::Host);
        let party = Party::Layer(3);
        memory.write(5, 10, Visitor { engine: 0, clock: &NOBODY, party });
        let expected = vec![(2, 5, Party::Host), (5, 10, party), (10, 12, Party::Host)];
        let mut found = Vec::new();
        memory.writers(2, 12, |start, end, party| found.push((start, end, party)));
        assert_eq!(found, expected);
        found.clear();
        memory.read(2, 12, visitor(1, &NOBODY), |start, end, party| found.push((start, end, party)));
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_of_one_party_that_touch_are_one() {
        let mut memory = Memory::default();
        let own = |number| [number, 0, 0, 0];
        memory.write(0, 4, visitor(0, &own(1)));
        memory.write(4, 8, visitor(0, &own(2)));
        memory.write(9, 12, visitor(0, &own(3)));
        memory.write(12, 14, Visitor { party: Party::Layer(7), ..visitor(0, &own(4)) });
        memory.write(14, 16, visitor(0, &own(5)));
        let expected = vec![(1, 8, PARTY), (9, 12, PARTY), (12, 14, Party::Layer(7)), (14, 15, PARTY)];
        let mut found = Vec::new();
        memory.writers(1, 15, |start, end, party| found.push((start, end, party)));
        assert_eq!(found, expected);
        found.clear();
        let unwritten =
            memory.read(1, 15, visitor(0, &own(6)), |start, end, party| found.push((start, end, party)));
        assert_eq!((found, unwritten), (expected, Some(Conflict::Unwritten(8))));
    }

    #[test]
    fn covers_join_and_tell_what_comes_twice() {
        let mut cover = Cover::default();
        assert_eq!(cover.cover(10, 20), None);
        assert_eq!(cover.cover(30, 40), None);
        assert_eq!(cover.gap(10, 40), Some(20));
        assert_eq!(cover.cover(20, 30), None);
        assert_eq!(cover.gap(10, 40), None);
        assert_eq!(cover.gap(5, 40), Some(5));
        assert_eq!(cover.cover(5, 50), Some(10));
        assert_eq!(cover.gap(5, 50), None);
        assert_eq!(cover.gap(5, 51), Some(50));
    }
}
