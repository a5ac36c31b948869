//! The programs that provoke the simulator's faults, crates/sim/tests/faults.
//!
//! A run shows a fault for one timing. The prover finds it for all of them, at the same instruction.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara_arch::Machine;
use ediacara_isa::{assemble, assemble_file};
use ediacara_prove::{Options, Proof, Property, prove};

/// The property that a fault of the simulator breaks.
fn property(fault: &str) -> Option<Property> {
    Some(match fault {
        "opcode" => Property::Opcode,
        "operand" => Property::Operand,
        "address" => Property::Capacity,
        "fetch" => Property::Fetch,
        "semaphore_overflow" => Property::SemaphoreOverflow,
        "deadlock" => Property::Deadlock,
        "uninitialised" => Property::Uninitialised,
        "race" => Property::Race,
        _ => return None,
    })
}

/// `// race fault at instruction 2 ...` as (race, 2).
fn expected(text: &str) -> Option<(&str, u64)> {
    let line = text.split_once("// expected:\n")?.1.lines().next()?.strip_prefix("// ")?;
    let (fault, rest) = line.split_once(" fault at instruction ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((fault, rest[..digits].parse().ok()?))
}

#[test]
fn examples_are_proven() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for name in ["double_buffer", "hello", "lenet", "matmul", "vector_add"] {
        let executable = assemble_file(&folder.join(format!("{name}.dlpasm")));
        let executable = executable.unwrap_or_else(|errors| panic!("{errors}"));
        let machine = match executable.machine.name.as_str() {
            "" => "dlp16",
            machine => machine,
        };
        let proof = prove(&executable, &Machine::preset(machine).unwrap(), &Options::default());
        assert!(proof.proven, "{name}: {:#?}", proof.findings);
    }
}

fn proof_of(text: &str, machine: &Machine) -> Proof {
    let options = Options { instructions: 100_000, findings: 1000, ..Options::default() };
    prove(&assemble(text, "program").unwrap(), machine, &options)
}

#[test]
fn what_the_simulator_shows_is_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/tests/faults");
    let machine = Machine::from_file(&folder.join("machine.toml")).unwrap();
    let mut compared = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "dlpasm") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let Some((fault, instruction)) = expected(&text) else { continue };
        if fault == "cycle_limit" {
            // The run was given this limit, which is no property of the program.
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let property = property(fault).unwrap_or_else(|| panic!("{name}: what is `{fault}`?"));
        let proof = proof_of(&text, &machine);
        let same_place = |at: Option<u64>| match property {
            // An endless program is stopped at any instruction. A race has two, and either may be found
            // first.
            Property::Fetch | Property::Race | Property::Deadlock => true,
            _ => at == Some(instruction),
        };
        let found = proof.findings.iter().any(|f| f.property == property && same_place(f.instruction));
        assert!(found, "{name}: {property:?} at {instruction} not among {:#?}", proof.findings);
        compared += 1;
    }
    assert!(compared > 60, "only {compared} programs were compared");
}

/// A run leaves a counter above zero, and the next run finds it so.
#[test]
fn a_proof_is_of_a_run_from_reset() {
    let machine = Machine::preset("dlp16").unwrap();
    let run = "        signal post(3)\n        sync\n";
    assert!(proof_of(&format!(".code 0\n{run}        halt\n"), &machine).proven);
    let often = proof_of(&format!(".code 0\n{}        halt\n", run.repeat(256)), &machine);
    assert_eq!(often.findings[0].property, Property::SemaphoreOverflow, "{:#?}", often.findings);
}
