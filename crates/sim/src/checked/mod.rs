//! Checked mode: what no hardware sees (docs/isa.md, "Faults": `uninitialised`, `race`).
//!
//! Vector clocks give the order: a clock holds, for every engine, how many of its instructions are known to
//! have committed. A post carries the poster's clock as a token. A wait takes the oldest token of its
//! semaphore and learns what it knows. `sync` teaches control everything. Instructions of one engine commit
//! in order, so that one number an engine is enough. For every byte it is enough to remember the last
//! instruction of every engine that wrote or read it.

mod access;
mod overlap;
mod shadow;

use std::collections::VecDeque;
use std::ops::Range;

use ediacara_arch::Machine;
use ediacara_isa::{Engine, Memory};

use crate::memory::Paged;
use crate::outcome::FaultKind;
use crate::resolve::Refusal;
use crate::semaphores;
use crate::work::{Clock, ENGINES, Entry};
use shadow::Shadow;

/// Everything that checked mode remembers.
pub(crate) struct Checked {
    /// What each engine knows to have committed when its next instruction starts.
    known: [Clock; ENGINES],
    /// Instructions that each engine has started, by their index into the code; number n is at `n - 1`.
    history: [Vec<u32>; ENGINES],
    tokens: [VecDeque<Clock>; semaphores::COUNT],
    nram: Shadow,
    wram: Shadow,
    aram: Shadow,
    pram: Shadow,
    has_table: bool,
    dram: DramShadow,
    dram_bytes: u64,
    overlap: overlap::Marks,
    /// The other instruction of the race that was found last.
    other: Option<u32>,
}

/// The shadow of DRAM: whether a byte was written, which `store` wrote it last, and which `load` read it
/// last.
struct DramShadow {
    written: Paged<u8>,
    stores: Paged<u32>,
    loads: Paged<u32>,
}

impl Checked {
    pub(crate) fn new(machine: &Machine) -> Self {
        let bytes = machine.dram.bytes;
        use Engine::{Load, Matrix, Store, Vector};
        let (aram, pram) = (machine.aram_accumulators() as usize, machine.pram_records() as usize);
        Self {
            known: [[0; ENGINES]; ENGINES],
            history: Default::default(),
            tokens: Default::default(),
            nram: Shadow::new(
                "NRAM byte",
                machine.core.nram_bytes as usize,
                &[Load, Vector],
                &[Load, Matrix, Vector, Store],
            ),
            wram: Shadow::new("WRAM byte", machine.core.wram_bytes as usize, &[Load], &[Matrix]),
            aram: Shadow::new("accumulator", aram, &[Matrix], &[Vector]),
            pram: Shadow::new("record", pram, &[Load], &[Vector]),
            has_table: false,
            dram: DramShadow {
                written: Paged::new(bytes),
                stores: Paged::new(bytes),
                loads: Paged::new(bytes),
            },
            dram_bytes: bytes,
            overlap: overlap::Marks::new(machine.core.nram_bytes as usize),
            other: None,
        }
    }

    /// Forgets the order of a run, and keeps what was written.
    pub(crate) fn reset(&mut self) {
        self.known = Default::default();
        self.other = None;
        self.history.iter_mut().for_each(Vec::clear);
        self.tokens.iter_mut().for_each(VecDeque::clear);
        for shadow in [&mut self.nram, &mut self.wram, &mut self.aram, &mut self.pram] {
            shadow.forget_order();
        }
        self.dram.stores = Paged::new(self.dram_bytes);
        self.dram.loads = Paged::new(self.dram_bytes);
    }

    /// Takes note that bytes of a memory were written from outside.
    pub(crate) fn write_memory(&mut self, memory: Memory, address: u64, length: usize) {
        let shadow = match memory {
            Memory::Dram => return self.dram.written.fill(address, length, 1),
            Memory::Nram => &mut self.nram,
            Memory::Wram => &mut self.wram,
            Memory::Aram => &mut self.aram,
            Memory::Pram => &mut self.pram,
        };
        let (address, unit) = (address as usize, memory.unit_bytes() as usize);
        shadow.initialise(address / unit..(address + length) / unit);
    }

    /// What control knows to have committed.
    pub(crate) fn issue_clock(&self) -> Clock {
        self.known[Engine::Control as usize]
    }

    /// Takes note that control saw every engine idle.
    pub(crate) fn sync(&mut self) {
        let control = &mut self.known[Engine::Control as usize];
        for (known, history) in control.iter_mut().zip(&self.history) {
            *known = history.len() as u32;
        }
    }

    /// Starts an instruction, which learns what it waited for; what it touches is checked if that is
    /// `worth_it`.
    ///
    /// Returns what its posts will tell. A refusal's detail lacks the instruction's name.
    pub(crate) fn start(&mut self, engine: Engine, entry: &Entry, worth_it: bool) -> Result<Clock, Refusal> {
        let known = &mut self.known[engine as usize];
        learn(known, &entry.clock);
        for index in semaphores::bits(entry.wait) {
            if let Some(token) = self.tokens[index].pop_front() {
                learn(known, &token);
            }
        }
        let mut clock = *known;
        let history = &mut self.history[engine as usize];
        history.push(entry.instruction);
        clock[engine as usize] = history.len() as u32;
        if worth_it {
            self.access(engine, &entry.work, &clock)?;
        }
        Ok(clock)
    }

    /// Takes note that an instruction commits.
    pub(crate) fn post(&mut self, mask: u16, clock: Clock) {
        for index in semaphores::bits(mask) {
            self.tokens[index].push_back(clock);
        }
    }

    /// Takes note that control signals.
    pub(crate) fn signal(&mut self, mask: u16) {
        self.post(mask, self.issue_clock());
    }

    /// The other instruction of the race that was found last.
    pub(crate) fn other(&self) -> Option<u32> {
        self.other
    }

    /// The refusal of a race.
    ///
    /// `here` and `there` are what the two instructions touch around the element.
    fn race(
        &mut self,
        operand: &str,
        (unit, at): (&str, u64),
        other: shadow::Other,
        [here, there]: [Range<u64>; 2],
    ) -> Refusal {
        let history = &self.history[other.engine as usize];
        let instruction = history.get(other.number as usize - 1).copied().unwrap_or_default();
        self.other = Some(instruction);
        let done = if other.wrote { "written" } else { "read" };
        let detail = format!(
            "{operand}: {unit} {at:#x} was {done} by instruction {instruction} of the {} engine, without an order between the two; it touches {:#x}..={:#x}, the other {:#x}..={:#x}",
            other.engine,
            here.start,
            here.end - 1,
            there.start,
            there.end - 1
        );
        Refusal { kind: FaultKind::Race, detail }
    }

    fn uninitialised(operand: &str, element: &str) -> Refusal {
        Refusal { kind: FaultKind::Uninitialised, detail: format!("{operand}: {element} was never written") }
    }
}

fn learn(known: &mut Clock, other: &Clock) {
    for (known, other) in known.iter_mut().zip(other) {
        *known = (*known).max(*other);
    }
}
