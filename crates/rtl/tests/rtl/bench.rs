//! Benches written in SystemVerilog: a module `bench` with a `clock`, which prints what it found.

use std::fs;
use std::path::Path;
use std::process::Command;

use ediacara_rtl::Verilator;

use crate::options;

/// What drives the clock.
const CLOCK: &str = include_str!("benches/clock.cpp");

/// Arguments of every build; see `crates/rtl/src/cache.rs` for those that the PyPI package needs.
const ARGUMENTS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--top-module",
    "bench",
    "--Mdir",
    "obj",
    "-o",
    "bench",
    "-CFLAGS",
    "-std=c++17",
    "-MAKEFLAGS",
    "OPT_FAST=-O1",
    "-MAKEFLAGS",
    "CFG_CXXFLAGS_PCH_I=-include",
    "-LDFLAGS",
    "-pthread",
    "clock.cpp",
];

/// Writes the files into a folder and builds the bench of them.
pub(crate) fn build(folder: &Path, files: &[(&str, String)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("clock.cpp"), CLOCK).unwrap();
    let verilator = Verilator::find(options().verilator.as_deref()).unwrap();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let build = verilator
        .command()
        .current_dir(folder)
        .args(["--build-jobs", &jobs.to_string()])
        .args(ARGUMENTS)
        .args(files.iter().map(|(name, _)| name))
        .output()
        .unwrap();
    assert!(
        build.status.success(),
        "{}{}",
        String::from_utf8_lossy(&build.stdout),
        String::from_utf8_lossy(&build.stderr)
    );
}

/// Runs the bench of a folder, in it, and returns what it printed.
pub(crate) fn run(folder: &Path, arguments: &[String]) -> String {
    let output = Command::new(folder.join("obj/bench")).current_dir(folder).args(arguments).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}
