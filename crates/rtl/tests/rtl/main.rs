//! The hardware under Verilator: what surrounds it, and whole programs in lockstep with the simulator.
//!
//! These tests fail where Verilator cannot be had. `cargo xtask setup` installs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

mod axi;
mod bench;
mod building;
mod float;
mod harness;
mod lint;
mod programs;
mod ram;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use ediacara_arch::{Fraction, Machine};
use ediacara_rtl::BuildOptions;
use support::options;

/// Options for the stub, the least that has a core's ports.
fn stub() -> BuildOptions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rtl/stub");
    BuildOptions { sources: Some(folder), ..options() }
}

/// A machine on which nothing has the size of its neighbour.
fn odd_machine() -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = "odd".into();
    machine.dram.burst_bytes = 32;
    machine.dram.latency_cycles = 7;
    machine.dram.bytes_per_cycle = Fraction { numerator: 48, denominator: 5 };
    machine.dram.bursts_in_flight = 3;
    machine.core.nram_bytes = 32 * 513;
    machine.core.wram_bytes = 16 * 101;
    machine.core.aram_bytes = 8 * 33;
    machine.core.pram_bytes = 12 * 5 + 3;
    machine.core.queue_entries = 2;
    machine.core.fetch_entries = 2;
    machine.matrix.rows = 8;
    machine.matrix.columns = 2;
    machine.matrix.latency_cycles = 3;
    machine.vector.lanes = 4;
    machine.vector.latency_cycles = 5;
    machine.load.move_bytes_per_cycle = 2;
    machine.validate().unwrap();
    machine
}
