//! Describes where simulator and hardware part, so that it can be found in the code and in the documents.

use std::fmt;

use ediacara_isa::{Executable, Instruction, Place, instruction_text};
use ediacara_sim::{Event, EventKind, FaultKind, Requester};

use crate::rules::rule_of;

/// What differs first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The next event; `None` where that side has no further one by then.
    Event {
        /// The simulator's.
        simulator: Option<Event>,
        /// The hardware's.
        hardware: Option<Event>,
    },
    /// The number of cycles, after equal events.
    Cycles {
        /// The simulator's.
        simulator: u64,
        /// The hardware's; at least so many where the comparison did not wait for its end.
        hardware: u64,
    },
    /// Kind, instruction and cycle of the fault.
    Fault {
        /// The simulator's.
        simulator: Option<(FaultKind, u64, u64)>,
        /// The hardware's.
        hardware: Option<(FaultKind, u64, u64)>,
    },
    /// A byte of memory at the end, the first of `count`.
    Memory {
        /// `DRAM`, `NRAM`, `WRAM`, `ARAM` or `PRAM`.
        memory: &'static str,
        /// Address in bytes.
        address: u64,
        /// The simulator's byte.
        simulator: u8,
        /// The hardware's byte.
        hardware: u8,
        /// Bytes of this memory that differ.
        count: u64,
        /// The name of the DRAM bytes that it belongs to and its index there, where the executable knows
        /// them.
        of: Option<(String, u64)>,
    },
}

/// The instruction that a difference is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its index.
    pub instruction: u64,
    /// Its assembly.
    pub text: String,
    /// Its source line, where the executable knows it.
    pub line: Option<u32>,
    /// The last label before it, and how many instructions it is behind that label.
    pub label: Option<(String, usize)>,
    /// Index and name of its layer, where the executable knows it.
    pub layer: Option<(u32, String)>,
}

/// The first difference and what surrounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// What differs.
    pub difference: Difference,
    /// The last events that both have, oldest first.
    pub before: Vec<Event>,
    /// The simulator's events from the difference on, a few.
    pub simulator: Vec<Event>,
    /// The hardware's events from the difference on, a few.
    pub hardware: Vec<Event>,
    /// The instruction concerned.
    pub subject: Option<Subject>,
    /// Identifiers of the rules of docs/microarchitecture.md that are concerned.
    pub rules: Vec<&'static str>,
    /// The assembly of every instruction that the events name.
    listing: Vec<(u64, String)>,
}

impl Divergence {
    /// A difference after the events `before`, with only a few of the events that follow.
    pub(crate) fn new(
        executable: &Executable,
        mut difference: Difference,
        before: Vec<Event>,
        simulator: Vec<Event>,
        hardware: Vec<Event>,
    ) -> Self {
        if let Difference::Memory { memory: "DRAM", address, of, .. } = &mut difference {
            *of = executable.named_byte(*address).map(|(name, byte)| (name.to_owned(), byte));
        }
        let about = match &difference {
            Difference::Event { simulator, hardware } => earlier(*simulator, *hardware),
            _ => None,
        };
        let index = about.and_then(|event| instruction_of(&event.kind));
        let mut rules = match &difference {
            Difference::Cycles { .. } => vec!["T-CONTROL-SYNC", "T-CONTROL-FAULT", "T-DEADLOCK"],
            Difference::Fault { .. } => vec!["T-CONTROL-FAULT", "T-SEMAPHORE", "T-DEADLOCK"],
            Difference::Event { .. } | Difference::Memory { .. } => Vec::new(),
        };
        if let Some(event) = about {
            let operation = index.and_then(|index| decoded(executable, index)).map(|i| i.operation);
            rules.extend(rule_of(&event.kind, operation.as_ref()));
        }
        let fault = match &difference {
            Difference::Fault { simulator, hardware } => simulator.or(*hardware).map(|fault| fault.1),
            _ => None,
        };
        let subject = index.or(fault).map(|index| subject(executable, index));
        let named = [&before, &simulator, &hardware].into_iter().flatten();
        let mut listing: Vec<_> = named.filter_map(|event| instruction_of(&event.kind)).collect();
        listing.sort_unstable();
        listing.dedup();
        let listing = listing.into_iter().map(|index| (index, text(executable, index))).collect();
        Self { difference, before, simulator, hardware, subject, rules, listing }
    }

    /// The assembly of an instruction that the events name.
    fn text(&self, event: &Event) -> &str {
        let index = instruction_of(&event.kind);
        let line = self.listing.iter().find(|(known, _)| Some(*known) == index);
        line.map_or("", |(_, text)| text)
    }
}

fn earlier(simulator: Option<Event>, hardware: Option<Event>) -> Option<Event> {
    match (simulator, hardware) {
        (Some(ours), Some(theirs)) if theirs.cycle < ours.cycle => Some(theirs),
        (ours, theirs) => ours.or(theirs),
    }
}

fn instruction_of(event: &EventKind) -> Option<u64> {
    match event {
        EventKind::Issue { instruction, .. }
        | EventKind::Start { instruction, .. }
        | EventKind::Commit { instruction, .. } => Some((*instruction).into()),
        EventKind::Grant { .. } => None,
    }
}

fn decoded(executable: &Executable, index: u64) -> Option<Instruction> {
    executable.instruction(index as usize)?.ok()
}

fn text(executable: &Executable, index: u64) -> String {
    match executable.instruction(index as usize) {
        Some(Ok(instruction)) => instruction_text(&instruction),
        Some(Err(error)) => format!("not an instruction: {error}"),
        None => "outside the code".to_owned(),
    }
}

fn subject(executable: &Executable, index: u64) -> Subject {
    let Place { line, label, layer, .. } = executable.place(index as usize);
    let line = (line != 0).then_some(line);
    Subject { instruction: index, text: text(executable, index), line, label, layer }
}

/// An event in words, such as `start   matrix   17`.
fn describe(event: &Event) -> String {
    match event.kind {
        EventKind::Issue { engine, instruction } => format!("issue   {:<8}{instruction}", engine.name()),
        EventKind::Start { engine, instruction } => format!("start   {:<8}{instruction}", engine.name()),
        EventKind::Commit { engine, instruction } => format!("commit  {:<8}{instruction}", engine.name()),
        EventKind::Grant { requester, address } => {
            let what = match requester {
                Requester::Store => "write",
                Requester::Fetch | Requester::Load => "read",
            };
            format!("grant   {:<8}{what} {address:#x}", requester.name())
        }
    }
}

fn fault(fault: Option<(FaultKind, u64, u64)>) -> String {
    match fault {
        Some((kind, instruction, cycle)) => {
            format!("{} fault at instruction {instruction}, cycle {cycle}", kind.name())
        }
        None => "no fault".to_owned(),
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.difference {
            Difference::Event { simulator, hardware } => {
                let cycle = earlier(*simulator, *hardware).map_or(0, |event| event.cycle);
                writeln!(f, "simulator and hardware part in cycle {cycle}")?;
            }
            Difference::Cycles { simulator, hardware } => {
                writeln!(f, "cycles differ: simulator {simulator}, hardware {hardware}")?;
            }
            Difference::Fault { simulator, hardware } => {
                writeln!(
                    f,
                    "faults differ\n  simulator: {}\n  hardware:  {}",
                    fault(*simulator),
                    fault(*hardware)
                )?;
            }
            Difference::Memory { memory, address, simulator, hardware, count, of } => {
                let of = of.as_ref().map(|(name, byte)| format!(" (byte {byte} of `{name}`)"));
                let of = of.unwrap_or_default();
                writeln!(
                    f,
                    "{memory} differs at {address:#x}{of}: simulator {simulator:#04x}, hardware {hardware:#04x} ({count} bytes of {memory} differ)"
                )?;
            }
        }
        if let Some(subject) = &self.subject {
            let Subject { instruction, text, line, label, layer } = subject.clone();
            let place = Place { instruction: instruction as usize, line: line.unwrap_or(0), label, layer };
            writeln!(f, "  {place}: {text}")?;
        }
        if !self.rules.is_empty() {
            writeln!(f, "  rules, docs/microarchitecture.md: {}", self.rules.join(", "))?;
        }
        for (name, events) in
            [("both", &self.before), ("simulator", &self.simulator), ("hardware", &self.hardware)]
        {
            for event in events {
                let text =
                    format!("{name:<9} {:>9}  {:<26} {}", event.cycle, describe(event), self.text(event));
                writeln!(f, "  {}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
