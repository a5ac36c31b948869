//! What control executes itself: scalar registers, configuration, loops, branches (docs/isa.md, "Control").

use ediacara_isa::{Condition, ConfigRegister, ConfigWrites, Loop, Operation, Registers};

use crate::outcome::FaultKind;
use crate::resolve::{Refusal, State, WORD_MASK, no_float};

/// The most loops that may be inside one another.
const LOOP_DEPTH: usize = 4;
/// The most runs of a loop.
const LOOP_COUNT_MAX: u64 = (1 << 24) - 1;

/// A loop that is being run.
#[derive(Debug, Clone, Copy)]
struct Running {
    first: u64,
    /// The last instruction of the body.
    last: u64,
    /// Runs to go, the present one included.
    runs: u64,
}

/// Where the program goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// To the instruction behind.
    Sequential,
    /// To this index, by a taken branch (T-FETCH-REDIRECT).
    Redirect(u64),
}

/// The scalar state of a core.
pub(crate) struct Scalar {
    pub(crate) state: State,
    /// Index of the instruction to execute next.
    pub(crate) pc: u64,
    loops: Vec<Running>,
    /// Whether the machine has each configuration register.
    present: [bool; ConfigRegister::COUNT],
}

impl Scalar {
    pub(crate) fn new(present: [bool; ConfigRegister::COUNT]) -> Self {
        Self { state: State::new(), pc: 0, loops: Vec::with_capacity(LOOP_DEPTH), present }
    }

    fn write(&mut self, register: u8, value: u64) {
        if register != 0 {
            self.state.registers[usize::from(register)] = value & WORD_MASK;
        }
    }

    /// Sets every register, before the first cycle.
    pub(crate) fn bind(&mut self, registers: &Registers) {
        for (register, value) in (0..).zip(registers) {
            self.write(register, *value);
        }
    }

    fn read(&self, register: u8) -> u64 {
        self.state.registers[usize::from(register)]
    }

    /// Executes a control instruction, except `sync`, `halt` and `signal`, which do nothing here.
    ///
    /// Returns the target of a taken branch. Does not move `pc`.
    pub(crate) fn execute(&mut self, operation: &Operation) -> Result<Option<u64>, Refusal> {
        match operation {
            Operation::Set(set) => self.write(set.rd, set.value),
            Operation::AddScalar(add) => {
                let sum = self.read(add.ra).wrapping_add(self.read(add.rb)).wrapping_add(add.value);
                self.write(add.rd, sum);
            }
            Operation::Config(config) => self.configure(&config.writes)?,
            Operation::Loop(op) => self.enter(op)?,
            Operation::Jump(jump) => return Ok(Some(jump.target.into())),
            Operation::Branch(branch) => {
                let (a, b) = (self.read(branch.ra), self.read(branch.rb));
                let taken = match branch.condition {
                    Condition::Equal => a == b,
                    Condition::NotEqual => a != b,
                    Condition::Less => a < b,
                    Condition::GreaterEqual => a >= b,
                };
                return Ok(taken.then_some(branch.target.into()));
            }
            _ => {}
        }
        Ok(None)
    }

    fn configure(&mut self, writes: &ConfigWrites) -> Result<(), Refusal> {
        let missing = |register: &ConfigRegister| !self.present[register.index()];
        if let Some(register) = writes.iter().map(|(register, _)| register).find(missing) {
            let why = no_float(register.engine());
            let detail = format!("config {}: {why}", register.name());
            return Err(Refusal { kind: FaultKind::Operand, detail });
        }
        for (register, value) in writes.iter() {
            self.state.config[register.index()] = value;
        }
        Ok(())
    }

    fn enter(&mut self, op: &Loop) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal { kind: FaultKind::Operand, detail });
        let runs = u64::from(op.count).wrapping_add(self.read(op.register)) & WORD_MASK;
        if !(1..=LOOP_COUNT_MAX).contains(&runs) {
            return refuse(format!("loop count: {runs} is outside 1..={LOOP_COUNT_MAX}"));
        }
        if self.loops.len() == LOOP_DEPTH {
            return refuse(format!(
                "loop: a fifth loop inside {LOOP_DEPTH} others; at most {LOOP_DEPTH} may nest"
            ));
        }
        let last = self.pc + u64::from(op.body);
        if let Some(outer) = self.loops.last().filter(|outer| last >= outer.last) {
            return refuse(format!(
                "loop body: {} instructions end at {last}, but must end before {}, the last of the loop around",
                op.body, outer.last
            ));
        }
        self.loops.push(Running { first: self.pc + 1, last, runs });
        Ok(())
    }

    /// Moves `pc` on from the instruction just executed, which took a branch to `target` or none.
    pub(crate) fn advance(&mut self, target: Option<u64>) -> Next {
        let next = match target {
            Some(target) => Next::Redirect(target),
            None => self.end_of_body(),
        };
        match next {
            Next::Sequential => self.pc += 1,
            Next::Redirect(target) => self.pc = target,
        }
        next
    }

    fn end_of_body(&mut self) -> Next {
        let Some(innermost) = self.loops.last_mut().filter(|innermost| innermost.last == self.pc) else {
            return Next::Sequential;
        };
        innermost.runs -= 1;
        if innermost.runs > 0 {
            return Next::Redirect(innermost.first);
        }
        self.loops.pop();
        Next::Sequential
    }
}
