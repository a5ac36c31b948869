//! The ideal engine.
//!
//! Every unit takes its instructions in order and starts each as soon as it is idle; `sync` waits for all
//! units.

use ediacara_isa::{AssembleError, AssembleErrors};

use super::estimate::{Activity, Estimate, Interval, Tally};
use super::machine::{AbstractMachine, Memory, OperationType};
use super::pieces::{Holdings, UnitIndex};
use super::statement::{Action, Amount, Clauses, Pieces, Place, Program, Selection};

/// The most instructions that a program may execute, counted for each core.
///
/// They take some seconds, and some tens of megabytes of timeline.
const INSTRUCTIONS_LIMIT: u64 = 4_000_000;

/// The most bytes or operations of one instruction, so that no product with ticks overflows.
const AMOUNT_LIMIT: i64 = 1 << 48;

/// The most ticks that a program may take, so that no sum over cores overflows.
const TICKS_LIMIT: u128 = 1 << 120;

/// The most pieces that a program's instructions may name, counted each time; they take some seconds.
const TOUCHES_LIMIT: u64 = 1 << 28;

impl Program {
    /// Executes the program and says how long it takes.
    ///
    /// # Errors
    /// The machine lacks something that the program uses. A memory overflows. A piece is computed on, moved
    /// or overwritten without a `sync` between that and what writes or reads it. The error names line and
    /// column.
    pub fn estimate(&self, machine: &AbstractMachine) -> Result<Estimate, AssembleErrors> {
        let mut engine = Engine::new(self, machine);
        engine.run().map_err(|error| AssembleErrors { errors: vec![error], omitted: 0 })?;
        engine.sync();
        Ok(engine.tally.finish(machine, engine.now))
    }
}

/// Units by number: DRAM, then each core's way to SharedRAM, then each core's compute unit.
struct Engine<'a> {
    program: &'a Program,
    machine: &'a AbstractMachine,
    holdings: Holdings,
    used_bytes: [u64; Memory::ALL.len()],
    /// When each unit is idle, in ticks.
    free_at: Vec<u128>,
    /// When the last `sync` was over.
    now: u128,
    executed: u64,
    touched: u64,
    /// Counters of the loops that are running, outermost first.
    counters: Vec<u64>,
    tally: Tally,
}

const DRAM: UnitIndex = 0;

impl<'a> Engine<'a> {
    fn new(program: &'a Program, machine: &'a AbstractMachine) -> Engine<'a> {
        Engine {
            program,
            machine,
            holdings: Holdings::new(program),
            used_bytes: [0; Memory::ALL.len()],
            free_at: vec![0; 1 + 2 * machine.cores as usize],
            now: 0,
            executed: 0,
            touched: 0,
            counters: Vec::new(),
            tally: Tally::new(machine),
        }
    }
}

impl Engine<'_> {
    fn run(&mut self) -> Result<(), AssembleError> {
        let program = self.program;
        // How often each running loop has to run.
        let mut counts: Vec<u64> = Vec::new();
        let mut next = 0;
        while let Some(statement) = program.statements.get(next) {
            next += 1;
            match &statement.action {
                Action::Loop { count, end } => match self.amount(count, "how often", 0)? {
                    0 => next = end + 1,
                    times => {
                        counts.push(times);
                        self.counters.push(0);
                    }
                },
                Action::EndLoop { start } => {
                    self.count_instruction(statement.at)?;
                    if let (Some(counter), Some(&times)) = (self.counters.last_mut(), counts.last()) {
                        *counter += 1;
                        if *counter < times {
                            next = start + 1;
                        } else {
                            self.counters.pop();
                            counts.pop();
                        }
                    }
                }
                Action::Sync => self.sync(),
                Action::Allocate(buffer) => self.allocate(*buffer, statement.at)?,
                Action::Free(buffer) => self.free(*buffer, statement.at)?,
                Action::Move { source, destination, bytes, clauses } => {
                    self.move_(*source, *destination, bytes, clauses, statement.at)?;
                }
                Action::Compute { operation, count, clauses } => {
                    self.compute(*operation, count, clauses, statement.at)?;
                }
            }
        }
        Ok(())
    }

    fn sync(&mut self) {
        self.now = self.free_at.iter().copied().max().unwrap_or(0).max(self.now);
        self.holdings.sync();
    }

    fn move_(
        &mut self,
        source: Memory,
        destination: Memory,
        bytes: &Amount,
        clauses: &Clauses,
        at: Place,
    ) -> Result<(), AssembleError> {
        let amount = self.amount(bytes, "the number of bytes", 0)?;
        let factor = clauses.expands.as_ref().map_or(Ok(1), |factor| self.amount(factor, "the factor", 1))?;
        for memory in [source, destination] {
            if self.machine.capacity_bytes(memory) == Some(0) {
                return Err(self.error(at, format!("{} has no {}", self.machine.name, memory.name())));
            }
        }
        self.check_size(bytes, amount, &clauses.reads)?;
        self.check_size(bytes, amount.saturating_mul(factor), &clauses.writes)?;
        let through_dram = source == Memory::Dram || destination == Memory::Dram;
        let bandwidth =
            if through_dram { self.machine.bandwidth.dram } else { self.machine.bandwidth.shared_ram };
        let ticks = u128::from(amount) * self.machine.ticks_of(bandwidth.into());
        let activity = if destination == Memory::Dram || (!through_dram && destination == Memory::SharedRam) {
            Activity::Store
        } else {
            Activity::Load
        };
        let cores = if source.is_private() || destination.is_private() { self.cores(clauses)? } else { 0..1 };
        for core in cores {
            let unit = if through_dram { DRAM } else { 1 + core };
            self.occupy(unit, ticks, activity, at)?;
            self.tally.moved(unit, activity, amount);
            self.touch(clauses, core, unit)?;
        }
        Ok(())
    }

    fn compute(
        &mut self,
        operation: OperationType,
        count: &Amount,
        clauses: &Clauses,
        at: Place,
    ) -> Result<(), AssembleError> {
        let amount = self.amount(count, "the number of operations", 0)?;
        let Some(rate) = self.machine.rate(operation) else {
            let message = format!("{} cannot do {}", self.machine.name, operation.name());
            return Err(self.error(at, message));
        };
        let per_second = u128::from(rate) * u128::from(self.machine.clock_hz);
        let ticks = u128::from(amount) * self.machine.ticks_of(per_second);
        for core in self.cores(clauses)? {
            let unit = 1 + self.machine.cores + core;
            self.occupy(unit, ticks, Activity::Compute, at)?;
            self.tally.computed(operation, amount);
            self.touch(clauses, core, unit)?;
        }
        Ok(())
    }

    /// Lets the unit work for `ticks`, from when it is idle.
    fn occupy(
        &mut self,
        unit: UnitIndex,
        ticks: u128,
        activity: Activity,
        at: Place,
    ) -> Result<(), AssembleError> {
        self.count_instruction(at)?;
        let Some(free_at) = self.free_at.get_mut(unit as usize) else { return Ok(()) };
        let start = self.now.max(*free_at);
        *free_at = start + ticks;
        if *free_at > TICKS_LIMIT {
            return Err(self.error(at, "the program's time is too long to be exact".to_owned()));
        }
        self.tally.busy(unit, Interval { start, end: start + ticks, activity });
        Ok(())
    }

    fn count_instruction(&mut self, at: Place) -> Result<(), AssembleError> {
        self.executed += 1;
        if self.executed > INSTRUCTIONS_LIMIT {
            let message =
                format!("the program executes more than {INSTRUCTIONS_LIMIT} instructions; use larger ones");
            return Err(self.error(at, message));
        }
        Ok(())
    }

    /// Records what a core's instruction reads and writes.
    fn touch(&mut self, clauses: &Clauses, core: u32, unit: UnitIndex) -> Result<(), AssembleError> {
        for (list, writes) in [(&clauses.reads, false), (&clauses.writes, true)] {
            for pieces in list {
                let selected = self.selected(pieces)?;
                self.touched += selected.end - selected.start;
                if self.touched > TOUCHES_LIMIT {
                    let message =
                        format!("the program names more than {TOUCHES_LIMIT} pieces; use larger ones");
                    return Err(self.error(pieces.at, message));
                }
                for piece in selected {
                    let Some(buffer) = self.program.buffers.get(pieces.buffer) else { continue };
                    let own = if buffer.memory.is_private() { u64::from(core) * buffer.pieces } else { 0 };
                    let index = (own + piece) as usize;
                    let result = if writes {
                        self.holdings.write(pieces.buffer, index, unit)
                    } else {
                        self.holdings.read(pieces.buffer, index, unit)
                    };
                    result.map_err(|problem| {
                        self.error(pieces.at, format!("{}[{piece}]: {problem}", buffer.name))
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The numbers of the pieces that a clause names.
    fn selected(&self, pieces: &Pieces) -> Result<std::ops::Range<u64>, AssembleError> {
        let Some(buffer) = self.program.buffers.get(pieces.buffer) else { return Ok(0..0) };
        let value = |expression: &super::expression::Expression| {
            expression.value(&self.counters).map_err(|problem| self.error(pieces.at, problem))
        };
        let (from, end) = match &pieces.range {
            Selection::All => (0, buffer.pieces as i64),
            Selection::One(piece) => {
                let piece = value(piece)?;
                (piece, piece.saturating_add(1))
            }
            Selection::Range(from, end) => (value(from)?, value(end)?),
        };
        if from < 0 || end < from || end > buffer.pieces as i64 {
            let message = format!("`{}` has the pieces 0 to {}, not {from}", buffer.name, buffer.pieces - 1);
            let message = if end > from + 1 { format!("{message} to {}", end - 1) } else { message };
            return Err(self.error(pieces.at, message));
        }
        Ok(from as u64..end as u64)
    }

    /// Checks that a move takes or leaves the bytes of the pieces it names.
    fn check_size(&self, at: &Amount, bytes: u64, list: &[Pieces]) -> Result<(), AssembleError> {
        let mut total = 0_u64;
        for pieces in list {
            let range = self.selected(pieces)?;
            let size = self.program.buffers.get(pieces.buffer).map_or(0, |buffer| buffer.piece_bytes);
            total = total.saturating_add((range.end - range.start).saturating_mul(size));
        }
        if list.is_empty() || total == bytes {
            return Ok(());
        }
        Err(self.error(at.at, format!("{bytes} bytes for pieces of {total} bytes together")))
    }

    fn allocate(&mut self, index: usize, at: Place) -> Result<(), AssembleError> {
        let Some(buffer) = self.program.buffers.get(index) else { return Ok(()) };
        let bytes = buffer.pieces.saturating_mul(buffer.piece_bytes);
        let used = &mut self.used_bytes[buffer.memory as usize];
        *used = used.saturating_add(bytes);
        let (used, capacity) = (*used, self.machine.capacity_bytes(buffer.memory).unwrap_or(u64::MAX));
        if used > capacity {
            let name = buffer.memory.name();
            return Err(self.error(at, format!("{name} overflows: {used} bytes are wanted of {capacity}")));
        }
        let copies = if buffer.memory.is_private() { self.machine.cores as usize } else { 1 };
        let pieces = buffer.pieces as usize * copies;
        self.holdings.allocate(index, pieces).map_err(|problem| self.error(at, problem.to_owned()))
    }

    fn free(&mut self, index: usize, at: Place) -> Result<(), AssembleError> {
        self.holdings.free(index).map_err(|problem| self.error(at, problem.to_owned()))?;
        if let Some(buffer) = self.program.buffers.get(index) {
            let used = &mut self.used_bytes[buffer.memory as usize];
            *used = used.saturating_sub(buffer.pieces.saturating_mul(buffer.piece_bytes));
        }
        Ok(())
    }

    fn cores(&self, clauses: &Clauses) -> Result<std::ops::Range<u32>, AssembleError> {
        let Some((first, end)) = &clauses.cores else { return Ok(0..self.machine.cores) };
        let from = self.amount(first, "a core", 0)?;
        let end_at = end.as_ref().map_or(first.at, |end| end.at);
        let end = end.as_ref().map_or(Ok(from + 1), |end| self.amount(end, "a core", 0))?;
        if end > u64::from(self.machine.cores) || from >= end {
            let message = format!("{} has the cores 0 to {}", self.machine.name, self.machine.cores - 1);
            return Err(self.error(end_at, message));
        }
        Ok(from as u32..end as u32)
    }

    /// An amount of at least `least`.
    fn amount(&self, amount: &Amount, what: &str, least: i64) -> Result<u64, AssembleError> {
        match amount.expression.value(&self.counters) {
            Ok(value) if (least..=AMOUNT_LIMIT).contains(&value) => Ok(value as u64),
            Ok(value) => {
                Err(self.error(amount.at, format!("{what} is {least} to {AMOUNT_LIMIT}, found {value}")))
            }
            Err(problem) => Err(self.error(amount.at, problem)),
        }
    }

    /// An error at a place, with the counters of the loops that are running.
    fn error(&self, at: Place, message: String) -> AssembleError {
        let mut error = self.program.error(at, message);
        if !self.counters.is_empty() {
            let counters: Vec<String> = self.counters.iter().map(u64::to_string).collect();
            error.help = Some(format!("loops were at {} (outermost first, from 0)", counters.join(", ")));
        }
        error
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    /// How many statements a program of nested loops has, and how many instructions it executes.
    fn work(depth: usize) -> (usize, u64) {
        let text = format!("{}sync\n{}", "loop 1 as i\n".repeat(depth), "endloop\n".repeat(depth));
        let program = Program::parse(&text, "p.dlpa").unwrap();
        let machine = AbstractMachine::load("book_core").unwrap();
        let mut engine = Engine::new(&program, &machine);
        engine.run().unwrap();
        assert!(engine.counters.is_empty());
        (program.statements.len(), engine.executed)
    }

    #[test]
    fn work_grows_with_the_depth_of_loops_and_no_faster() {
        for depth in [0, 1, 2, 1000, 100_000] {
            // A `sync` is no instruction of a unit; the end of a loop counts as one.
            assert_eq!(work(depth), (2 * depth + 1, depth as u64));
        }
    }
}
