//! The hardware description under Verilator's every warning.

use std::fs;
use std::path::Path;

use ediacara_arch::{ElementType, Machine};
use ediacara_rtl::{FILES, Verilator, machine_package};

use crate::float::dot::matrix_machine;
use crate::float::float_machine;
use crate::{odd_machine, options};

/// What Verilator says of the core behind AXI4 for `machine`.
///
/// The memories are those of simulation, or those of synthesis where an argument of `variant` says so.
fn warnings(machine: &Machine, folder: &Path, variant: &[&str]) -> String {
    let packages = [
        ("ediacara_isa_pkg.sv", ediacara_isa::system_verilog_package()),
        ("ediacara_machine_pkg.sv", machine_package(machine)),
    ];
    let owned = FILES.iter().map(|(name, text)| (*name, (*text).to_owned()));
    // Packages come before what uses them.
    let (types, modules): (Vec<_>, Vec<_>) = owned.partition(|(name, _)| name.ends_with("_pkg.sv"));
    let all: Vec<_> = packages.into_iter().chain(types).chain(modules).collect();
    for (name, text) in &all {
        fs::write(folder.join(name), text).unwrap();
    }
    let verilator = Verilator::find(options().verilator.as_deref()).unwrap();
    let output = verilator
        .command()
        .current_dir(folder)
        .args(["--lint-only", "-Wall", "--top-module", "ediacara_axi4"])
        .args(variant)
        .args(all.iter().map(|(name, _)| name))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Machines whose floating point is cut differently: fewer lanes than an f32 fills, as many, one.
fn float_machines() -> [Machine; 5] {
    [(32, 8, 8), (8, 4, 12), (4, 4, 9), (16, 16, 8), (8, 1, 10)]
        .map(|(lanes, float_lanes, latency)| float_machine(lanes, float_lanes, latency))
}

/// Machines with floating point in the matrix engine alone: each type by itself, without a tree and with a wide one.
fn matrix_machines() -> [Machine; 5] {
    use ElementType::{Bf16, F16, F32};
    [
        matrix_machine([4, 4, 3], &[F32]),
        matrix_machine([2, 4, 3], &[F16]),
        matrix_machine([8, 2, 4], &[Bf16]),
        matrix_machine([4, 8, 3], &[F16, F32]),
        matrix_machine([64, 2, 7], &[F16, Bf16, F32]),
    ]
}

fn expect_none(machines: &[Machine], variant: &[&str]) {
    for machine in machines {
        let folder = tempfile::tempdir().unwrap();
        let warnings = warnings(machine, folder.path(), variant);
        assert!(warnings.is_empty(), "{} {variant:?}:\n{warnings}", machine.name);
    }
}

#[test]
fn no_shape_has_a_warning() {
    let mut machines: Vec<_> =
        ["dlp4", "dlp8", "dlp16", "dlp32"].iter().map(|name| Machine::preset(name).unwrap()).collect();
    machines.push(odd_machine());
    machines.extend(ediacara_fuzzgen::shapes());
    machines.extend(float_machines());
    machines.extend(matrix_machines());
    machines.push(Machine::preset("dlp16f").unwrap());
    expect_none(&machines, &[]);
}

#[test]
fn no_shape_has_a_warning_as_synthesized() {
    // Presets differ from these only in size, and take Verilator long.
    let mut machines = ediacara_fuzzgen::shapes();
    machines.push(odd_machine());
    machines.extend(float_machines());
    machines.extend(matrix_machines());
    expect_none(&machines, &["-DSYNTHESIS"]);
}
