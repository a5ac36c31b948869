//! Compiled programs, run: what the simulator leaves in DRAM is what the host computes, byte for byte.

// Test code: a failure is a panic, and what a failed case was goes to stderr.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, clippy::print_stdout)]

mod blocks;
mod borders;
mod bounds;
mod detectors;
mod differential;
mod epilogues;
mod estimates;
mod floats;
mod islands;
mod kept;
mod limits;
mod motifs;
mod operators;
mod quantised;
mod random;
mod rows;
mod strewn;
mod support;
mod twice;
