//! What programs have done: every way in which an instruction can be used, every cause of a stall, every
//! alignment, every fault.
//!
//! Only executed instructions count, not written ones: each is looked at with the registers and the
//! configuration that it had. Features and their minima are the list in `src/coverage/modes.rs`; those of
//! floating point, in `src/coverage/floats.rs`, are only wanted of machines that have it.

mod floats;
mod modes;

use std::collections::BTreeMap;
use std::fmt;

use ediacara_arch::Machine;
use ediacara_isa::{Engine, Operation, decode};
use ediacara_sim::{Activity, EventKind, FaultKind, Outcome};

use crate::Program;
use crate::model::Scalar;

/// Counts by feature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
    programs: u64,
    /// Programs that ran on a machine with floating point in its vector engine.
    float_programs: u64,
    /// Programs that ran on one with floating point in its matrix engine.
    float_dot_programs: u64,
}

/// How often each alignment must occur, and each way to use a float instruction, since there are so many; and how often
/// everything else.
const LEAST_ALIGNMENTS: u64 = 3;
const LEAST_OF_FLOAT: u64 = 3;
const LEAST: u64 = 15;
/// The number of alignments: bytes within a burst of 128, the largest.
const ALIGNMENTS: u64 = 128;

impl Coverage {
    /// A coverage of nothing yet, with every feature that must occur on all machines.
    pub fn new() -> Self {
        let mut coverage = Self::default();
        for name in coverage.required() {
            coverage.counts.insert(name, 0);
        }
        coverage
    }

    /// Counts what a program did in a run, with a trace, that ended with `outcome`.
    pub fn add(&mut self, machine: &Machine, program: &Program, outcome: &Outcome) {
        self.programs += 1;
        self.float_programs += u64::from(machine.vector.float_lanes > 0);
        self.float_dot_programs += u64::from(machine.matrix.has_float());
        for engine in &outcome.engines {
            for (cause, cycles) in &engine.stalls {
                self.count_many(stall(engine.engine, *cause), u64::from(*cycles > 0));
            }
        }
        let kind = outcome.fault.as_ref().map_or("none", |fault| fault.kind.name());
        self.count(format!("fault {kind}"));
        let mut scalar = Scalar::new();
        for event in outcome.trace.iter().flatten() {
            let EventKind::Issue { instruction, .. } = event.kind else { continue };
            let Some(word) = program.code.get(instruction as usize) else { continue };
            let Ok(instruction) = decode(word) else { continue };
            modes::count(self, machine, &scalar, &instruction);
            floats::count(self, machine, &scalar, &instruction.operation);
            scalar.apply(&instruction.operation);
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        self.programs += other.programs;
        self.float_programs += other.float_programs;
        self.float_dot_programs += other.float_dot_programs;
        for (name, count) in &other.counts {
            self.count_many(name.clone(), *count);
        }
    }

    /// Programs that were counted.
    pub fn programs(&self) -> u64 {
        self.programs
    }

    /// How often something was done.
    pub fn of(&self, feature: &str) -> u64 {
        self.counts.get(feature).copied().unwrap_or_default()
    }

    /// Everything that was done less often than a run of CI must do it, with its count.
    pub fn missing(&self) -> Vec<(String, u64)> {
        let counts = self.required().into_iter().map(|name| {
            let count = self.of(&name);
            (name, count)
        });
        counts.filter(|(name, count)| *count < least(name)).collect()
    }

    /// Everything that must occur on the machines so far.
    fn required(&self) -> Vec<String> {
        let mut names = required();
        if self.float_programs > 0 {
            names.extend(floats::required());
        }
        if self.float_dot_programs > 0 {
            names.extend(modes::required_of_float_dot());
        }
        names
    }

    fn count(&mut self, name: String) {
        self.count_many(name, 1);
    }

    fn count_many(&mut self, name: String, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }
}

fn stall(engine: Engine, cause: Activity) -> String {
    format!("stall {} {}", engine.name(), cause.name())
}

fn least(feature: &str) -> u64 {
    match feature.split(' ').next() {
        Some("alignment") => LEAST_ALIGNMENTS,
        Some(name) if name.starts_with("float_") => LEAST_OF_FLOAT,
        _ => LEAST,
    }
}

fn alignment(what: &str, bytes: u64) -> String {
    format!("alignment {what} {:03}", bytes % ALIGNMENTS)
}

/// Everything that must occur on every machine.
fn required() -> Vec<String> {
    let mut names = modes::required();
    for engine in Engine::ALL {
        names.extend(Activity::stalls(engine).iter().map(|cause| stall(engine, *cause)));
    }
    for kind in [
        FaultKind::Opcode,
        FaultKind::Operand,
        FaultKind::Address,
        FaultKind::Fetch,
        FaultKind::SemaphoreOverflow,
        FaultKind::Deadlock,
    ] {
        names.push(format!("fault {}", kind.name()));
    }
    for bytes in 0..ALIGNMENTS {
        names.push(alignment("load source", bytes));
        names.push(alignment("store destination", bytes));
        names.push(alignment("load length", bytes));
        names.push(alignment("store length", bytes));
    }
    names
}

/// The table, for people: one line for each group of alignments, and one for each other feature.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} programs, {} on machines with floating point", self.programs, self.float_programs)?;
        writeln!(f, "wanted of each {LEAST}, of each alignment {LEAST_ALIGNMENTS}")?;
        let mut groups: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
        for (name, count) in &self.counts {
            match name.strip_prefix("alignment ") {
                None => writeln!(f, "{count:>10}  {name}")?,
                Some(rest) => {
                    let group = rest.rsplit_once(' ').map_or(rest, |(group, _)| group);
                    let (kinds, least, total) = groups.entry(group).or_insert((0, u64::MAX, 0));
                    *kinds += 1;
                    *least = (*least).min(*count);
                    *total += count;
                }
            }
        }
        for (group, (kinds, least, total)) in groups {
            writeln!(f, "{total:>10}  alignment {group}: {kinds} kinds, each at least {least} times")?;
        }
        Ok(())
    }
}

/// Whether an operation goes to a queue.
fn is_queued(operation: &Operation) -> bool {
    operation.spec().engine != Engine::Control
}
