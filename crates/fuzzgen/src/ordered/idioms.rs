//! The idioms that programs are made of.

use ediacara_isa::{
    AddScalar, ConfigRegister as C, Engine, Fill, Instruction, Operation, Set, VectorOperation,
};

use super::Builder;
use super::operands::Proposal;
use crate::footprint::Problem;
use crate::model::WORD;

const QUEUED: [Engine; 4] = [Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store];

impl Builder<'_> {
    /// Appends one idiom.
    pub(super) fn item(&mut self) -> Result<(), Problem> {
        match self.random.range(0, 99) {
            0..=2 => self.push(Operation::Nop),
            3..=4 => self.push(Operation::Sync),
            5..=9 => self.scalar(),
            10..=13 => self.noise(),
            14..=17 => self.token(),
            18..=28 => self.repeat(),
            29..=32 => self.skip(),
            33..=36 => self.count_down(),
            37..=42 => self.pipeline(),
            43..=43 => self.flood(),
            44..=47 => self.gather(),
            48..=51 => self.early(),
            52..=58 => self.run(),
            59..=62 => self.tables(),
            _ => self.any_engine(),
        }
    }

    pub(super) fn any_engine(&mut self) -> Result<(), Problem> {
        let engine = self.random.pick(&[
            Engine::Load,
            Engine::Load,
            Engine::Matrix,
            Engine::Vector,
            Engine::Vector,
            Engine::Store,
        ]);
        self.engine_item(|b| b.propose(engine))
    }

    pub(super) fn propose(&mut self, engine: Engine) -> Option<Proposal> {
        match engine {
            Engine::Load if self.random.chance(30) => self.move_rows(),
            Engine::Load => self.load(),
            Engine::Matrix => self.dot(),
            Engine::Vector => self.vector(),
            Engine::Store => self.store(),
            Engine::Control => None,
        }
    }

    /// Gives a register a value from which addresses can be made.
    pub(super) fn scalar(&mut self) -> Result<(), Problem> {
        let rd = self.random.range(0, 13) as u8;
        if self.random.chance(50) {
            let value = match self.random.range(0, 9) {
                0..=4 => self.random.small(0, 300),
                5..=7 => WORD - self.random.small(1, 300),
                8 => 0,
                _ => self.random.next() % WORD,
            };
            return self.push(Set { rd, value });
        }
        let (ra, rb) = (self.random.range(0, 13) as u8, self.random.pick(&[0, 0, 0, 1, 2]));
        // Steps are small, so that an address relative to a register in a loop stays inside its memory.
        let ra = if self.random.chance(60) { rd } else { ra };
        let value = match self.random.range(0, 9) {
            0..=6 => self.random.range(0, 16),
            7..=8 => WORD - self.random.range(1, 16),
            _ => self.random.next() % WORD,
        };
        self.push(AddScalar { rd, ra, rb, value })
    }

    /// Writes of configuration that no instruction reads, or only the next one.
    fn noise(&mut self) -> Result<(), Problem> {
        let registers: Vec<_> =
            C::ALL.iter().copied().filter(|register| register.is_on(self.machine)).collect();
        let writes: Vec<_> = (0..self.random.range(1, 7))
            .map(|_| {
                let register = self.random.pick(&registers);
                let spec = register.spec();
                let whole = spec.low + (self.random.next() % (spec.high - spec.low + 1) as u64) as i64;
                // Large strides and counts would fit nowhere until somebody writes them again.
                let value = match register.name() {
                    "vector.low" => -128,
                    "vector.high" => 127,
                    name if name.contains("count") => self.random.range(1, 4) as i64,
                    name if name.contains("stretch") => self.random.range(1, 40) as i64,
                    name if name.contains("stride") => self.random.small(0, 100) as i64,
                    _ => whole,
                };
                (register, value)
            })
            .collect();
        self.configure(&writes)
    }

    /// Control posts what some engine takes later.
    fn token(&mut self) -> Result<(), Problem> {
        let free = self.s.model.order.free_for_control();
        if free.is_empty() || self.s.is_dead {
            return Err(Problem::Full);
        }
        let mut mask = 0;
        for _ in 0..self.random.range(1, 3) {
            mask |= 1 << self.random.pick(&free);
        }
        self.emit(Instruction::new(Operation::Signal).posting(mask))?;
        if self.random.chance(50) {
            self.attempt(Self::any_engine);
        }
        let engine = self.random.pick(&QUEUED);
        let proposal = self.pick(|b| b.propose(engine))?;
        self.configure(&proposal.writes)?;
        let wait = self.order(&proposal)?;
        self.finish(Instruction::new(proposal.operation).waiting(wait | mask))
    }

    /// A short instruction of an engine: for semaphores, not for values.
    fn trifle(&mut self, engine: Engine) -> Result<Proposal, Problem> {
        let mut best: Option<(u64, Proposal)> = None;
        for _ in 0..12 {
            let Some(proposal) = self.propose(engine) else { continue };
            let Ok(footprint) = self.footprint(&proposal) else { continue };
            let needs_table = footprint.reads_table && !self.s.model.order.has_table;
            if !needs_table && best.as_ref().is_none_or(|(cycles, _)| footprint.cycles < *cycles) {
                best = Some((footprint.cycles, proposal));
            }
        }
        best.map(|(_, proposal)| proposal).ok_or(Problem::Full)
    }

    /// Raises a counter high, up to 255, and lowers it again.
    fn flood(&mut self) -> Result<(), Problem> {
        if !self.s.model.may_loop() || self.s.is_dead {
            return Err(Problem::Full);
        }
        self.push(Operation::Sync)?;
        let free = self.s.model.order.free_for_control();
        if free.is_empty() {
            return Err(Problem::Full);
        }
        let mask = 1 << self.random.pick(&free);
        let length = self.random.range(1, 4);
        let fill = Fill {
            d: self.place(ediacara_isa::Memory::Nram, length).ok_or(Problem::Full)?,
            value: 7,
            length: length as u32,
            count_1: 1,
            count_2: 1,
        };
        let fill = Instruction::new(fill);
        // Control or the vector engine posts fifteen times in each of seventeen runs: 255.
        let by_engine = self.random.chance(30);
        let post =
            if by_engine { fill.posting(mask) } else { Instruction::new(Operation::Signal).posting(mask) };
        self.few_runs(17, 15, post)?;
        if by_engine {
            self.push(Operation::Sync)?;
        }
        if self.random.chance(60) {
            self.few_runs(17, 15, fill.waiting(mask))?;
        }
        Ok(())
    }

    /// A loop over copies of one instruction.
    fn few_runs(&mut self, runs: u64, copies: usize, instruction: Instruction) -> Result<(), Problem> {
        use ediacara_isa::Loop;
        self.push(Loop { count: runs as u32, register: 0, body: copies as u16 })?;
        for _ in 0..copies {
            self.s.code.push(instruction);
        }
        self.s.model.settle(self.machine, &self.s.code)
    }

    /// Several engines post one semaphore, and one engine takes it as often.
    ///
    /// Only the last take knows all posts.
    /// posts.
    fn gather(&mut self) -> Result<(), Problem> {
        if self.s.is_dead {
            return Err(Problem::Full);
        }
        self.push(Operation::Sync)?;
        let free = self.s.model.order.free_for_control();
        if free.is_empty() {
            return Err(Problem::Full);
        }
        let mask = 1 << self.random.pick(&free);
        let waiter = self.random.pick(&QUEUED);
        let mut posts = 0;
        for engine in QUEUED.into_iter().filter(|engine| *engine != waiter) {
            if posts > 0 && self.random.chance(30) {
                continue;
            }
            let proposal = self.pick(|b| b.propose(engine))?;
            self.configure(&proposal.writes)?;
            let wait = self.order(&proposal)?;
            self.finish(Instruction::new(proposal.operation).waiting(wait).posting(mask))?;
            posts += 1;
        }
        for _ in 0..posts {
            let proposal = self.pick(|b| b.propose(waiter))?;
            self.configure(&proposal.writes)?;
            let wait = self.order(&proposal)?;
            self.finish(Instruction::new(proposal.operation).waiting(wait | mask))?;
        }
        Ok(())
    }

    /// The instruction that waits is issued before the one that posts.
    fn early(&mut self) -> Result<(), Problem> {
        let (waiter, poster) = (self.random.pick(&QUEUED), self.random.pick(&QUEUED));
        if waiter == poster || self.s.is_dead {
            return Err(Problem::Full);
        }
        if self.random.chance(60) {
            self.push(Operation::Sync)?;
        }
        let free = self.s.model.order.free_for_control();
        if free.is_empty() {
            return Err(Problem::Full);
        }
        let mask = 1 << self.random.pick(&free);
        let proposal = self.trifle(waiter)?;
        self.configure(&proposal.writes)?;
        self.emit(Instruction::new(proposal.operation).waiting(mask))?;
        let proposal = self.pick(|b| b.propose(poster))?;
        self.configure(&proposal.writes)?;
        let wait = self.order(&proposal)?;
        self.finish(Instruction::new(proposal.operation).waiting(wait).posting(mask))?;
        if self.s.model.order.is_drained(waiter) { Ok(()) } else { Err(Problem::Deadlock) }
    }

    /// Instructions of one engine back to back: full queues, accumulators that follow at once, `move` between
    /// loads.
    fn run(&mut self) -> Result<(), Problem> {
        let engine = self.random.pick(&QUEUED);
        let queue = u64::from(self.machine.core.queue_entries);
        let count = self.random.range(2, (queue + 3).min(7));
        let only_unordered = engine == Engine::Vector && self.random.chance(50);
        let mut same: Option<Proposal> = None;
        for _ in 0..count {
            // The same accumulators again, with another configuration or not.
            let again = engine == Engine::Matrix && self.random.chance(60);
            let proposal = match same.take().filter(|_| again) {
                Some(proposal) => proposal,
                None if only_unordered && self.has_float() && self.random.chance(60) => {
                    self.pick(Self::unordered_float)?
                }
                None if only_unordered => self.pick(|b| {
                    let kind = b.random.pick(&[VectorOperation::Fill, VectorOperation::Requantise]);
                    b.vector_of(kind)
                })?,
                None => self.pick(|b| b.propose(engine))?,
            };
            let mut next = Proposal { writes: proposal.writes.clone(), operation: proposal.operation };
            self.put(proposal)?;
            match &mut next.operation {
                Operation::Dot(dot) => {
                    dot.accumulate = self.random.chance(70);
                    let zero = self.zero();
                    next.writes.push((C::MatrixXZero, zero));
                }
                Operation::FloatDot(dot) => dot.accumulate = self.random.chance(70),
                _ => {}
            }
            same = Some(next);
        }
        Ok(())
    }

    /// Loads a table and uses it.
    fn tables(&mut self) -> Result<(), Problem> {
        if self.s.is_dead {
            return Err(Problem::Full);
        }
        self.engine_item(|b| b.vector_of(VectorOperation::LoadTable))?;
        for _ in 0..self.random.range(1, 3) {
            self.engine_item(|b| b.vector_of(VectorOperation::Table))?;
        }
        Ok(())
    }
}
