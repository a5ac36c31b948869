//! What is wrong with a program.

use std::fmt;

use serde::Serialize;

/// The property that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// The machine has all that the program was made for.
    Machine,
    /// Every instruction that control reaches is one.
    Opcode,
    /// Its operands are allowed.
    Operand,
    /// All that it touches lies inside the memories, and nothing writes the code.
    Capacity,
    /// Control stays inside the code and comes to a `halt`.
    Fetch,
    /// Whatever waits is posted.
    Deadlock,
    /// No counter can rise above 255.
    SemaphoreOverflow,
    /// Every counter ends at zero, or at no more than control signalled: what engines post is taken.
    SemaphoreBalance,
    /// Between two `sync`s one engine takes from a semaphore, and its posts follow one another: they are one engine's, or
    /// something puts them in order. Only so does the k-th take meet the k-th post whatever the timing.
    SemaphorePairing,
    /// Two instructions of different engines touch the same bytes, one writing, only in an order that semaphores or
    /// `sync` settle; and no instruction reads what it writes, but in place.
    Race,
    /// Nothing is read that was not written before.
    Uninitialised,
    /// Where values are declared: whoever is declared to read one finds what a declared writer left, and reads nothing else.
    Provenance,
    /// What the executable places in DRAM is not overwritten, so that the program may run again.
    Data,
    /// Every byte of the outputs is written, once; or is one of an input or of the executable's data.
    Output,
}

impl Property {
    /// The name in reports, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Property::Machine => "machine",
            Property::Opcode => "opcode",
            Property::Operand => "operand",
            Property::Capacity => "capacity",
            Property::Fetch => "fetch",
            Property::Deadlock => "deadlock",
            Property::SemaphoreOverflow => "semaphore_overflow",
            Property::SemaphoreBalance => "semaphore_balance",
            Property::SemaphorePairing => "semaphore_pairing",
            Property::Race => "race",
            Property::Uninitialised => "uninitialised",
            Property::Provenance => "provenance",
            Property::Data => "data",
            Property::Output => "output",
        }
    }
}

/// A property that does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What does not hold.
    pub property: Property,
    /// Index of the instruction into the code, if one is to blame.
    pub instruction: Option<u64>,
    /// The layer that it belongs to.
    pub layer: Option<String>,
    /// Its line of the assembly source.
    pub line: Option<u32>,
    /// What was found.
    pub detail: String,
}

impl Finding {
    /// A finding of no instruction in particular.
    pub(crate) fn general(property: Property, detail: String) -> Finding {
        Finding { property, instruction: None, layer: None, line: None, detail }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.property.name())?;
        if let Some(instruction) = self.instruction {
            write!(f, " at instruction {instruction}")?;
        }
        match (self.line, &self.layer) {
            (Some(line), Some(layer)) => write!(f, " (line {line}, layer `{layer}`)")?,
            (Some(line), None) => write!(f, " (line {line})")?,
            (None, Some(layer)) => write!(f, " (layer `{layer}`)")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.detail)
    }
}
