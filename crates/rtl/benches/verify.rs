//! Simulated cycles a second of real time: the simulator without and with values, and the hardware under
//! Verilator, on the same program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where it fails")]

use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;
use ediacara_arch::Machine;
use ediacara_isa::{Executable, assemble_file};
use ediacara_rtl::{BuildOptions, Core, Initial, RunOptions};
use ediacara_sim::{Options, Simulator};

fn main() {
    divan::main();
}

/// LeNet on its default digit: all engines at work.
fn program() -> (Machine, Executable) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    (Machine::preset("dlp16").unwrap(), assemble_file(&root.join("examples/lenet.dlpasm")).unwrap())
}

/// Items are simulated cycles. `true`: with values.
#[divan::bench(args = [false, true])]
fn simulator(bencher: Bencher, values: bool) {
    let (machine, executable) = program();
    let options = Options { values, ..Options::default() };
    let mut simulator = Simulator::new(&machine, &executable, options).unwrap();
    let cycles = simulator.run().cycles;
    bencher.counter(ItemsCount::new(cycles)).bench_local(|| simulator.run().cycles);
}

/// Items are simulated cycles.
#[divan::bench]
fn hardware(bencher: Bencher) {
    let (machine, executable) = program();
    let verilator = std::env::var_os("EDIACARA_VERILATOR").map(PathBuf::from);
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rtl");
    let mut core = Core::build(&machine, &BuildOptions { verilator, ..BuildOptions::new(cache) }).unwrap();
    let mut run =
        || core.run(&machine, &executable, &Initial::default(), &RunOptions::default()).unwrap().cycles;
    let cycles = run();
    bencher.counter(ItemsCount::new(cycles)).bench_local(run);
}
