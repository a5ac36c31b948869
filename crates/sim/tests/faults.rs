//! Every fault, provoked by a small program: one file a case in tests/faults, for the machine there.
//!
//! The lines before `// expected:` are the program. Its first line says how to run it,
//! `// run: [checked] [max_cycles=N]`. `UPDATE_EXPECT=1` rewrites what is expected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ediacara_arch::Machine;
use ediacara_isa::assemble;
use ediacara_sim::{Options, Simulator};

const MARK: &str = "// expected:\n";

/// A machine small enough that addresses in messages can be read.
fn small_machine() -> Machine {
    Machine::from_toml(include_str!("faults/machine.toml"), "machine.toml").unwrap()
}

fn run(text: &str, name: &str) -> String {
    let (first, _) = text.split_once('\n').unwrap_or((text, ""));
    let words =
        first.strip_prefix("// run:").unwrap_or_else(|| panic!("{name}: the first line is no `// run:`"));
    let mut options = Options { max_cycles: Some(100_000), ..Options::default() };
    for word in words.split_whitespace() {
        match word.split_once('=') {
            None if word == "checked" => options.checked = true,
            Some(("max_cycles", limit)) => options.max_cycles = Some(limit.parse().unwrap()),
            _ => panic!("{name}: what is `{word}`?"),
        }
    }
    let executable = assemble(text, name).unwrap_or_else(|errors| panic!("{errors}"));
    let outcome = Simulator::new(&small_machine(), &executable, options).unwrap().run();
    let mut report = String::new();
    match &outcome.fault {
        Some(fault) => writeln!(report, "// {fault}").unwrap(),
        None => writeln!(report, "// no fault").unwrap(),
    }
    writeln!(report, "// {} cycles, {} instructions", outcome.cycles, outcome.instructions).unwrap();
    report
}

fn check(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).unwrap();
    let (program, expected) = text.split_once(MARK).unwrap_or((&text, ""));
    let found = run(program, &name);
    if found == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, format!("{program}{MARK}{found}")).unwrap();
        return Ok(());
    }
    Err(format!("{name}: expected\n{expected}found\n{found}"))
}

#[test]
fn every_fault_says_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dlpasm"));
    files.sort();
    assert!(files.len() >= 40, "only {} cases", files.len());
    let problems: Vec<_> = files.iter().filter_map(|path| check(path).err()).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
