//! What is remembered of every byte of a memory that cores share.

use std::ops::Range;

use ediacara_isa::Engine;

use super::shadow::{Conflict, Other};
use crate::memory::Paged;
use crate::work::ENGINES;

/// For one engine of one core, the number of its last instruction that accessed a byte; 0 for none.
struct Last {
    core: usize,
    engine: Engine,
    numbers: Paged<u32>,
}

impl Last {
    /// The engine's place in a clock.
    fn component(&self) -> usize {
        self.core * ENGINES + self.engine as usize
    }
}

/// The shadow of one memory.
pub(super) struct ClusterShadow {
    /// What an element is called.
    pub(super) element: &'static str,
    bytes: u64,
    /// 1 where something was ever written.
    written: Paged<u8>,
    writers: Vec<Last>,
    readers: Vec<Last>,
}

impl ClusterShadow {
    pub(super) fn new(
        element: &'static str,
        bytes: u64,
        cores: usize,
        writers: &[Engine],
        readers: &[Engine],
    ) -> Self {
        let last = |engines: &[Engine]| -> Vec<Last> {
            let all = (0..cores).flat_map(|core| engines.iter().map(move |&engine| (core, engine)));
            all.map(|(core, engine)| Last { core, engine, numbers: Paged::new(bytes) }).collect()
        };
        Self { element, bytes, written: Paged::new(bytes), writers: last(writers), readers: last(readers) }
    }

    pub(super) fn initialise(&mut self, address: u64, length: usize) {
        self.written.fill(address, length, 1);
    }

    pub(super) fn forget_order(&mut self) {
        for last in self.writers.iter_mut().chain(&mut self.readers) {
            last.numbers = Paged::new(self.bytes);
        }
    }

    /// The bytes around `at` of which an instruction was its engine's last writer, or last reader.
    pub(super) fn around(&self, at: u64, other: Other) -> Range<u64> {
        let lasts = if other.wrote { &self.writers } else { &self.readers };
        let Some(last) = lasts.iter().find(|last| (last.core, last.engine) == (other.core, other.engine))
        else {
            return at..at + 1;
        };
        let same = |address: u64| last.numbers.get(address) == other.number;
        let first = (0..at).rev().take_while(|&address| same(address)).last().unwrap_or(at);
        let end = (at..self.bytes).take_while(|&address| same(address)).last().unwrap_or(at);
        first..end + 1
    }

    /// Notes that an engine of a core reads bytes, knowing what `clock` says.
    pub(super) fn read(
        &mut self,
        who: (usize, Engine),
        address: u64,
        length: usize,
        clock: &[u32],
    ) -> Result<(), Conflict> {
        if let Some(at) = self.written.find(address, length, |written| written == 0) {
            return Err(Conflict::Uninitialised(address + at as u64));
        }
        conflict(&self.writers, who, address, length, clock, true)?;
        note(&mut self.readers, who, address, length, clock);
        Ok(())
    }

    /// Notes that an engine of a core writes bytes, knowing what `clock` says.
    pub(super) fn write(
        &mut self,
        who: (usize, Engine),
        address: u64,
        length: usize,
        clock: &[u32],
    ) -> Result<(), Conflict> {
        conflict(&self.writers, who, address, length, clock, true)?;
        conflict(&self.readers, who, address, length, clock, false)?;
        self.written.fill(address, length, 1);
        note(&mut self.writers, who, address, length, clock);
        Ok(())
    }
}

/// An access by another engine that is not known to have committed.
fn conflict(
    lasts: &[Last],
    who: (usize, Engine),
    address: u64,
    length: usize,
    clock: &[u32],
    wrote: bool,
) -> Result<(), Conflict> {
    for last in lasts.iter().filter(|last| (last.core, last.engine) != who) {
        let known = clock[last.component()];
        if let Some(at) = last.numbers.find(address, length, |number| number > known) {
            let at = address + at as u64;
            let number = last.numbers.get(at);
            return Err(Conflict::Race(at, Other { core: last.core, engine: last.engine, number, wrote }));
        }
    }
    Ok(())
}

fn note(lasts: &mut [Last], who: (usize, Engine), address: u64, length: usize, clock: &[u32]) {
    for last in lasts.iter_mut().filter(|last| (last.core, last.engine) == who) {
        last.numbers.fill(address, length, clock[last.component()]);
    }
}
