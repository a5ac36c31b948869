//! Loops and branches.

use ediacara_isa::{AddScalar, Branch, Condition, Engine, Instruction, Jump, Loop, Operation, Set};

use super::Builder;
use super::operands::Proposal;
use crate::footprint::Problem;
use crate::model::WORD;

impl Builder<'_> {
    /// A hardware loop.
    ///
    /// Where its runs get in one another's way, each begins with a `sync`.
    pub(super) fn repeat(&mut self) -> Result<(), Problem> {
        if !self.s.model.may_loop() || self.s.is_dead {
            return Err(Problem::Full);
        }
        let runs = self.random.small(1, 7);
        let place = self.open(runs)?;
        // This is room for a `sync`.
        self.push(Operation::Nop)?;
        let before = self.s.model.clone();
        let items = self.random.small(1, 5);
        self.items(items);
        let breaks = self.random.chance(6);
        let branch = if breaks { Some(self.leave_later()?) } else { None };
        // An inner loop may not end where this one does.
        self.scalar()?;
        self.s.blocks.pop();
        self.close(place, branch, before)
    }

    /// Begins a loop.
    fn open(&mut self, runs: u64) -> Result<usize, Problem> {
        let place = self.s.code.len();
        let register = if self.random.chance(15) { self.random.range(1, 15) as u8 } else { 0 };
        let value = self.s.model.read(register);
        let count = runs.wrapping_sub(value) % WORD;
        let (count, register) = if count < 1 << 24 { (count, register) } else { (runs, 0) };
        self.push(Loop { count: count as u32, register, body: 0 })?;
        self.s.blocks.push(Vec::new());
        Ok(place)
    }

    /// Ends the body, and runs it as often as it says.
    fn close(
        &mut self,
        place: usize,
        branch: Option<usize>,
        before: crate::model::Model,
    ) -> Result<(), Problem> {
        let end = self.s.code.len();
        if let Operation::Loop(mut written) = self.s.code[place].operation {
            written.body = (end - place - 1) as u16;
            self.s.code[place] = Instruction::new(written);
        }
        if let Some(index) = branch
            && let Operation::Branch(mut written) = self.s.code[index].operation
        {
            written.target = end as u32;
            self.s.code[index] = Instruction::new(written);
        }
        self.s.model.close(place, end);
        let result = self.s.model.settle(self.machine, &self.s.code);
        if result.is_ok() {
            return Ok(());
        }
        self.s.code[place + 1] = Instruction::new(Operation::Sync);
        self.s.model = before;
        // The `nop` was executed, and is a `sync` now.
        self.s.model.pc = place + 1;
        self.s.model.close(place, end);
        self.s.model.settle(self.machine, &self.s.code)
    }

    /// A branch out of the loop, not taken in its first run.
    ///
    /// Its target is not known yet.
    fn leave_later(&mut self) -> Result<usize, Problem> {
        let (ra, rb) = (self.random.range(1, 13) as u8, self.random.range(0, 13) as u8);
        let step = self.random.range(1, 3);
        self.push(AddScalar { rd: ra, ra, rb: 0, value: step })?;
        let untaken: Vec<_> = Condition::ALL
            .iter()
            .copied()
            .filter(|condition| !self.s.model.holds(*condition, ra, rb))
            .collect();
        let condition = self.random.pick(&untaken);
        let index = self.s.code.len();
        self.push(Branch { condition, ra, rb, target: u32::MAX >> 8 })?;
        Ok(index)
    }

    /// A loop by a register and a backward branch.
    pub(super) fn count_down(&mut self) -> Result<(), Problem> {
        if self.s.is_dead || self.s.blocks.len() > 2 {
            return Err(Problem::Full);
        }
        let counter = 14 + (self.s.blocks.len() % 2) as u8;
        let runs = self.random.small(1, 5);
        self.push(Set { rd: counter, value: runs })?;
        let target = self.s.code.len();
        let head = if self.random.chance(30) { Operation::Sync } else { Operation::Nop };
        self.push(head)?;
        self.s.blocks.push(Vec::new());
        for _ in 0..self.random.range(1, 4) {
            if self.random.chance(70) {
                self.attempt(Self::any_engine);
            } else {
                self.attempt(Self::scalar);
            }
        }
        self.s.blocks.pop();
        self.push(AddScalar { rd: counter, ra: counter, rb: 0, value: WORD - 1 })?;
        let (condition, rb) = if self.random.chance(50) {
            (Condition::NotEqual, 0)
        } else {
            // The branch is taken as long as one operand is less than the counter: zero is, until the counter
            // gets there.
            (Condition::Less, counter)
        };
        let ra = if condition == Condition::Less { 0 } else { counter };
        self.push(Branch { condition, ra, rb, target: target as u32 })
    }

    /// A forward branch, taken or not, over a few instructions.
    pub(super) fn skip(&mut self) -> Result<(), Problem> {
        if self.s.is_dead {
            return Err(Problem::Full);
        }
        let place = self.s.code.len();
        let (ra, rb) = (self.random.range(0, 13) as u8, self.random.range(0, 13) as u8);
        let condition = self.random.pick(Condition::ALL);
        let is_jump = self.random.chance(30);
        let is_taken = is_jump || self.s.model.holds(condition, ra, rb);
        let branch = |target: usize| -> Operation {
            let target = target as u32;
            if is_jump { Jump { target }.into() } else { Branch { condition, ra, rb, target }.into() }
        };
        self.s.code.push(Instruction::new(branch(place + 1)));
        self.s.is_dead = is_taken;
        if !is_taken {
            self.s.model.settle(self.machine, &self.s.code)?;
        }
        self.s.blocks.push(Vec::new());
        for _ in 0..self.random.range(0, 3) {
            if self.random.chance(60) { self.scalar()? } else { self.any_engine()? }
        }
        self.s.blocks.pop();
        self.s.is_dead = false;
        let target = self.s.code.len();
        self.s.code[place] = Instruction::new(branch(target));
        // The branch's target must exist, also inside a loop.
        self.push(Operation::Nop)
    }

    /// A loop whose stages are chained by semaphores, each run to the one before.
    ///
    /// With more credits than one, runs overlap if their addresses let them.
    pub(super) fn pipeline(&mut self) -> Result<(), Problem> {
        if !self.s.model.may_loop() || self.s.is_dead || self.s.blocks.len() > 1 {
            return Err(Problem::Full);
        }
        let stages = match self.random.range(0, 3) {
            0 => vec![Engine::Load, Engine::Store],
            1 => vec![Engine::Load, Engine::Vector, Engine::Store],
            2 => vec![Engine::Load, Engine::Matrix, Engine::Vector],
            _ => vec![Engine::Load, Engine::Matrix, Engine::Vector, Engine::Store],
        };
        let proposals: Vec<Proposal> =
            stages.iter().map(|engine| self.pick(|b| b.propose(*engine))).collect::<Result<_, _>>()?;
        self.push(Operation::Sync)?;
        let mut free = self.s.model.order.free_for_control();
        if free.len() < stages.len() {
            return Err(Problem::Full);
        }
        let semaphores: Vec<usize> = stages
            .iter()
            .map(|_| free.remove(self.random.range(0, free.len() as u64 - 1) as usize))
            .collect();
        let credits = self.random.range(1, 2);
        for _ in 0..credits {
            self.emit(Instruction::new(Operation::Signal).posting(1 << semaphores[0]))?;
        }
        let runs = self.random.range(2, 6);
        let place = self.open(runs)?;
        self.push(Operation::Nop)?;
        let before = self.s.model.clone();
        for (stage, proposal) in proposals.iter().enumerate() {
            self.configure(&proposal.writes)?;
            let next = semaphores[(stage + 1) % semaphores.len()];
            let instruction = Instruction::new(proposal.operation);
            self.emit(instruction.waiting(1 << semaphores[stage]).posting(1 << next))?;
        }
        self.scalar()?;
        self.s.blocks.pop();
        self.close(place, None, before)?;
        // Some programs take the credits back.
        if self.random.chance(70) {
            for _ in 0..credits {
                let proposal = self.pick(|b| b.propose(Engine::Load))?;
                self.configure(&proposal.writes)?;
                let wait = self.order(&proposal)?;
                let instruction = Instruction::new(proposal.operation);
                self.finish(instruction.waiting(wait).waiting(1 << semaphores[0]))?;
            }
        }
        Ok(())
    }
}
