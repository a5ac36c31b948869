//! `verify`: simulator and hardware side by side.
//!
//! The tests of crates/rtl show that they agree; these show what a user sees.

use std::process::{Command, Output};

use serde_json::Value;

use crate::{number, root};

/// Runs `verify`; the hardware is built once, below the folder of tests.
fn verify(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ediacara"))
        .arg("verify")
        .args(arguments)
        .env("EDIACARA_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/rtl"))
        .envs(variables.iter().copied())
        .current_dir(root())
        .output()
        .unwrap()
}

fn errors(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn without_verilator_it_says_how_to_get_it() {
    let output = verify(&["examples/hello.dlpasm"], &[("EDIACARA_VERILATOR", "/nowhere/verilator")]);
    let errors = errors(&output);
    for part in ["/nowhere/verilator", "apt-get", "brew", "pip", "EDIACARA_VERILATOR"] {
        assert!(errors.contains(part), "{errors}");
    }
}

#[test]
fn a_program_with_a_race_is_refused_with_the_race() {
    let errors = errors(&verify(&["crates/sim/tests/faults/race_dram.dlpasm"], &[]));
    assert!(errors.contains("without races") && errors.contains("race fault at instruction"), "{errors}");
}

/// The stub of the tests of crates/rtl is no core.
#[test]
fn a_divergence_names_cycle_instruction_and_rule() {
    let stub = ["examples/hello.dlpasm", "--machine", "dlp4", "--rtl", "crates/rtl/tests/rtl/stub"];
    let output = verify(&stub, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("part in cycle 1\n") && text.contains("T-CONTROL-QUEUE"), "{text}");
    let json = verify(&[&stub[..], &["--json"]].concat(), &[]);
    assert_eq!(json.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["equal"], Value::Bool(false));
    assert!(report["rules"].as_array().is_some_and(|rules| !rules.is_empty()), "{report}");
}

#[test]
fn an_example_agrees_and_leaves_waveforms() {
    let folder = tempfile::tempdir().unwrap();
    let wave = folder.path().join("hello.vcd");
    let arguments =
        ["examples/hello.dlpasm", "--machine", "dlp4", "--json", "--wave", wave.to_str().unwrap()];
    let output = verify(&arguments, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["equal"], Value::Bool(true));
    assert!(number(&report["cycles"]) > 100 && number(&report["bytes"]) > 10_000);
    assert!(std::fs::metadata(wave).unwrap().len() > 1_000);
}

/// Every layer of a real network on a real photo.
///
/// It takes about a minute of simulated hardware, and one of building it.
#[test]
fn the_bundled_network_agrees_in_every_event_and_byte() {
    let output = verify(&["--json"], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["equal"], Value::Bool(true));
    // `run` gives the same cycles. The network's 4,631,000 parameters lie in DRAM, and every instruction is
    // an event.
    assert_eq!(report["cycles"], crate::json(&["run", "--timing-only", "--json"])["dlp_cycles"]);
    assert!(number(&report["bytes"]) > 4_631_000);
    assert!(number(&report["events"]) > number(&report["instructions"]));
}

#[test]
fn a_machine_without_hardware_is_refused() {
    let errors = errors(&verify(&["examples/hello.dlpasm", "--machine", "gemmini16"], &[]));
    assert!(errors.contains("`gemmini16`") && errors.contains("`systolic-ws`"), "{errors}");
}
