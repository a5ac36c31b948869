//! What is remembered of every element of a memory on chip.

use std::ops::Range;

use ediacara_isa::Engine;

/// An access that conflicts with one being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Other {
    pub(super) core: usize,
    pub(super) engine: Engine,
    /// Its number among the engine's instructions, from 1.
    pub(super) number: u32,
    pub(super) wrote: bool,
}

/// Why an access is not allowed, and at which element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    Uninitialised(u64),
    Race(u64, Other),
}

/// For one engine, the number of its last instruction that accessed an element; 0 for none.
struct Last {
    engine: Engine,
    numbers: Vec<u32>,
}

/// The shadow of one memory of a core. The clocks here are the core's own part.
pub(super) struct Shadow {
    core: usize,
    /// What an element is called.
    pub(super) element: &'static str,
    /// 1 where something was ever written.
    written: Vec<u8>,
    writers: Vec<Last>,
    readers: Vec<Last>,
}

impl Shadow {
    /// `readers` need not list an engine that is the only one to write.
    pub(super) fn new(
        core: usize,
        element: &'static str,
        length: usize,
        writers: &[Engine],
        readers: &[Engine],
    ) -> Self {
        let last = |engines: &[Engine]| {
            engines.iter().map(|&engine| Last { engine, numbers: vec![0; length] }).collect()
        };
        Self { core, element, written: vec![0; length], writers: last(writers), readers: last(readers) }
    }

    pub(super) fn initialise(&mut self, range: Range<usize>) {
        self.written[range].fill(1);
    }

    pub(super) fn forget_order(&mut self) {
        self.writers.iter_mut().chain(&mut self.readers).for_each(|last| last.numbers.fill(0));
    }

    /// The elements around `at` of which an instruction was its engine's last writer, or last reader.
    pub(super) fn around(&self, at: u64, other: Other) -> Range<u64> {
        let lasts = if other.wrote { &self.writers } else { &self.readers };
        let Some(last) = lasts.iter().find(|last| last.engine == other.engine) else { return at..at + 1 };
        let index = at as usize;
        let same = |number: &&u32| **number == other.number;
        let before = last.numbers[..index].iter().rev().take_while(same).count();
        let after = last.numbers[index..].iter().take_while(same).count();
        at - before as u64..at + after.max(1) as u64
    }

    /// Notes that `engine` reads `range`, knowing what `clock` says.
    pub(super) fn read(
        &mut self,
        engine: Engine,
        range: Range<usize>,
        clock: &[u32],
    ) -> Result<(), Conflict> {
        if let Some(at) = self.written[range.clone()].iter().position(|&written| written == 0) {
            return Err(Conflict::Uninitialised((range.start + at) as u64));
        }
        self.conflict(&self.writers, engine, &range, clock, true)?;
        note(&mut self.readers, engine, range, clock);
        Ok(())
    }

    /// Notes that `engine` writes `range`, knowing what `clock` says.
    pub(super) fn write(
        &mut self,
        engine: Engine,
        range: Range<usize>,
        clock: &[u32],
    ) -> Result<(), Conflict> {
        self.conflict(&self.writers, engine, &range, clock, true)?;
        self.conflict(&self.readers, engine, &range, clock, false)?;
        self.written[range.clone()].fill(1);
        note(&mut self.writers, engine, range, clock);
        Ok(())
    }

    /// An access by another engine that is not known to have committed.
    fn conflict(
        &self,
        lasts: &[Last],
        engine: Engine,
        range: &Range<usize>,
        clock: &[u32],
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
                let other = Other { core: self.core, engine: last.engine, number: numbers[at], wrote };
                return Err(Conflict::Race((range.start + at) as u64, other));
            }
        }
        Ok(())
    }
}

fn note(lasts: &mut [Last], engine: Engine, range: Range<usize>, clock: &[u32]) {
    for last in lasts.iter_mut().filter(|last| last.engine == engine) {
        last.numbers[range.clone()].fill(clock[engine as usize]);
    }
}
