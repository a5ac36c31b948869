//! Recurrent layers on the DLP: weights stay on chip over all steps.

use crate::{json, number, succeed};

/// 128 inputs and units: each of the two matrices has 512 x 128 weights, and each product 512 records of 12 bytes.
const WEIGHTS: u64 = 512 * 128;
const RECORDS: u64 = 512 * 12;

#[test]
fn weights_of_a_recurrence_cross_dram_once() {
    let report = json(&["run", "lstm:128-128x100", "--checked", "--json"]);
    assert_eq!(report["check"]["bit_exact"], true);
    assert!(number(&report["check"]["bytes"]) > 400_000, "{}", report["check"]);
    assert_eq!(report["placement"]["macs_share"], 1.0);
    // Reloading one of them in every step takes 4,096 cycles a step.
    let cycles = number(&report["dlp_cycles"]);
    assert!(cycles <= 80_000, "{cycles} cycles");
    assert!(cycles >= number(&report["floor_cycles"]), "{cycles} cycles");
    let layers = report["layers"].as_array().unwrap();
    let products = layers.iter().filter(|layer| number(&layer["macs"]) > 0);
    let [input, recurrent]: [Vec<_>; 2] = {
        let (recurrent, input) = products.partition(|layer| layer["name"].as_str().unwrap().contains('@'));
        [input, recurrent]
    };
    assert_eq!((input.len(), recurrent.len()), (1, 99), "the first step has no state to multiply");
    let bytes =
        |layers: &[&serde_json::Value]| layers.iter().map(|layer| number(&layer["dram_bytes"])).sum::<u64>();
    assert_eq!(bytes(&recurrent), WEIGHTS + RECORDS);
    // Beside its weights the first product reads 100 x 128 inputs.
    assert_eq!(bytes(&input), WEIGHTS + RECORDS + 100 * 128);
    let proof = json(&["prove", "lstm:128-128x100", "--json"]);
    assert_eq!(proof["proven"], true);
}

#[test]
fn weights_that_wram_does_not_hold_are_streamed() {
    let report = json(&["run", "lstm:512-512x8", "--timing-only", "--json"]);
    // 2048 x 512 weights in each of 7 steps, and as many of the input's product.
    assert!(number(&report["dram_read_bytes"]) > 8 * 2048 * 512);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("lstm.dlpx");
    let program = program.to_str().unwrap();
    let held = succeed(&["compile", "lstm:512-512x8", "-o", program, "--print-after", "hold"]);
    assert!(held.contains("WRAM or PRAM does not hold them"), "{held}");
    let text = succeed(&["run", "lstm:512-512x8", "--timing-only"]);
    assert!(text.contains("twice the DRAM bandwidth"), "{text}");
}

#[test]
fn the_steps_of_a_recurrence_are_one_line_of_the_report() {
    for network in ["lstm:32-32x50", "gru:32-32x50"] {
        let text = succeed(&["run", network]);
        assert!(text.contains(" x49") || text.contains(" x50"), "{text}");
        assert!(text.lines().count() < 60, "{text}");
    }
}

#[test]
fn pass_hold_can_be_left_out() {
    let cycles = |arguments: &[&str]| {
        let all = [&["run", "gru:64-64x10", "--json"], arguments].concat();
        let report = json(&all);
        assert_eq!(report["check"]["bit_exact"], true);
        number(&report["dlp_cycles"])
    };
    let (with, without) = (cycles(&[]), cycles(&["--disable", "hold"]));
    // 9 steps load 192 x 64 weights each.
    assert!(without > with + 8 * 192 * 64 / 16 / 2, "{with} against {without} cycles");
}
