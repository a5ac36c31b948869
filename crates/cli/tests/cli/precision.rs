//! `--precision`: whole networks in floating point.

use crate::{fail, json, succeed};

#[test]
fn a_network_runs_wholly_in_floating_point() {
    for (precision, machine) in [("f32", "dlp16f"), ("bf16", "dlp16f"), ("f16", "textbook1")] {
        let report =
            json(&["run", "lenet5", "--machine", machine, "--precision", precision, "--checked", "--json"]);
        assert_eq!((&report["precision"], &report["machine"]), (&precision.into(), &machine.into()));
        assert_eq!(report["check"]["bit_exact"], true, "{}", report["check"]);
        assert_eq!(report["on_dlp"]["macs_share"], 1.0);
        assert_eq!(report["on_dlp"]["nodes_share"], 1.0);
        // Of f32 an error of 1e-4 of the largest output would be below 80 dB; bf16 has 8 bits.
        let least: f64 = if precision == "f32" { 80.0 } else { 25.0 };
        assert!(report["quantisation"]["sqnr_db"].as_f64().unwrap() > least, "{}", report["quantisation"]);
    }
}

#[test]
fn an_executable_knows_what_it_computes_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lenet5.dlpx").display().to_string();
    succeed(&["compile", "lenet5", "--machine", "dlp16f", "--precision", "f32", "-o", &path]);
    let text = succeed(&["exec", &path, "--self-test"]);
    assert!(text.contains("self-test passed"), "{text}");
    let text = succeed(&["prove", "lenet5", "--machine", "dlp16f", "--precision", "bf16"]);
    assert!(text.contains("proven for every timing"), "{text}");
}

#[test]
fn a_machine_without_the_type_is_told_from_those_that_have_it() {
    let text = fail(&["run", "lenet5", "--precision", "f32"]);
    assert!(text.contains("machine `dlp16` does not compute in f32"), "{text}");
    assert!(text.contains("presets that do: dlp16f, textbook1 (`--machine dlp16f`)"), "{text}");
    let text = fail(&["run", "lenet5", "--machine", "textbook1", "--precision", "bf16"]);
    assert!(text.contains("its matrix.types are int8, f16, f32"), "{text}");
    let text = fail(&["run", "lenet5", "--precision", "fp32"]);
    assert!(text.contains("there are int8, f32, bf16, f16") || text.contains("did you mean"), "{text}");
}
