//! `prove`: what a user sees.
//!
//! The tests of crates/prove show what is proven.

use serde_json::Value;

use crate::{ediacara, json, number, succeed};

#[test]
fn a_program_that_holds_is_proven() {
    let text = succeed(&["prove", "examples/matmul.dlpasm"]);
    assert!(text.contains("proven for every timing"), "{text}");
    let report = json(&["prove", "lenet5", "--machine", "dlp4", "--json"]);
    assert_eq!(report["proven"], Value::Bool(true));
    assert_eq!(report["machine"], "dlp4");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(0));
}

#[test]
fn provenance_says_what_was_compared_and_where_nothing_was() {
    let report = json(&["prove", "lenet5", "--json"]);
    let provenance = &report["provenance"];
    assert!(number(&provenance["values"]) > 5 && number(&provenance["reads"]) > 100, "{provenance}");
    let bytes = |memory: &str| number(&provenance["bytes"][memory]);
    // Every one of 61,470 weights (61,706 parameters, 236 of them biases) is loaded from DRAM and read from
    // WRAM at least once.
    assert!(bytes("dram") > 61_470 && bytes("wram") > 61_470, "{provenance}");
    assert!(["nram", "aram", "pram"].iter().all(|memory| bytes(memory) > 0), "{provenance}");
    assert!(succeed(&["prove", "lenet5"]).contains("provenance: "));
    let text = succeed(&["prove", "examples/matmul.dlpasm"]);
    assert!(text.contains("provenance not compared"), "{text}");
    assert!(json(&["prove", "examples/matmul.dlpasm", "--json"])["provenance"].is_null());
}

#[test]
fn a_race_ends_with_status_1_and_names_both_instructions() {
    let program = "crates/sim/tests/faults/race_dram.dlpasm";
    let output = ediacara(&["prove", program]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("not proven") && text.contains("race at instruction"), "{text}");
    let output = ediacara(&["prove", program, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let races: Vec<_> = report["findings"].as_array().unwrap().iter().collect();
    assert!(
        races.iter().any(|finding| finding["property"] == "race" && finding["line"].is_u64()),
        "{report}"
    );
}
