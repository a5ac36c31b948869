//! A program's way through control, without time: registers, configuration, loops, branches, and what every
//! engine gets to do.

use std::rc::Rc;

use ediacara_arch::Machine;
use ediacara_isa::{Condition, ConfigRegister as C, Engine, Instruction, Loop, Operation};

use crate::footprint::{Context, Footprint, Problem, engine};
use crate::order::Order;

/// The most instructions that a program may execute.
const MOST_STEPS: u64 = 4000;
/// The most loops that nest.
const DEPTH: usize = 4;
/// Registers are taken modulo this.
pub(crate) const WORD: u64 = 1 << 40;

/// A loop that is being run.
#[derive(Debug, Clone, Copy)]
struct Running {
    first: usize,
    /// The last instruction of the body; unknown while the body is being written.
    last: usize,
    runs: u64,
}

/// Registers and configuration.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) registers: [u64; 16],
    pub(crate) config: Vec<i64>,
}

impl Scalar {
    /// At reset.
    pub(crate) fn new() -> Self {
        Self { registers: [0; 16], config: C::ALL.iter().map(|register| register.reset()).collect() }
    }

    /// What an instruction writes to them.
    pub(crate) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Set(o) => self.write(o.rd, o.value),
            Operation::AddScalar(o) => {
                self.write(o.rd, self.read(o.ra).wrapping_add(self.read(o.rb)).wrapping_add(o.value));
            }
            Operation::Config(o) => {
                o.writes.iter().for_each(|(register, value)| self.config[register.index()] = value);
            }
            _ => {}
        }
    }

    fn read(&self, register: u8) -> u64 {
        self.registers[usize::from(register)]
    }

    fn write(&mut self, register: u8, value: u64) {
        if register != 0 {
            self.registers[usize::from(register)] = value % WORD;
        }
    }
}

/// The state of a program that is executed while it is being written.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) scalar: Scalar,
    pub(crate) pc: usize,
    pub(crate) order: Order,
    loops: Vec<Running>,
    /// Cycles that the program needs at most, roughly.
    pub(crate) cycles: u64,
    steps: u64,
    /// Cycles of a taken branch.
    refill: u64,
    /// Cycles in which an instruction is fetched if nothing is fetched ahead.
    fetch: u64,
    /// Bytes of DRAM that belong to the code.
    pub(crate) code: (u64, u64),
}

impl Model {
    pub(crate) fn new(machine: &Machine, code: (u64, u64)) -> Self {
        let dram = &machine.dram;
        let rate = dram.bytes_per_cycle;
        let cycles = |bytes: u64| (bytes * u64::from(rate.denominator)).div_ceil(rate.numerator.into());
        let (latency, entries) = (u64::from(dram.latency_cycles), u64::from(machine.core.fetch_entries));
        Self {
            scalar: Scalar::new(),
            pc: 0,
            order: Order::new(machine.core.queue_entries),
            loops: Vec::new(),
            cycles: 0,
            steps: 0,
            // Bursts that were fetched in vain took bandwidth too.
            refill: latency + cycles(32 * entries + u64::from(dram.burst_bytes)) + 3,
            fetch: cycles(32) + latency / entries + 1,
            code,
        }
    }

    /// The footprint of an instruction at this place, under another configuration.
    pub(crate) fn footprint(
        &self,
        machine: &Machine,
        config: &[i64],
        operation: &Operation,
    ) -> Result<Footprint, Problem> {
        let context = Context { machine, registers: &self.scalar.registers, config, code: self.code };
        context.footprint(operation)
    }

    /// Executes until there is no more code.
    pub(crate) fn settle(&mut self, machine: &Machine, code: &[Instruction]) -> Result<(), Problem> {
        while self.pc < code.len() {
            let target = self.execute(machine, &code[self.pc])?;
            self.advance(target);
        }
        // A branch beyond the code leads to what is not written yet.
        if self.pc == code.len() { Ok(()) } else { Err(Problem::Fault) }
    }

    fn execute(&mut self, machine: &Machine, instruction: &Instruction) -> Result<Option<usize>, Problem> {
        self.steps += 1;
        self.cycles += self.fetch;
        if self.steps > MOST_STEPS {
            return Err(Problem::Full);
        }
        match &instruction.operation {
            Operation::Nop | Operation::Halt => {}
            Operation::Sync => {
                self.cycles += 16;
                self.order.sync()?;
            }
            Operation::Signal => self.order.signal(instruction.post)?,
            // The machine may lack some registers.
            Operation::Config(o) if o.writes.iter().any(|(register, _)| !register.is_on(machine)) => {
                return Err(Problem::Fault);
            }
            Operation::Set(_) | Operation::AddScalar(_) | Operation::Config(_) => {
                self.scalar.apply(&instruction.operation);
            }
            Operation::Loop(o) => self.enter(o)?,
            Operation::Jump(o) => return Ok(Some(o.target as usize)),
            Operation::Branch(o) => {
                return Ok(self.holds(o.condition, o.ra, o.rb).then_some(o.target as usize));
            }
            other => self.issue(machine, instruction, engine(other))?,
        }
        Ok(None)
    }

    fn issue(&mut self, machine: &Machine, instruction: &Instruction, engine: Engine) -> Result<(), Problem> {
        let footprint = self.footprint(machine, &self.scalar.config, &instruction.operation)?;
        self.cycles += footprint.cycles;
        self.order.issue(engine, (instruction.wait, instruction.post), Rc::new(footprint))
    }

    pub(crate) fn holds(&self, condition: Condition, ra: u8, rb: u8) -> bool {
        let (a, b) = (self.read(ra), self.read(rb));
        match condition {
            Condition::Equal => a == b,
            Condition::NotEqual => a != b,
            Condition::Less => a < b,
            Condition::GreaterEqual => a >= b,
        }
    }

    pub(crate) fn read(&self, register: u8) -> u64 {
        self.scalar.read(register)
    }

    /// Enters a `loop`; one whose body is not written yet has no instructions in it.
    fn enter(&mut self, o: &Loop) -> Result<(), Problem> {
        let runs = u64::from(o.count).wrapping_add(self.read(o.register)) % WORD;
        let is_open = o.body == 0;
        let last = if is_open { usize::MAX } else { self.pc + usize::from(o.body) };
        let fits = self.loops.last().is_none_or(|outer| last < outer.last || outer.last == usize::MAX);
        if runs == 0 || runs >= 1 << 24 || self.loops.len() == DEPTH || !fits {
            return Err(Problem::Fault);
        }
        self.loops.push(Running { first: self.pc + 1, last, runs });
        Ok(())
    }

    /// Says that the body of the loop at `place` ends before `end`, which is where the program has got to.
    pub(crate) fn close(&mut self, place: usize, end: usize) {
        if let Some(running) = self.loops.iter_mut().find(|running| running.first == place + 1) {
            running.last = end - 1;
        }
        // The last instruction was executed before it was known to be the last.
        if self.pc == end {
            self.pc = end - 1;
            self.advance(None);
        }
    }

    fn advance(&mut self, target: Option<usize>) {
        if let Some(target) = target {
            self.cycles += self.refill;
            self.pc = target;
            return;
        }
        match self.loops.last_mut().filter(|innermost| innermost.last == self.pc) {
            None => self.pc += 1,
            Some(innermost) if innermost.runs > 1 => {
                innermost.runs -= 1;
                self.cycles += self.refill;
                self.pc = innermost.first;
            }
            Some(_) => {
                self.loops.pop();
                self.pc += 1;
            }
        }
    }

    /// Whether a loop may begin here: there is room, and no branch has left a loop whose body lies behind.
    pub(crate) fn may_loop(&self) -> bool {
        self.loops.len() < DEPTH && self.loops.iter().all(|running| running.last == usize::MAX)
    }
}
