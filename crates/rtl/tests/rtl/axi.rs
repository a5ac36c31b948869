//! The bridge to AXI4: random bursts, and programs on a core behind it.

use std::fmt::Write as _;
use std::path::Path;

use ediacara_fuzzgen::{Program, Random, Recipe, Verdict, judge, program, shapes};
use ediacara_rtl::{FILES, machine_package};

use crate::bench;

const CYCLES: u32 = 30_000;

/// Bytes of a burst and of the bus, and bursts in flight.
const PAIRS: [(u32, u32, u32); 4] = [(64, 8, 64), (64, 64, 8), (32, 4, 3), (128, 16, 1)];

fn source(name: &'static str) -> (&'static str, String) {
    let file = FILES.iter().find(|(file, _)| *file == name).unwrap();
    (file.0, file.1.to_owned())
}

fn memory() -> (&'static str, String) {
    ("axi_memory.sv", include_str!("benches/axi_memory.sv").to_owned())
}

fn bench_of_pairs() -> String {
    let mut text = String::from(
        "module bench (input logic clock);\n  int cycle = 0;\n  logic reset;\n  assign reset = cycle < 4;\n",
    );
    for (index, (burst, data, flight)) in PAIRS.iter().enumerate() {
        writeln!(
            text,
            "  axi_pair #(.NAME(\"pair {index}\"), .BURST_BYTES({burst}), .DATA_BYTES({data}), \
             .BURSTS_IN_FLIGHT({flight}), .CYCLES({CYCLES})) pair_{index} (.clock(clock), .reset(reset), .cycle(cycle));"
        )
        .unwrap();
    }
    text.push_str("  always @(posedge clock) begin\n    cycle <= cycle + 1;\n");
    writeln!(text, "    if (cycle == {}) $finish;\n  end\nendmodule", CYCLES + 1).unwrap();
    text
}

/// The numbers in the line that begins with `name`.
fn numbers(printed: &str, name: &str) -> Vec<u64> {
    let line = printed.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no `{name}`:\n{printed}"));
    line.split(' ').filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn random_bursts_bring_what_was_written_and_keep_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let pair = ("axi_pair.sv", include_str!("benches/axi_pair.sv").to_owned());
    let files = [source("axi4_bridge.sv"), memory(), pair, ("bench.sv", bench_of_pairs())];
    bench::build(folder.path(), &files);
    for seed in [1, 2] {
        let printed = bench::run(folder.path(), &[format!("+verilator+seed+{seed}")]);
        for (index, (burst, data, flight)) in PAIRS.iter().enumerate() {
            let found = numbers(&printed, &format!("pair {index}: "));
            let [reads, writes, deepest] = found[..] else { panic!("{printed}") };
            assert!(reads > 300 && writes > 300, "{burst}/{data}: {printed}");
            assert!(
                deepest <= u64::from(*flight) && (deepest > 1) == (*flight > 1),
                "{burst}/{data}: {printed}"
            );
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        writeln!(text, "{byte:02x}").unwrap();
    }
    text
}

/// The memory after the program, from the bench in `folder`.
fn behind_the_bridge(folder: &Path, program: &Program, seed: u64) -> Vec<u8> {
    std::fs::write(folder.join("before.hex"), hex(&program.dram)).unwrap();
    let arguments = [
        format!("+verilator+seed+{}", seed + 1),
        format!("+base={}", program.base),
        format!("+length={}", program.code.len()),
    ];
    let printed = bench::run(folder, &arguments);
    let [fault, error, _, _, _] = numbers(&printed.replace(',', ""), "finished: ")[..] else {
        panic!("seed {seed}: {printed}")
    };
    assert_eq!((fault, error), (0, 0), "seed {seed}: {printed}");
    let after = std::fs::read_to_string(folder.join("after.hex")).unwrap();
    let bytes = after.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('/'));
    bytes.map(|line| u8::from_str_radix(line, 16).unwrap()).collect()
}

#[test]
fn programs_behind_the_bridge_leave_the_memory_that_the_simulator_leaves() {
    let machine = shapes().swap_remove(1);
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![
        ("ediacara_isa_pkg.sv", ediacara_isa::system_verilog_package()),
        ("ediacara_machine_pkg.sv", machine_package(&machine)),
    ];
    // Packages come before what uses them.
    let (types, modules): (Vec<_>, Vec<_>) =
        FILES.iter().map(|(name, _)| source(name)).partition(|(name, _)| name.ends_with("_pkg.sv"));
    files.extend(types.into_iter().chain(modules));
    files.extend([memory(), ("bench.sv", include_str!("benches/axi_core.sv").to_owned())]);
    bench::build(folder.path(), &files);
    let (mut compared, mut changed) = (0, 0);
    for seed in 0..40 {
        let mut program = program(&mut Random::new(seed), &machine, &Recipe::ordered());
        // The bench's memories on chip begin with zeros.
        for memory in [&mut program.nram, &mut program.wram, &mut program.aram, &mut program.pram] {
            memory.fill(0);
        }
        let (verdict, outcome, simulator) = judge(&machine, &program).unwrap();
        if verdict != Verdict::Accepted || outcome.fault.is_some() {
            continue;
        }
        let expected = simulator.read_dram(0, program.dram.len()).unwrap();
        let found = behind_the_bridge(folder.path(), &program, seed);
        assert!(found == expected, "seed {seed}: memories differ");
        compared += 1;
        changed += usize::from(expected != program.dram);
    }
    assert!(compared >= 20 && changed >= 10, "{compared} compared, {changed} wrote anything");
}
