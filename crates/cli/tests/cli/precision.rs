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

#[test]
fn utilisation_is_of_the_peak_in_the_type() {
    // textbook1 multiplies 256 numbers of f32 in a beat, or 1,024 bytes; these channels fill its lanes.
    let layer = ["run", "mlp:256-128", "--dim", "N=32", "--machine", "textbook1", "--timing-only", "--json"];
    for (precision, macs_per_cycle) in [("f32", 256), ("f16", 512), ("int8", 1024)] {
        let report = json(&[&layer[..], &["--precision", precision]].concat());
        let (macs, beats) = (32 * 256 * 128, 32 * 256 * 128 / macs_per_cycle);
        assert_eq!(report["macs"], macs);
        assert_eq!(report["matrix_beats"]["products"], beats, "{precision}");
        assert_eq!(report["matrix_beats"]["idle_lanes"], 0, "{precision}");
        let share = |cycles: &serde_json::Value| f64::from(beats) / cycles.as_f64().unwrap();
        let found = report["mac_utilisation"].as_f64().unwrap();
        assert!((found - share(&report["dlp_cycles"])).abs() < 1e-12, "{precision}: {found}");
        let layers = report["layers"].as_array().unwrap();
        let layer = layers.iter().find(|layer| layer["macs"] == macs).unwrap();
        let found = layer["utilisation"].as_f64().unwrap();
        assert!((found - share(&layer["occupied_cycles"])).abs() < 1e-12, "{precision}: {found}");
    }
}

#[test]
fn a_roofline_is_that_of_the_type() {
    let roofline = ["roofline", "mlp:256-128", "--machine", "dlp16f", "--paper", "--json", "--precision"];
    for (precision, bytes) in [("int8", 1.0), ("bf16", 2.0), ("f32", 4.0)] {
        let report = json(&[&roofline[..], &[precision]].concat());
        assert_eq!(report["peaks"][0]["name"], format!("matrix {precision}"));
        assert_eq!(report["peaks"][0]["operations_per_second"], 512e9 / bytes);
        let intensity = report["networks"][0]["analytic"]["operations_per_byte"].as_f64().unwrap();
        let expected = 2.0 * 256.0 * 128.0 / (bytes * (256.0 * 128.0 + 256.0 + 128.0));
        assert!((intensity - expected).abs() < 1e-12, "{precision}: {intensity}");
    }
    assert!(
        fail(&["roofline", "lenet5", "--paper", "--precision", "f32"]).contains("does not compute in f32")
    );
}

#[test]
fn a_recurrence_loads_weights_once_where_they_fit() {
    // Two products of 128 x 512 in two bytes; the step's weights would be 13 MB if each step loaded them.
    let report = json(&[
        "run",
        "lstm:128-128x100",
        "--machine",
        "dlp16f",
        "--precision",
        "bf16",
        "--timing-only",
        "--json",
    ]);
    let layers = report["layers"].as_array().unwrap();
    let products: u64 = layers
        .iter()
        .filter(|layer| layer["op"].as_str().is_some_and(|op| op.contains("matmul")))
        .map(|layer| layer["dram_bytes"].as_u64().unwrap())
        .sum();
    assert!((2 * 128 * 512 * 2..400_000).contains(&products), "{products}");
}

#[test]
fn layers_give_up_int8_where_it_is_too_noisy_or_a_file_says_so() {
    let automatic = ["run", "lenet5", "--machine", "dlp16f", "--precision", "auto", "--least-db"];
    let report = json(&[&automatic[..], &["40", "--json"]].concat());
    let choice = &report["precision_choice"];
    let chosen = choice["layers"].as_array().unwrap().len();
    assert!(chosen > 0 && choice["products"] == 5 && choice["sqnr_db"].as_f64().unwrap() >= 40.0, "{choice}");
    assert!(choice["int8_sqnr_db"].as_f64().unwrap() < 40.0, "{choice}");
    assert!(choice["int8_dlp_cycles"].as_u64() < report["dlp_cycles"].as_u64(), "{choice}");
    assert_eq!(report["check"]["bit_exact"], true);
    let text = succeed(&[&automatic[..], &["5"]].concat());
    assert!(text.contains("precision     all 5 products in int8"), "{text}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layers.toml");
    std::fs::write(&path, "\"conv2\" = \"bf16\"\n").unwrap();
    let file = path.to_str().unwrap();
    let mixed = ["--machine", "dlp16f", "--layer-precision", file];
    let report = json(&[&["run", "lenet5", "--checked", "--json"], &mixed[..]].concat());
    assert_eq!(
        (&report["precision"], &report["check"]["bit_exact"]),
        (&"int8, and 1 layer in bf16".into(), &true.into())
    );
    let text = succeed(&[&["prove", "lenet5"], &mixed[..]].concat());
    assert!(text.contains("proven for every timing"), "{text}");
    let text =
        fail(&["run", "lenet5", "--machine", "dlp16f", "--layer-precision", file, "--precision", "auto"]);
    assert!(text.contains("leave --layer-precision out"), "{text}");
    let text = fail(&["run", "lenet5", "--machine", "dlp16f", "--precision", "f32", "--calibrate", file]);
    assert!(text.contains("--precision f32 needs no calibration"), "{text}");
    std::fs::write(&path, "\"convolution\" = \"f32\"\n").unwrap();
    let text = fail(&[&["run", "lenet5"], &mixed[..]].concat());
    assert!(text.contains("no layer is called `convolution` once"), "{text}");
}
