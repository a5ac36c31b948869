//! Checked mode: what no hardware sees (docs/isa.md, "Faults": `uninitialised`, `race`).
//!
//! Vector clocks give the order: a clock holds, for every engine, how many of its instructions are known to
//! have committed. A post carries the poster's clock as a token. A wait takes the oldest token of its
//! semaphore and learns what it knows. `sync` teaches control everything of its core. Instructions of one engine commit
//! in order, so that one number an engine is enough. For every byte it is enough to remember the last
//! instruction of every engine that wrote or read it.

mod access;
mod cluster;
mod overlap;
mod shadow;

use std::collections::VecDeque;

use ediacara_arch::Machine;
use ediacara_isa::{Engine, Memory};

use crate::outcome::FaultKind;
use crate::resolve::Refusal;
use crate::semaphores;
use crate::work::{Clock, ENGINES, Entry};
use cluster::ClusterShadow;
use shadow::Shadow;

/// Everything that checked mode remembers.
pub(crate) struct Checked {
    /// What each engine of each core knows to have committed when its next instruction starts.
    known: Vec<Clock>,
    /// Instructions that each engine has started, by their index into the code; number n is at `n - 1`.
    history: Vec<Vec<u32>>,
    /// By core and semaphore.
    tokens: Vec<[VecDeque<Clock>; semaphores::COUNT]>,
    chips: Vec<OnChip>,
    dram: ClusterShadow,
    /// Core and index of the other instruction of the race that was found last.
    other: Option<(usize, u32)>,
}

/// The shadows of a core's own memories.
struct OnChip {
    nram: Shadow,
    wram: Shadow,
    aram: Shadow,
    pram: Shadow,
    has_table: bool,
    overlap: overlap::Marks,
}

impl OnChip {
    fn new(machine: &Machine, core: usize) -> Self {
        use Engine::{Load, Matrix, Store, Vector};
        let (nram, wram) = (machine.core.nram_bytes as usize, machine.core.wram_bytes as usize);
        let (aram, pram) = (machine.aram_accumulators() as usize, machine.pram_records() as usize);
        Self {
            nram: Shadow::new(core, "NRAM byte", nram, &[Load, Vector], &[Load, Matrix, Vector, Store]),
            wram: Shadow::new(core, "WRAM byte", wram, &[Load], &[Matrix]),
            aram: Shadow::new(core, "accumulator", aram, &[Matrix], &[Vector]),
            pram: Shadow::new(core, "record", pram, &[Load], &[Vector]),
            has_table: false,
            overlap: overlap::Marks::new(nram),
        }
    }
}

/// An instruction's access to memories.
struct Access<'a> {
    core: usize,
    /// What the instruction knows to have committed, itself included.
    clock: &'a [u32],
    chip: &'a mut OnChip,
    dram: &'a mut ClusterShadow,
    history: &'a [Vec<u32>],
    other: &'a mut Option<(usize, u32)>,
}

impl Checked {
    pub(crate) fn new(machine: &Machine) -> Self {
        let cores = machine.chip.cores_per_cluster as usize;
        let components = cores * ENGINES;
        Self {
            known: vec![vec![0; components]; components],
            history: vec![Vec::new(); components],
            tokens: (0..cores).map(|_| Default::default()).collect(),
            chips: (0..cores).map(|core| OnChip::new(machine, core)).collect(),
            dram: ClusterShadow::new(
                "DRAM byte",
                machine.dram.bytes,
                cores,
                &[Engine::Store],
                &[Engine::Load],
            ),
            other: None,
        }
    }

    /// Forgets the order of a run, and keeps what was written.
    pub(crate) fn reset(&mut self) {
        self.known.iter_mut().for_each(|clock| clock.fill(0));
        self.other = None;
        self.history.iter_mut().for_each(Vec::clear);
        self.tokens.iter_mut().flatten().for_each(VecDeque::clear);
        for chip in &mut self.chips {
            for shadow in [&mut chip.nram, &mut chip.wram, &mut chip.aram, &mut chip.pram] {
                shadow.forget_order();
            }
        }
        self.dram.forget_order();
    }

    /// Takes note that bytes of a memory, of this core if it is a core's, were written from outside.
    pub(crate) fn write_memory(&mut self, core: usize, memory: Memory, address: u64, length: usize) {
        let chip = &mut self.chips[core];
        let shadow = match memory {
            Memory::Dram => return self.dram.initialise(address, length),
            Memory::Nram => &mut chip.nram,
            Memory::Wram => &mut chip.wram,
            Memory::Aram => &mut chip.aram,
            Memory::Pram => &mut chip.pram,
        };
        let (address, unit) = (address as usize, memory.unit_bytes() as usize);
        shadow.initialise(address / unit..(address + length) / unit);
    }

    /// What control of a core knows to have committed.
    pub(crate) fn issue_clock(&self, core: usize) -> Clock {
        self.known[core * ENGINES + Engine::Control as usize].clone()
    }

    /// Takes note that control of a core saw all its engines idle: it knows what they did, and what they know.
    pub(crate) fn sync(&mut self, core: usize) {
        let first = core * ENGINES;
        let mut learnt = self.issue_clock(core);
        for engine in first..first + ENGINES {
            learn(&mut learnt, &self.known[engine]);
            learnt[engine] = self.history[engine].len() as u32;
        }
        self.known[first + Engine::Control as usize] = learnt;
    }

    /// Starts an instruction, which learns what it waited for; what it touches is checked if that is
    /// `worth_it`.
    ///
    /// Returns what its posts will tell. A refusal's detail lacks the instruction's name.
    pub(crate) fn start(
        &mut self,
        core: usize,
        engine: Engine,
        entry: &Entry,
        worth_it: bool,
    ) -> Result<Clock, Refusal> {
        let component = core * ENGINES + engine as usize;
        let known = &mut self.known[component];
        learn(known, &entry.clock);
        for index in semaphores::bits(entry.wait) {
            if let Some(token) = self.tokens[core][index].pop_front() {
                learn(known, &token);
            }
        }
        let mut clock = known.clone();
        let history = &mut self.history[component];
        history.push(entry.instruction);
        clock[component] = history.len() as u32;
        if worth_it {
            let Self { history, chips, dram, other, .. } = self;
            let chip = &mut chips[core];
            Access { core, clock: &clock, chip, dram, history, other }.access(engine, &entry.work)?;
        }
        Ok(clock)
    }

    /// Takes note that an instruction of a core commits.
    pub(crate) fn post(&mut self, core: usize, mask: u16, clock: &Clock) {
        for index in semaphores::bits(mask) {
            self.tokens[core][index].push_back(clock.clone());
        }
    }

    /// Takes note that control of a core signals.
    pub(crate) fn signal(&mut self, core: usize, mask: u16) {
        self.post(core, mask, &self.issue_clock(core));
    }

    /// Core and index of the other instruction of the race that was found last.
    pub(crate) fn other(&self) -> Option<(usize, u32)> {
        self.other
    }
}

fn uninitialised(operand: &str, element: &str) -> Refusal {
    Refusal { kind: FaultKind::Uninitialised, detail: format!("{operand}: {element} was never written") }
}

fn learn(known: &mut [u32], other: &[u32]) {
    for (known, other) in known.iter_mut().zip(other) {
        *known = (*known).max(*other);
    }
}
