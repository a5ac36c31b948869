//! Random machines, programs and networks, by seed.
//!
//! The simulator, its reference, the compiler and the hardware are compared on them.
//!
//! A program of [`ordered`](Recipe::ordered) style is free of races by construction, and yet its engines run
//! side by side: start at `src/ordered/mod.rs`. `src/footprint.rs` says what the instructions touch, and
//! `src/semaphore.rs` what a semaphore tells. A program of [`chaotic`](Recipe::chaotic) style makes no sense,
//! and shows every fault at any place. [`Verdict`] says whether a program is fit for a comparison of
//! memories. [`Coverage`] says what programs have done. [`graph`] makes random networks.
//!
//! This crate runs only the simulator, and only to judge what it made.

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
mod reals;
mod semaphore;
mod vector_footprint;
mod verdict;

pub use coverage::Coverage;
pub use machine::{machine, pace, shapes};
pub use program::{Program, Recipe, program};
pub use random::Random;
pub use verdict::{CYCLE_LIMIT, Verdict, judge};
