//! `ediacara run` on the bundled network and photo, and the contract of its JSON.

use serde_json::Value;

use crate::{json, number, succeed};

/// Field names of issue and documentation; other tools rely on them.
const FIELDS: [&str; 33] = [
    "model",
    "machine",
    "precision",
    "timing_basis",
    "cycles",
    "dlp_cycles",
    "host_cycles",
    "transfer_cycles",
    "cycles_by_basis",
    "segments",
    "nodes",
    "placement",
    "clock_hz",
    "seconds_simulated",
    "macs",
    "mac_utilisation",
    "dram_read_bytes",
    "dram_write_bytes",
    "instructions",
    "floor_cycles",
    "layer_roofline_cycles",
    "cycles_over_roofline",
    "cycles_over_bound",
    "fetch_bytes",
    "matrix_beats",
    "check",
    "outputs",
    "top",
    "layers",
    "engines",
    "host_ops",
    "wall_seconds",
    "quantisation",
];
const LAYER_FIELDS: [&str; 12] = [
    "name",
    "op",
    "shape",
    "macs",
    "cycles",
    "utilisation",
    "dram_bytes",
    "occupied_cycles",
    "roofline_cycles",
    "bound_cycles",
    "limited_by",
    "remedy",
];

fn has(object: &Value, fields: &[&str]) {
    for field in fields {
        assert!(object.get(field).is_some(), "no field {field} in {object}");
    }
}

/// Busy, stalls and idle of every engine sum to the total.
///
/// The layers' cycles, bytes and beats do too, with those that no layer has. No layer is used beyond its
/// peak.
pub(crate) fn accounts_balance(report: &Value) {
    let cycles = number(&report["dlp_cycles"]);
    let layers: u64 = report["layers"].as_array().unwrap().iter().map(|layer| number(&layer["cycles"])).sum();
    assert_eq!(layers, cycles, "layers");
    let (host, transfer) = (number(&report["host_cycles"]), number(&report["transfer_cycles"]));
    assert_eq!(number(&report["cycles"]), cycles + host + transfer);
    let by_basis: u64 = report["cycles_by_basis"].as_object().unwrap().values().map(number).sum();
    assert_eq!(by_basis, number(&report["cycles"]), "by basis");
    let of = |place: &str| {
        let segments = report["segments"].as_array().unwrap().iter();
        segments.filter(|one| one["place"] == place).map(|one| number(&one["cycles"])).sum::<u64>()
    };
    assert_eq!((of("dlp"), of("host")), (cycles, host), "segments");
    let nodes = report["nodes"].as_array().unwrap();
    let on_dlp = nodes.iter().filter(|node| node["place"] == "dlp");
    assert!(on_dlp.clone().map(|node| number(&node["cycles"])).sum::<u64>() <= cycles, "nodes");
    let macs = |node: &Value| number(&node["macs"]);
    assert_eq!(on_dlp.clone().map(macs).sum::<u64>(), number(&report["on_dlp"]["dlp_macs"]));
    assert_eq!(on_dlp.count() as u64, number(&report["placement"]["nodes_dlp"]));
    for (name, engine) in report["engines"].as_object().unwrap() {
        let stalls: u64 = engine["stall_cycles"].as_object().unwrap().values().map(number).sum();
        assert_eq!(
            number(&engine["busy_cycles"]) + stalls + number(&engine["idle_cycles"]),
            cycles,
            "{name}"
        );
    }
    assert!(number(&report["floor_cycles"]) <= cycles, "the floor is beaten");
    let bytes: u64 =
        report["layers"].as_array().unwrap().iter().map(|layer| number(&layer["dram_bytes"])).sum();
    let total = number(&report["dram_read_bytes"]) + number(&report["dram_write_bytes"]);
    assert_eq!(bytes + number(&report["fetch_bytes"]), total, "bytes");
    let beats: u64 = report["matrix_beats"].as_object().unwrap().values().map(number).sum();
    assert_eq!(beats, number(&report["engines"]["matrix"]["busy_cycles"]), "beats");
    let roofline: f64 = report["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["roofline_cycles"].as_f64().unwrap())
        .sum();
    assert_eq!(roofline.ceil() as u64, number(&report["layer_roofline_cycles"]), "rooflines");
    let shares =
        report["layers"].as_array().unwrap().iter().map(|layer| layer["utilisation"].as_f64().unwrap());
    assert!(shares.into_iter().all(|share| (0.0..=1.0).contains(&share)), "a utilisation above 100 %");
    assert!(report["mac_utilisation"].as_f64().unwrap() <= 1.0);
}

#[test]
fn the_bundled_network_sees_a_cat_and_every_byte_is_right() {
    let report = json(&["run", "--json"]);
    has(&report, &FIELDS);
    report["layers"].as_array().unwrap().iter().for_each(|layer| has(layer, &LAYER_FIELDS));
    has(&report["check"], &["reference", "bit_exact", "max_abs_error"]);
    has(&report["outputs"][0], &["name", "shape", "dtype"]);
    has(&report["top"][0], &["class", "label", "probability"]);
    assert_eq!(report["machine"], "dlp16");
    assert_eq!(report["precision"], "int8");
    assert_eq!(report["timing_basis"], "rtl-verified-rules");
    assert_eq!(report["check"]["bit_exact"], true);
    assert_eq!(report["check"]["max_abs_error"], 0.0);
    // All of it runs on the DLP; ports convert the photo and the answer.
    assert_eq!(report["segments"].as_array().unwrap().len(), 1);
    // 3 x 224 x 224 bytes and four times as many of the photo, 1,000 and four times as many of the answer.
    assert_eq!(
        number(&report["transfer_cycles"]),
        (5 * 3 * 224 * 224_u64).div_ceil(16) + 5000_u64.div_ceil(16)
    );
    // onnxruntime's f32 answers are 282 tiger cat and 285 Egyptian cat, 0.06 of a logit apart, then 281
    // tabby.
    assert!([281, 282, 285].contains(&number(&report["top"][0]["class"])), "{}", report["top"]);
    // Python's onnx counts 385,187,552 on the same file.
    assert_eq!(number(&report["macs"]), 385_187_552);
    assert!(report["quantisation"]["sqnr_db"].as_f64().unwrap() >= 20.0);
    assert!(number(&report["quantisation"]["fewest_distinct_values"]) > 32);
    accounts_balance(&report);
}

#[test]
fn cycles_are_the_same_without_values() {
    let with = json(&["run", "mlp:33-512-10", "--json"]);
    let without = json(&["run", "mlp:33-512-10", "--timing-only", "--json"]);
    for field in [
        "cycles",
        "dlp_cycles",
        "segments",
        "nodes",
        "instructions",
        "dram_read_bytes",
        "dram_write_bytes",
        "layers",
        "engines",
    ] {
        assert_eq!(with[field], without[field], "{field}");
    }
    assert_eq!(without["check"]["bit_exact"], Value::Null);
}

/// The reported saving of a change is that of the changed machine.
#[test]
fn a_change_is_made_and_timed() {
    let report = json(&["run", "lenet5", "--timing-only", "--what-if", "--json"]);
    let tried = report["what_if"].as_array().unwrap();
    assert!(!tried.is_empty(), "{report}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.toml");
    let machine = succeed(&["machines", "dlp16"]);
    for one in tried {
        let (field, value) = one["set"].as_str().unwrap().split_once(" = ").unwrap();
        // A rate is written as a fraction.
        let (table, field) = match field {
            "dram.bytes_per_cycle" => ("dram.bytes_per_cycle", "numerator"),
            field => field.split_once('.').unwrap(),
        };
        let (before, after) = machine.split_once(&format!("[{table}]")).unwrap();
        let line = after.lines().find(|line| line.starts_with(&format!("{field} ="))).unwrap();
        let after = after.replacen(line, &format!("{field} = {value}"), 1);
        std::fs::write(&path, format!("{before}[{table}]{after}")).unwrap();
        let changed =
            json(&["run", "lenet5", "--timing-only", "--machine", path.to_str().unwrap(), "--json"]);
        assert_eq!(changed["dlp_cycles"], one["cycles"], "{one}");
        let saved = number(&report["dlp_cycles"]) as i64 - number(&changed["dlp_cycles"]) as i64;
        assert_eq!(one["saved_cycles"].as_i64(), Some(saved));
    }
}

#[test]
fn a_run_is_deterministic() {
    let mut reports = [json(&["run", "lenet5", "--json"]), json(&["run", "lenet5", "--json"])];
    for report in &mut reports {
        report["wall_seconds"] = Value::Null;
    }
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn every_machine_gives_the_same_values() {
    let small = json(&["run", "lenet5", "--machine", "dlp4", "--checked", "--json"]);
    let large = json(&["run", "lenet5", "--machine", "dlp32", "--checked", "--json"]);
    assert_eq!(small["top"], large["top"]);
    assert_eq!(small["check"]["bit_exact"], true);
    assert_eq!(large["check"]["bit_exact"], true);
    assert!(number(&small["cycles"]) > number(&large["cycles"]));
}

#[test]
fn people_get_a_table_the_totals_and_the_classes() {
    let text = succeed(&["run", "--timing-only"]);
    for part in
        ["limited by", "roofline", "engine", "semaphore", "floor", "rules that RTL verifies", "instructions"]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours without a terminal");
}

#[test]
fn outputs_are_saved_as_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npz");
    succeed(&["run", "lenet5", "--save-outputs", path.to_str().unwrap()]);
    let arrays = ediacara::tensor::npz::read(&path).unwrap();
    assert_eq!(arrays.len(), 1);
    assert_eq!(arrays[0].1.shape(), [1, 10]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left beside");
}

#[test]
fn a_reader_that_stops_reading_ends_the_command_quietly() {
    let command = format!("{} machines dlp16 | head -1", env!("CARGO_BIN_EXE_ediacara"));
    let output = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// The classes that a network sees in seeded numbers are no answer.
#[test]
fn made_up_numbers_have_no_classes() {
    let text = succeed(&["run", "lenet5"]);
    let said =
        "classes       not listed: input `input` was made up (seeded numbers); give one with --input\n";
    assert!(text.ends_with(said), "{text}");
    let report = json(&["run", "lenet5", "--json"]);
    assert_eq!(report["made_up_inputs"], serde_json::json!(["input"]));
    assert_eq!(report["quantisation"]["seeded_inputs"], serde_json::json!(["input"]));
    assert!(report.get("top").is_none(), "{report}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy").display().to_string();
    let zeros = ediacara::tensor::Tensor::full(&[1, 1, 28, 28], 0.0_f32).unwrap();
    ediacara::tensor::npy::write(std::path::Path::new(&path), &zeros).unwrap();
    let report = json(&["run", "lenet5", "--input", &path, "--json"]);
    // The run has given numbers now; the ranges still rest on seeds.
    assert_eq!(report["made_up_inputs"], serde_json::json!([]));
    assert_eq!(report["quantisation"]["seeded_inputs"], serde_json::json!(["input"]));
    assert_eq!(report["top"].as_array().unwrap().len(), 5);
}
