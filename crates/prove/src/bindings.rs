//! At which numbers of its bindings a program is proven.
//!
//! Where there are few, at every one: then nothing is assumed. Otherwise at both ends of each range, and on
//! both sides of wherever the path of control changes, that is, a trip count or a branch. Between two numbers
//! with the same path the path is taken to be the same, which holds where trip counts only rise or only fall.

use std::hash::{DefaultHasher, Hash, Hasher};

use ediacara_arch::Machine;
use ediacara_isa::{Binding, Executable, REGISTERS, Registers};

use crate::walk::{Floats, Step, Walk};

/// Combinations of numbers that are proven, at most.
const LIMIT: u64 = 1024;

/// Instructions of all combinations together, up to which every one is proven.
const INSTRUCTIONS: u64 = 1 << 18;

/// Numbers of the bindings of a program, as its registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Each combination; one, with zeros, for a program without bindings.
    pub registers: Vec<Registers>,
    /// Whether these are all combinations that there are.
    pub all: bool,
}

/// The numbers of its bindings at which a program is to be proven; of paths longer than `instructions` only
/// the beginning is looked at.
///
/// # Errors
/// They would be more than 1,024, with what to do.
pub fn settings(
    executable: &Executable,
    machine: &Machine,
    bindings: &[Binding],
    instructions: u64,
) -> Result<Settings, String> {
    let mut lowest = [0; REGISTERS];
    bindings.iter().for_each(|binding| lowest[usize::from(binding.register)] = binding.low);
    let count = |binding: &Binding| (binding.high - binding.low).saturating_add(1);
    let combinations = bindings.iter().fold(1_u64, |product, binding| product.saturating_mul(count(binding)));
    let all = combinations <= (INSTRUCTIONS / executable.code.len().max(1) as u64).min(LIMIT);
    let mut registers = vec![lowest];
    for Binding { name, register, low, high } in bindings {
        let at = usize::from(*register);
        let numbers: Vec<u64> = if all {
            (*low..=*high).collect()
        } else {
            let path = |number: u64| {
                let mut registers = lowest;
                registers[at] = number;
                path(executable, machine, &registers, instructions)
            };
            let mut numbers = vec![*low, *high];
            changes(&path, (*low, path(*low)), (*high, path(*high)), &mut numbers);
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        if numbers.len() as u64 * registers.len() as u64 > LIMIT {
            return Err(format!(
                "binding `{name}` of {low} to {high} would have to be proven at more than {LIMIT} numbers: its path changes at \
                 too many; give the bindings numbers, or declare a smaller range"
            ));
        }
        let with = |before: &Registers, number: u64| {
            let mut registers = *before;
            registers[at] = number;
            registers
        };
        registers = registers
            .iter()
            .flat_map(|before| numbers.iter().map(move |number| with(before, *number)))
            .collect();
    }
    Ok(Settings { registers, all })
}

/// Adds the numbers on both sides of every change of path between two numbers, until they are too many.
fn changes(path: &dyn Fn(u64) -> u64, low: (u64, u64), high: (u64, u64), numbers: &mut Vec<u64>) {
    if low.1 == high.1 || numbers.len() as u64 > 2 * LIMIT {
        return;
    }
    if high.0 - low.0 == 1 {
        numbers.extend([low.0, high.0]);
        return;
    }
    let middle = low.0 + (high.0 - low.0) / 2;
    let middle = (middle, path(middle));
    changes(path, low, middle, numbers);
    changes(path, middle, high, numbers);
}

/// A number for the instructions that control passes, in their order.
fn path(executable: &Executable, machine: &Machine, registers: &Registers, instructions: u64) -> u64 {
    let mut walk = Walk::new(executable, Floats::of(machine), registers);
    let mut hasher = DefaultHasher::new();
    while let Ok(step) = walk.next(instructions) {
        walk.index().hash(&mut hasher);
        walk.executed.hash(&mut hasher);
        if matches!(step, Step::Halt) {
            break;
        }
        walk.pass();
    }
    hasher.finish()
}
