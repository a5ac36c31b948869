//! The memories as they are synthesized (`ram_word.sv`) against the memories as they are simulated.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use ediacara_arch::Machine;
use ediacara_rtl::{BuildOptions, FILES};

use crate::float::float_machine;
use crate::support::{compare_with, options};
use crate::{bench, odd_machine};

/// Cycles of random accesses.
const CYCLES: u32 = 5_000;

fn source(name: &str) -> &'static str {
    FILES.iter().find(|(file, _)| *file == name).unwrap().1
}

/// `ram.sv` as a module of another name, with or without the memories of a technology.
fn variant(module: &str, directive: &str) -> String {
    let text = source("ram.sv");
    assert!(text.contains("\nmodule ram #(") && text.contains("`ifdef SYNTHESIS"));
    format!("{directive} SYNTHESIS\n{}", text.replace("\nmodule ram #(", &format!("\nmodule {module} #(")))
}

/// `ram_word.sv`, which tells Verilator to make one function for all instances, because inlining them takes
/// minutes.
fn word() -> String {
    let text = source("ram_word.sv");
    assert_eq!(text.matches("endmodule").count(), 1);
    text.replace("endmodule", "  /* verilator no_inline_module */\nendmodule")
}

/// Elements, bytes of one, elements of a row, readers, writers, whether reads see writes of their cycle, and
/// whether writes have a mask.
type Parameters = (u64, u32, u32, u32, u32, u32, u32);

/// The memories of a machine's core, as `ediacara_core.sv` has them.
fn memories(machine: &Machine) -> [Parameters; 4] {
    let (rows, columns, lanes) = (machine.matrix.rows, machine.matrix.columns, machine.vector.lanes);
    let burst = machine.dram.burst_bytes;
    let transfer = burst.max(machine.load.move_bytes_per_cycle);
    let records = lanes.max(((burst + 22) / 12).next_power_of_two());
    let masked = u32::from(machine.vector.float_lanes > 0);
    [
        (machine.core.nram_bytes, 1, rows.max(lanes).max(transfer), 5, 2, 0, masked),
        (machine.core.wram_bytes, 1, (rows * columns).max(transfer), 1, 1, 0, 0),
        (machine.aram_accumulators(), 4, columns.max(lanes), 2, 1, 1, 0),
        (machine.pram_records(), 12, records, 1, 1, 0, 0),
    ]
}

/// A bench with a numbered pair for each set of parameters.
fn bench_of(all: &BTreeSet<Parameters>) -> String {
    let mut text = String::from("module bench (input logic clock);\n  int cycle = 0;\n");
    for (index, (elements, bytes, width, reads, writes, forward, masked)) in all.iter().enumerate() {
        writeln!(
            text,
            "  ram_pair #(.NAME(\"ram {index}\"), .ELEMENTS({elements}), .ELEMENT_BYTES({bytes}), .WIDTH({width}), \
             .READS({reads}), .WRITES({writes}), .FORWARD({forward}), .MASKED({masked}), .CYCLES({CYCLES})) pair_{index} (.clock(clock), .cycle(cycle));"
        )
        .unwrap();
    }
    text.push_str("  always @(posedge clock) begin\n    cycle <= cycle + 1;\n");
    writeln!(text, "    if (cycle == {}) $finish;\n  end\nendmodule", CYCLES + 1).unwrap();
    text
}

#[test]
fn memories_as_synthesized_give_what_those_as_simulated_give() {
    let square = ediacara_fuzzgen::shapes().swap_remove(1);
    let machines = [odd_machine(), square, float_machine(8, 4, 12)];
    let all: BTreeSet<_> = machines.iter().flat_map(memories).collect();
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("ram_word.sv", word()),
        ("ram_plain.sv", variant("ram_plain", "`undef")),
        ("ram_mapped.sv", variant("ram_mapped", "`define")),
        ("ram_pair.sv", include_str!("benches/ram_pair.sv").to_owned()),
        ("bench.sv", bench_of(&all)),
    ];
    bench::build(folder.path(), &files);
    let printed = bench::run(folder.path(), &["+verilator+seed+7".to_owned()]);
    for (index, parameters) in all.iter().enumerate() {
        let report = format!("ram {index}: ");
        let line = printed.lines().find_map(|line| line.strip_prefix(&report));
        let line = line.unwrap_or_else(|| panic!("{parameters:?}:\n{printed}"));
        let words: Vec<_> = line.split(' ').collect();
        let (bytes, met): (u64, u64) = (words[0].parse().unwrap(), words[5].parse().unwrap());
        // Random accesses reach over the memory's ends, so that not every byte of every read is compared.
        assert!(bytes > u64::from(CYCLES) * u64::from(parameters.3), "{parameters:?}: {line}");
        assert!((met > u64::from(CYCLES) / 10) == (parameters.4 == 2), "{parameters:?}: {line}");
    }
}

/// A `ram` that gives the core what `ram_mapped` gives, while the arrays that the harness looks at take the
/// same writes.
fn ram_with_both() -> String {
    let plain = variant("ram", "`undef");
    let instance = "  logic [READS-1:0][BITS-1:0] plain_data;\n\
                    \x20 ram_mapped #(.ELEMENTS(ELEMENTS), .ELEMENT_BYTES(ELEMENT_BYTES), .WIDTH(WIDTH), .READS(READS), \
                    .WRITES(WRITES), .FORWARD(FORWARD), .MASKED(MASKED)) mapped (.*);\nendmodule";
    assert_eq!(plain.matches("endmodule").count(), 1);
    assert_eq!(plain.matches("read_data[port] =").count(), 2);
    plain.replace("read_data[port] =", "plain_data[port] =").replace("endmodule", instance)
}

#[test]
fn the_core_with_memories_as_synthesized_is_in_lockstep() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES.iter().filter(|(name, _)| *name != "ram.sv") {
        fs::write(folder.path().join(name), text).unwrap();
    }
    fs::write(folder.path().join("ram.sv"), ram_with_both()).unwrap();
    fs::write(folder.path().join("ram_mapped.sv"), variant("ram_mapped", "`define")).unwrap();
    let options = BuildOptions { sources: Some(folder.path().to_owned()), ..options() };
    let machine = odd_machine();
    assert!(compare_with(&options, &machine, "examples") >= 1);
    assert!(compare_with(&options, &machine, "crates/sim/tests/faults") >= 50);
}
