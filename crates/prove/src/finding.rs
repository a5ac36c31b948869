//! What is wrong with a program.

use std::fmt;

use ediacara_isa::Place;
use serde::Serialize;

/// The property that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// The machine has all that the program was made for.
    Machine,
    /// Every instruction that control reaches is a valid one.
    Opcode,
    /// Its operands are allowed.
    Operand,
    /// All that an instruction touches lies inside the memories, and nothing writes the code.
    Capacity,
    /// Control stays inside the code and comes to a `halt`.
    Fetch,
    /// Every wait gets its post.
    Deadlock,
    /// No counter can rise above 255.
    SemaphoreOverflow,
    /// Every counter ends at zero, or at no more than control signalled: engines' posts are taken.
    SemaphoreBalance,
    /// Between two `sync`s one engine takes from a semaphore, and its posts follow one another.
    ///
    /// The posts are one engine's, or something puts them in order. Only then does the k-th take meet the
    /// k-th post whatever the timing.
    SemaphorePairing,
    /// Two instructions of different engines touch the same bytes, one writing, only in an order that
    /// semaphores or `sync` settle.
    ///
    /// No instruction reads what it writes, except in place.
    Race,
    /// Nothing is read that was not written before.
    Uninitialised,
    /// Where values are declared, a declared reader finds what a declared writer left, and reads nothing
    /// else.
    Provenance,
    /// Nothing overwrites what the executable or the host places in DRAM, so that the program may run again, but for inputs
    /// that are outputs, too.
    Data,
    /// Every byte of the outputs is written, once, or belongs to an input or to the executable's data. Of an input that is an
    /// output, too, bytes are written once or not at all.
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

/// Consecutive addresses of one memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The memory and what its addresses count, such as `NRAM byte`.
    pub unit: &'static str,
    /// The first address.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x}..={:#x}", self.unit, self.first, self.last)
    }
}

/// Another instruction that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Index of the instruction into the code.
    pub instruction: u64,
    /// The layer that it belongs to.
    pub layer: Option<String>,
    /// Its line of the assembly source.
    pub line: Option<u32>,
    /// The label before it, and how far it is behind that label.
    pub label: Option<String>,
    /// What it touched around the address in question.
    pub stretch: Option<Stretch>,
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
    /// The label before it, and how far it is behind that label.
    pub label: Option<String>,
    /// What it touches around the address in question.
    pub stretch: Option<Stretch>,
    /// The other instruction, where two do not agree.
    pub other: Option<Other>,
    /// Findings of the same kind that were left out, since they probably follow from this one.
    pub more: u64,
    /// What was found.
    pub detail: String,
}

impl Finding {
    /// A finding of no instruction in particular.
    pub(crate) fn general(property: Property, detail: String) -> Finding {
        let (instruction, layer, line, label) = (None, None, None, None);
        Finding { property, instruction, layer, line, label, stretch: None, other: None, more: 0, detail }
    }

    /// A finding of the instruction at `place`.
    pub(crate) fn at(place: &Place, property: Property, detail: String) -> Finding {
        let (layer, line, label) = words(place);
        let instruction = Some(place.instruction as u64);
        Finding { instruction, layer, line, label, ..Finding::general(property, detail) }
    }
}

impl Other {
    /// The instruction at `place`.
    pub(crate) fn at(place: &Place, stretch: Option<Stretch>) -> Other {
        let (layer, line, label) = words(place);
        Other { instruction: place.instruction as u64, layer, line, label, stretch }
    }
}

/// Layer, line and label of a place.
fn words(place: &Place) -> (Option<String>, Option<u32>, Option<String>) {
    let label = place.label.as_ref().map(|(name, behind)| match behind {
        0 => name.clone(),
        _ => format!("{name} + {behind}"),
    });
    let layer = place.layer.as_ref().map(|(_, name)| name.clone());
    (layer, (place.line != 0).then_some(place.line), label)
}

/// What is known of an instruction, in parentheses.
fn place(line: Option<u32>, label: Option<&String>, layer: Option<&String>) -> String {
    let known = [
        line.map(|line| format!("line {line}")),
        label.map(|label| format!("`{}`", label.escape_debug())),
        layer.map(|layer| format!("layer `{}`", layer.escape_debug())),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}", self.instruction)?;
        f.write_str(&place(self.line, self.label.as_ref(), self.layer.as_ref()))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.property.name())?;
        if let Some(instruction) = self.instruction {
            write!(f, " at instruction {instruction}")?;
        }
        f.write_str(&place(self.line, self.label.as_ref(), self.layer.as_ref()))?;
        write!(f, ": {}", self.detail)?;
        if let Some(stretch) = &self.stretch {
            write!(f, "; it touches {stretch}")?;
        }
        if let Some(stretch) = self.other.as_ref().and_then(|other| other.stretch) {
            write!(f, ", the other {stretch}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "; {more} more of this kind are left out, as they probably follow from it"),
        }
    }
}

/// An instruction that the machine would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) property: Property,
    pub(crate) detail: String,
}
