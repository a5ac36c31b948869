//! Floating point: the units of `rtl/float_*.sv` one by one, and instructions on whole cores.
//!
//! `EDIACARA_FLOATS=A..B` runs other seeds than CI's: programs of each machine, and the units' vectors by the fifty.

mod cases;
pub(crate) mod dot;
mod faults;
mod machine_model;
mod model;
mod programs;
mod tables;
mod units;

use std::ops::Range;

use ediacara_arch::Machine;
use ediacara_rtl::FILES;

use crate::bench;
use units::{Unit, Vectors};

/// A small machine with floating point.
pub(crate) fn float_machine(lanes: u32, float_lanes: u32, latency_cycles: u32) -> Machine {
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = format!("float-{float_lanes}-of-{lanes}");
    machine.core.nram_bytes = 4096;
    machine.core.wram_bytes = 1024;
    machine.core.aram_bytes = 2048;
    machine.core.pram_bytes = 12 * 64;
    machine.vector.lanes = lanes;
    machine.vector.float_lanes = float_lanes;
    machine.vector.latency_cycles = latency_cycles;
    machine.validate().unwrap();
    machine
}

/// The seeds of a run of CI, or those that `EDIACARA_FLOATS` asks for.
pub(crate) fn seeds(own: Range<u64>) -> Range<u64> {
    let Ok(range) = std::env::var("EDIACARA_FLOATS") else { return own };
    let numbers = range.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    numbers.unwrap_or_else(|| panic!("EDIACARA_FLOATS={range} is no range A..B"))
}

#[test]
fn every_unit_gives_what_the_processor_gives() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![("ediacara_isa_pkg.sv", ediacara_isa::system_verilog_package())];
    let parts = ["float_pkg", "function_pkg", "float_round", "float_add", "float_multiply", "float_compare"];
    for part in parts.into_iter().chain(["float_from", "float_to", "float_function"]) {
        let file = FILES.iter().find(|(name, _)| name.trim_end_matches(".sv").ends_with(part)).unwrap();
        files.push((file.0, file.1.to_owned()));
    }
    files.push(("float_units.sv", include_str!("../benches/float_units.sv").to_owned()));
    bench::build(folder.path(), &files);
    for seed in seeds(0..1).step_by(50) {
        let vectors = Vectors::new(seed, 60_000);
        std::fs::write(folder.path().join("vectors.txt"), &vectors.text).unwrap();
        let printed = bench::run(folder.path(), &[]);
        let all: usize = vectors.counts.iter().sum();
        assert!(printed.contains(&format!("compared: {all}, wrong: 0")), "seed {seed}: {printed}");
        println!("units, seed {seed}: {all} results");
        for unit in Unit::ALL {
            assert!(vectors.counts[unit as usize] >= 80_000, "{unit:?}: {:?}", vectors.counts);
        }
    }
}

/// Programs of a seed each on a machine, which must meet every instruction often.
fn all_are_met(machine: &Machine, own: Range<u64>) {
    let met = programs::compare(machine, seeds(own));
    assert_eq!(met.len(), 24, "{met:?}");
    assert!(met.values().all(|count| *count >= 12), "{met:?}");
}

#[test]
fn instructions_on_a_wide_core_do_what_the_page_says() {
    all_are_met(&float_machine(32, 8, 8), 0..50);
}

#[test]
fn instructions_on_a_narrow_core_do_what_the_page_says() {
    all_are_met(&float_machine(8, 4, 12), 100..150);
}

#[test]
fn instructions_on_a_core_with_one_f32_a_beat_do_what_the_page_says() {
    all_are_met(&float_machine(4, 4, 9), 200..250);
}

#[test]
fn instructions_on_a_core_with_a_lane_for_each_partial_sum_do_what_the_page_says() {
    all_are_met(&float_machine(64, 16, 8), 300..350);
}
