//! Programs that are free of races by construction.
//!
//! A [`Model`] without time executes a program while it is written. Where the next instruction needs the end
//! of another engine's, it gets a semaphore (posted by an instruction that is already there), or a `sync`.
//! Everything else runs side by side. If something turns out not to work, as a loop whose second run gets in
//! the way of its first, it is taken back.

mod dma;
mod dot;
mod float;
mod idioms;
mod loops;
mod operands;
mod spoil;
mod vector;

use ediacara_arch::Machine;
use ediacara_isa::{Config, ConfigRegister as C, ConfigWrites, Engine, Instruction, Operation};

use crate::footprint::{Footprint, Problem, engine};
use crate::model::Model;
use crate::order::Executed;
use crate::{Random, Recipe};
use operands::Proposal;

/// The most instructions of a program, which is the room that DRAM keeps for them.
pub(crate) const MOST_INSTRUCTIONS: usize = 256;

/// What is taken back when something does not work.
#[derive(Clone)]
struct Snapshot {
    code: Vec<Instruction>,
    model: Model,
    /// For every open block, the instructions that may post later: each is executed exactly once in a run of
    /// it.
    blocks: Vec<Vec<(usize, Executed)>>,
    /// Whether a branch skips what is written now.
    is_dead: bool,
}

struct Builder<'a> {
    random: &'a mut Random,
    machine: &'a Machine,
    recipe: &'a Recipe,
    /// Addresses used lately, by memory.
    recent: [Vec<u64>; 5],
    s: Snapshot,
}

/// An orderly program whose code begins at `base`.
pub(crate) fn program(
    random: &mut Random,
    machine: &Machine,
    recipe: &Recipe,
    base: u64,
) -> Vec<ediacara_isa::Word> {
    let code = (base, base + 32 * MOST_INSTRUCTIONS as u64);
    let s = Snapshot {
        code: Vec::new(),
        model: Model::new(machine, code),
        blocks: vec![Vec::new()],
        is_dead: false,
    };
    let mut builder = Builder { random, machine, recipe, recent: Default::default(), s };
    let items = builder.random.range(1, recipe.items);
    // Some registers get useful values.
    for _ in 0..builder.random.range(0, 4) {
        builder.attempt(Builder::scalar);
    }
    builder.items(items);
    let is_faulty = builder.random.chance(recipe.faulty);
    if is_faulty {
        return builder.spoil();
    }
    builder.s.code.push(Instruction::new(Operation::Halt));
    builder.words()
}

impl Builder<'_> {
    fn words(&self) -> Vec<ediacara_isa::Word> {
        self.s.code.iter().map(ediacara_isa::encode_unchecked).collect()
    }

    /// Whether there is room and time for more.
    fn has_room(&self) -> bool {
        self.s.code.len() + 40 < MOST_INSTRUCTIONS && self.s.model.cycles < self.recipe.cycles
    }

    /// Does something, or nothing at all, and returns whether it was done.
    fn attempt(&mut self, action: impl FnOnce(&mut Self) -> Result<(), Problem>) -> bool {
        let before = self.s.clone();
        let result = action(self);
        let is_done = result.is_ok() && self.s.model.cycles <= self.recipe.cycles;
        if !is_done {
            self.s = before;
        }
        is_done
    }

    fn items(&mut self, count: u64) {
        for _ in 0..count {
            if !self.has_room() {
                return;
            }
            self.attempt(Self::item);
        }
    }

    /// Appends an instruction and executes it.
    fn emit(&mut self, instruction: Instruction) -> Result<(), Problem> {
        if self.s.code.len() + 8 > MOST_INSTRUCTIONS {
            return Err(Problem::Full);
        }
        self.s.code.push(instruction);
        if self.s.is_dead { Ok(()) } else { self.s.model.settle(self.machine, &self.s.code) }
    }

    fn push(&mut self, operation: impl Into<Operation>) -> Result<(), Problem> {
        self.emit(Instruction::new(operation.into()))
    }

    /// Writes the registers that differ from what they hold, and sometimes others too.
    fn configure(&mut self, writes: &[(C, i64)]) -> Result<(), Problem> {
        let writes_all = self.random.chance(15);
        let config = &self.s.model.scalar.config;
        let needed: Vec<_> = writes
            .iter()
            .filter(|(register, value)| writes_all || config[register.index()] != *value)
            .collect();
        for chunk in needed.chunks(ConfigWrites::MAX) {
            let mut writes = ConfigWrites::default();
            for (register, value) in chunk {
                writes.push(*register, *value).map_err(|_| Problem::Fault)?;
            }
            self.push(Config { writes })?;
        }
        Ok(())
    }

    /// The footprint of a proposal.
    fn footprint(&self, proposal: &Proposal) -> Result<Footprint, Problem> {
        let mut config = self.s.model.scalar.config.clone();
        proposal.writes.iter().for_each(|(register, value)| config[register.index()] = *value);
        self.s.model.footprint(self.machine, &config, &proposal.operation)
    }

    /// A proposal that fits and does not take for ever.
    ///
    /// Some of the time, nobody is in its way.
    fn pick(&mut self, propose: impl Fn(&mut Self) -> Option<Proposal>) -> Result<Proposal, Problem> {
        let most_cycles = self.random.pick(&[100, 400, 1500]);
        let patience = self.random.pick(&[0, 0, 5]);
        let mut waits = 0;
        for _ in 0..40 {
            let Some(proposal) = propose(self) else { continue };
            let Ok(footprint) = self.footprint(&proposal) else { continue };
            if footprint.cycles > most_cycles {
                continue;
            }
            if footprint.reads_table && !self.s.model.order.has_table {
                continue;
            }
            let conflicts = self.s.model.order.conflicts(engine(&proposal.operation), &footprint);
            if conflicts != [0; 5] && waits < patience {
                waits += 1;
                continue;
            }
            return Ok(proposal);
        }
        Err(Problem::Full)
    }

    /// An instruction of an engine, in order.
    fn engine_item(&mut self, propose: impl Fn(&mut Self) -> Option<Proposal>) -> Result<(), Problem> {
        let proposal = self.pick(propose)?;
        self.put(proposal)
    }

    /// Writes a proposal with what orders it.
    fn put(&mut self, proposal: Proposal) -> Result<(), Problem> {
        self.configure(&proposal.writes)?;
        if self.s.is_dead {
            return self.push(proposal.operation);
        }
        let wait = self.order(&proposal)?;
        self.finish(Instruction::new(proposal.operation).waiting(wait))
    }

    /// Emits an engine's instruction, and remembers that it may post.
    fn finish(&mut self, instruction: Instruction) -> Result<(), Problem> {
        let engine = engine(&instruction.operation);
        let index = self.s.code.len();
        self.emit(instruction)?;
        if self.s.model.order.is_drained(engine)
            && let (Some(executed), Some(block)) = (self.s.model.order.last(engine), self.s.blocks.last_mut())
        {
            block.push((index, executed));
        }
        Ok(())
    }

    /// Orders a proposal after all that it must follow, and returns the semaphores that it waits for.
    fn order(&mut self, proposal: &Proposal) -> Result<u16, Problem> {
        let footprint = self.footprint(proposal)?;
        let own = engine(&proposal.operation);
        let conflicts = self.s.model.order.conflicts(own, &footprint);
        let mut wait = 0;
        let may_sync = self.random.chance(12);
        for other in Engine::ALL {
            let needed = conflicts[other as usize];
            if needed == 0 {
                continue;
            }
            let edge = if may_sync { None } else { self.edge(other, needed, own, wait) };
            match edge {
                Some(bit) => wait |= bit,
                None => {
                    // The semaphores chosen so far stay, since their posts are there.
                    self.push(Operation::Sync)?;
                    break;
                }
            }
        }
        // Sometimes there is more order than is needed.
        if self.random.chance(20) {
            let other = self.random.pick(&Engine::ALL);
            if other != own
                && let Some(bit) = self.edge(other, 1, own, wait)
            {
                wait |= bit;
            }
        }
        Ok(wait)
    }

    /// Posts a semaphore from an instruction of `other`, not before its number `needed`, to the next of
    /// `own`.
    fn edge(&mut self, other: Engine, needed: u32, own: Engine, taken: u16) -> Option<u16> {
        let block = self.s.blocks.last()?;
        let posters: Vec<_> = block
            .iter()
            .filter(|(_, executed)| executed.engine == other as usize && executed.number >= needed)
            .copied()
            .collect();
        // The last posters are the likeliest not to have ended.
        let (index, executed) = match posters.len() {
            0 => return None,
            count if self.random.chance(50) => posters[count - 1],
            count => posters[self.random.range(0, count as u64 - 1) as usize],
        };
        let free: Vec<_> = self
            .s
            .model
            .order
            .free_for(&executed, own)
            .into_iter()
            .filter(|semaphore| (taken | self.s.code[index].post) >> semaphore & 1 == 0)
            .collect();
        if free.is_empty() {
            return None;
        }
        let semaphore = self.random.pick(&free);
        self.s.model.order.post_late(semaphore, &executed).ok()?;
        self.s.code[index].post |= 1 << semaphore;
        Some(1 << semaphore)
    }
}
