//! Control: the one path of a program through its code.
//!
//! Nothing that control does depends on time or on data, so that the path is known without running any
//! engine.

use ediacara_arch::Machine;
use ediacara_isa::{
    Address, Condition, ConfigRegister, DecodeError, Engine, Executable, Instruction, Loop, Operation,
    Registers, WORD_BYTES,
};

use crate::Property;
use crate::finding::Refused;

/// Registers and addresses are taken modulo this plus one.
const WORD_MASK: u64 = (1 << 40) - 1;
const LOOP_DEPTH: usize = 4;
const LOOP_COUNT_MAX: u64 = (1 << 24) - 1;

/// Registers and configuration.
#[derive(Debug, Clone)]
pub(crate) struct State {
    registers: [u64; 16],
    config: [i64; ConfigRegister::COUNT],
}

impl State {
    fn at_reset() -> State {
        let mut config = [0; ConfigRegister::COUNT];
        for register in ConfigRegister::ALL {
            config[register.index()] = register.reset();
        }
        State { registers: [0; 16], config }
    }

    /// An address, resolved.
    pub(crate) fn address(&self, address: Address) -> u64 {
        (address.offset + self.register(address.register)) & WORD_MASK
    }

    /// A configuration register.
    pub(crate) fn config(&self, register: ConfigRegister) -> i64 {
        self.config[register.index()]
    }

    fn register(&self, register: u8) -> u64 {
        self.registers[usize::from(register)]
    }

    fn write(&mut self, register: u8, value: u64) {
        if register != 0 {
            self.registers[usize::from(register)] = value & WORD_MASK;
        }
    }
}

/// A loop that runs.
#[derive(Debug, Clone, Copy)]
struct Running {
    first: u64,
    last: u64,
    runs: u64,
}

/// The part of an instruction of control that the rest of the machine sees.
#[derive(Debug)]
pub(crate) enum Step {
    /// Goes to the queue of this engine.
    Issue(Engine, Instruction),
    /// Waits until every engine is idle.
    Sync,
    /// Posts semaphores.
    Signal(u16),
    /// Ends the program when every engine is idle.
    Halt,
}

/// Which engines of a machine have float instructions, and the registers of these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floats {
    pub(crate) matrix: bool,
    pub(crate) vector: bool,
}

impl Floats {
    /// What a machine without them says.
    pub(crate) const NOT_IN_MATRIX: &'static str = "matrix.types has no type of floating point";
    pub(crate) const NOT_IN_VECTOR: &'static str = "vector.float_lanes is 0";

    pub(crate) fn of(machine: &Machine) -> Floats {
        Floats { matrix: machine.matrix.has_float(), vector: machine.vector.float_lanes > 0 }
    }
}

/// Walks through the code.
pub(crate) struct Walk<'a> {
    executable: &'a Executable,
    pub(crate) state: State,
    index: u64,
    loops: Vec<Running>,
    has: Floats,
    /// Instructions executed so far.
    pub(crate) executed: u64,
}

impl<'a> Walk<'a> {
    /// From the first instruction on, with these numbers in the scalar registers.
    pub(crate) fn new(executable: &'a Executable, has: Floats, registers: &Registers) -> Walk<'a> {
        let mut state = State::at_reset();
        (0..).zip(registers).for_each(|(register, value)| state.write(register, *value));
        Walk { executable, state, index: 0, loops: Vec::new(), has, executed: 0 }
    }

    /// Whether the next instruction has the opcode of a float instruction that the machine lacks.
    fn is_lacking(&self) -> bool {
        let word = usize::try_from(self.index).ok().and_then(|index| self.executable.code.get(index));
        word.is_some_and(|word| match word[0] {
            0x21 => !self.has.matrix,
            0x50..=0x66 => !self.has.vector,
            _ => false,
        })
    }

    /// First byte of the code, and the one past its last.
    pub(crate) fn code(executable: &Executable) -> (u64, u64) {
        let bytes = (executable.code.len() * WORD_BYTES) as u64;
        (executable.code_base, executable.code_base.saturating_add(bytes))
    }

    /// The index of the next instruction.
    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    /// Goes on to the next instruction that others see, and executes control's own on the way.
    ///
    /// The instruction is left to be passed by [`pass`](Walk::pass). At most `limit` instructions are
    /// executed in all.
    pub(crate) fn next(&mut self, limit: u64) -> Result<Step, Refused> {
        loop {
            let instruction = self.fetch()?;
            if self.executed == limit {
                let detail = format!(
                    "{limit} instructions were executed and no `halt` was reached; a larger limit goes on, if this is no endless loop"
                );
                return Err(Refused { property: Property::Fetch, detail });
            }
            match instruction.operation {
                Operation::Sync => return Ok(Step::Sync),
                Operation::Halt => return Ok(Step::Halt),
                Operation::Signal => return Ok(Step::Signal(instruction.post)),
                operation => match operation.engine() {
                    Engine::Control => {
                        let target = self.execute(&operation)?;
                        self.advance(target);
                    }
                    engine => return Ok(Step::Issue(engine, instruction)),
                },
            }
        }
    }

    /// Moves on behind an instruction that [`next`](Walk::next) gave.
    pub(crate) fn pass(&mut self) {
        self.advance(None);
    }

    fn fetch(&self) -> Result<Instruction, Refused> {
        let decoded = usize::try_from(self.index).ok().and_then(|index| self.executable.instruction(index));
        let Some(decoded) = decoded else {
            let detail = format!(
                "control reaches instruction {}, but the code has {} instructions",
                self.index,
                self.executable.code.len()
            );
            return Err(Refused { property: Property::Fetch, detail });
        };
        decoded.map_err(|error| {
            let property = match error {
                DecodeError::Opcode(_) => Property::Opcode,
                // A machine without floating point has no float instructions, whatever their operands are.
                DecodeError::Operand(_) if self.is_lacking() => Property::Opcode,
                DecodeError::Operand(_) => Property::Operand,
            };
            Refused { property, detail: error.to_string() }
        })
    }

    /// The target of a taken branch.
    fn execute(&mut self, operation: &Operation) -> Result<Option<u64>, Refused> {
        match operation {
            Operation::Set(set) => self.state.write(set.rd, set.value),
            Operation::AddScalar(add) => {
                let sum = self.state.register(add.ra) + self.state.register(add.rb) + add.value;
                self.state.write(add.rd, sum);
            }
            Operation::Config(config) => {
                for (register, value) in config.writes.iter() {
                    let (has, why) = match register.engine() {
                        Engine::Matrix => (self.has.matrix, Floats::NOT_IN_MATRIX),
                        _ => (self.has.vector, Floats::NOT_IN_VECTOR),
                    };
                    if register.is_float() && !has {
                        let detail = format!("config {}: {why}", register.name());
                        return Err(Refused { property: Property::Operand, detail });
                    }
                    self.state.config[register.index()] = value;
                }
            }
            Operation::Loop(op) => self.enter(op)?,
            Operation::Jump(jump) => return Ok(Some(jump.target.into())),
            Operation::Branch(branch) => {
                let (left, right) = (self.state.register(branch.ra), self.state.register(branch.rb));
                let taken = match branch.condition {
                    Condition::Equal => left == right,
                    Condition::NotEqual => left != right,
                    Condition::Less => left < right,
                    Condition::GreaterEqual => left >= right,
                };
                return Ok(taken.then_some(branch.target.into()));
            }
            _ => {}
        }
        Ok(None)
    }

    fn enter(&mut self, op: &Loop) -> Result<(), Refused> {
        let refuse = |detail| Err(Refused { property: Property::Operand, detail });
        let runs = (u64::from(op.count) + self.state.register(op.register)) & WORD_MASK;
        if !(1..=LOOP_COUNT_MAX).contains(&runs) {
            return refuse(format!("loop count: {runs} is outside 1..={LOOP_COUNT_MAX}"));
        }
        if self.loops.len() == LOOP_DEPTH {
            return refuse(format!("loop: more than {LOOP_DEPTH} loops inside one another"));
        }
        let last = self.index + u64::from(op.body);
        if self.loops.last().is_some_and(|outer| last >= outer.last) {
            return refuse(
                "loop body: must end before the last instruction of the loop around it".to_owned(),
            );
        }
        self.loops.push(Running { first: self.index + 1, last, runs });
        Ok(())
    }

    fn advance(&mut self, target: Option<u64>) {
        self.executed += 1;
        if let Some(target) = target {
            self.index = target;
            return;
        }
        if let Some(innermost) = self.loops.last_mut().filter(|innermost| innermost.last == self.index) {
            innermost.runs -= 1;
            if innermost.runs > 0 {
                self.index = innermost.first;
                return;
            }
            self.loops.pop();
        }
        self.index += 1;
    }
}
