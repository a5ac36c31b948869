//! Random machines, programs and networks, by seed: what the simulator, its reference, the compiler and the
//! hardware are compared on.
//!
//! A program of [`ordered`](Recipe::ordered) style is free of races by construction, and yet its engines run
//! side by side: start at `src/ordered/mod.rs`. What the instructions touch is in `src/footprint.rs`, what a
//! semaphore tells in `src/semaphore.rs`. A program of [`chaotic`](Recipe::chaotic) style makes no sense, and
//! shows every fault at any place. [`Verdict`] says whether a program is fit for a comparison of memories, [`Coverage`]
//! what programs have done. Random networks are [`graph`]'s.
//!
//! This crate runs nothing but the simulator, and only to judge what it made.

mod bits;
mod chaos;
mod coverage;
mod footprint;
pub mod graph;
mod machine;
mod model;
mod order;
mod ordered;
mod program;
mod random;
mod semaphore;
mod vector_footprint;
mod verdict;

pub use coverage::Coverage;
pub use machine::{machine, pace, shapes};
pub use program::{Program, Recipe, program};
pub use random::Random;
pub use verdict::{CYCLE_LIMIT, Verdict, judge};
