//! Abstract programs: what is moved, what is computed and what waits for what, without addresses and values.
//!
//! A program is a text, with one instruction on each line ([`Program::parse`]). It runs on an
//! [`AbstractMachine`]: memories with a capacity, links with a bandwidth, units with a rate, and no latency
//! anywhere. [`Program::estimate`] executes it in exact rational time. docs/textbook/01-abstract-programs.md
//! is the manual of the language.

mod cursor;
mod engine;
mod estimate;
mod expression;
mod fraction;
mod lexer;
mod machine;
mod parse;
mod pieces;
mod presets;
mod statement;

pub use estimate::{Activity, Estimate, Interval, Unit};
pub use fraction::Fraction;
pub use machine::{AbstractMachine, Bandwidth, MachineError, Memory, MemorySizes, OperationType};
pub use presets::{PROGRAMS, program_text};
pub use statement::Program;
