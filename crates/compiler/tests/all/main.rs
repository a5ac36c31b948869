//! Compiled programs, run: what the simulator leaves in DRAM is what the host computes, byte for byte.

mod operators;
mod random;
mod support;
