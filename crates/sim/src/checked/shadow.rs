//! What is remembered of every element of a memory on chip.

use std::ops::Range;

use ediacara_isa::Engine;

use crate::work::Clock;

/// An access that conflicts with one being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) engine: Engine,
    /// Its number among the engine's instructions, from 1.
    pub(super) number: u32,
    pub(super) wrote: bool,
}

/// Why an access is not allowed, and at which element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    Uninitialised(usize),
    Race(usize, Other),
}

/// For one engine, the number of its last instruction that accessed an element; 0 for none.
struct Last {
    engine: Engine,
    numbers: Vec<u32>,
}

/// The shadow of one memory.
pub(super) struct Shadow {
    /// What an element is called.
    pub(super) element: &'static str,
    /// 1 where something was ever written.
    written: Vec<u8>,
    writers: Vec<Last>,
    readers: Vec<Last>,
}

impl Shadow {
    /// `readers` need not list an engine that is the only one to write.
    pub(super) fn new(element: &'static str, length: usize, writers: &[Engine], readers: &[Engine]) -> Self {
        let last = |engines: &[Engine]| {
            engines.iter().map(|&engine| Last { engine, numbers: vec![0; length] }).collect()
        };
        Self { element, written: vec![0; length], writers: last(writers), readers: last(readers) }
    }

    pub(super) fn initialise(&mut self, range: Range<usize>) {
        self.written[range].fill(1);
    }

    pub(super) fn forget_order(&mut self) {
        self.writers.iter_mut().chain(&mut self.readers).for_each(|last| last.numbers.fill(0));
    }

    /// The elements around `at` of which an instruction was its engine's last writer, or last reader.
    pub(super) fn around(&self, at: usize, other: Other) -> Range<usize> {
        let lasts = if other.wrote { &self.writers } else { &self.readers };
        let Some(last) = lasts.iter().find(|last| last.engine == other.engine) else { return at..at + 1 };
        let same = |number: &&u32| **number == other.number;
        let before = last.numbers[..at].iter().rev().take_while(same).count();
        let after = last.numbers[at..].iter().take_while(same).count();
        at - before..at + after.max(1)
    }

    /// Notes that `engine` reads `range`, knowing what `clock` says.
    pub(super) fn read(
        &mut self,
        engine: Engine,
        range: Range<usize>,
        clock: &Clock,
    ) -> Result<(), Conflict> {
        if let Some(at) = self.written[range.clone()].iter().position(|&written| written == 0) {
            return Err(Conflict::Uninitialised(range.start + at));
        }
        conflict(&self.writers, engine, &range, clock, true)?;
        note(&mut self.readers, engine, range, clock);
        Ok(())
    }

    /// Notes that `engine` writes `range`, knowing what `clock` says.
    pub(super) fn write(
        &mut self,
        engine: Engine,
        range: Range<usize>,
        clock: &Clock,
    ) -> Result<(), Conflict> {
        conflict(&self.writers, engine, &range, clock, true)?;
        conflict(&self.readers, engine, &range, clock, false)?;
        self.written[range.clone()].fill(1);
        note(&mut self.writers, engine, range, clock);
        Ok(())
    }
}

/// An access by another engine that is not known to have committed.
fn conflict(
    lasts: &[Last],
    engine: Engine,
    range: &Range<usize>,
    clock: &Clock,
    wrote: bool,
) -> Result<(), Conflict> {
    for last in lasts.iter().filter(|last| last.engine != engine) {
        let known = clock[last.engine as usize];
        let numbers = &last.numbers[range.clone()];
        // The maximum comes first, because it needs no branch an element and nearly always settles it.
        if numbers.iter().copied().max().unwrap_or_default() <= known {
            continue;
        }
        if let Some(at) = numbers.iter().position(|&number| number > known) {
            let other = Other { engine: last.engine, number: numbers[at], wrote };
            return Err(Conflict::Race(range.start + at, other));
        }
    }
    Ok(())
}

fn note(lasts: &mut [Last], engine: Engine, range: Range<usize>, clock: &Clock) {
    for last in lasts.iter_mut().filter(|last| last.engine == engine) {
        last.numbers[range.clone()].fill(clock[engine as usize]);
    }
}
