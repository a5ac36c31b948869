//! The textbook's questions as a user asks them.

use crate::{fail, json, number, root, succeed};

#[test]
fn an_abstract_program_is_timed_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let report = json(&["estimate", "fc_1x256x1", "--json", "--svg", picture.to_str().unwrap()]);
    // 2,052 bytes at 64 a nanosecond.
    assert_eq!(report["lower_bound"]["ns"], 32.0625);
    assert_eq!(report["lower_bound"]["exact"], "32 1/16");
    assert!(report["time"]["ns"].as_f64().unwrap() < 34.0);
    assert!(std::fs::read_to_string(&picture).unwrap().starts_with("<svg"));
    let text = succeed(&["estimate", "fc_1x256x1"]);
    assert!(text.contains("lower bound   32 1/16 ns (DRAM)"), "{text}");
    assert_eq!(succeed(&["estimate", "--list"]).lines().count(), 2 + 7);
}

#[test]
fn a_wrong_abstract_program_names_line_and_column_and_draws_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("early.dlpa");
    let text = "buffer x NRAM 64\nmove DRAM NRAM 64 writes x\ncompute MAC32 16 reads x\n";
    std::fs::write(&path, text).unwrap();
    let picture = folder.path().join("timeline.svg");
    let arguments =
        ["estimate", path.to_str().unwrap(), "-m", "book_core", "--svg", picture.to_str().unwrap()];
    let message = fail(&arguments);
    assert!(message.contains("early.dlpa:3:24"), "{message}");
    assert!(!picture.exists());
    assert!(fail(&["estimate", path.to_str().unwrap()]).contains("book_core"));
    assert!(fail(&["estimate", "no.dlpa"]).contains("fc_1x256x1"));
    assert!(fail(&["estimate", "fc_1x256x1", "-m", "book_cor"]).contains("book_cluster"));
}

#[test]
fn every_built_in_program_runs_on_the_machine_it_names() {
    for name in json(&["estimate", "--list", "--json"]).as_array().unwrap() {
        let name = name["name"].as_str().unwrap();
        let report = json(&["estimate", name, "--json"]);
        // The hardest of them may take three percent more.
        assert!(report["time_over_bound"].as_f64().unwrap() < 1.03, "{name}");
    }
}

#[test]
fn a_roofline_has_points_on_paper_and_simulated() {
    let report = json(&["roofline", "mlp:256-256", "mlp:128-256", "--json"]);
    assert_eq!(report["ridge_operations_per_byte"], 32.0);
    let mlp = &report["networks"][0];
    // 2 x 65,536 operations on 65,536 weights, 256 inputs and 256 outputs.
    assert_eq!(mlp["analytic"]["operations_per_byte"], 131_072.0 / 66_048.0);
    let simulated = mlp["simulated"]["operations_per_second"].as_f64().unwrap();
    assert!(simulated > 0.0 && simulated <= mlp["analytic"]["operations_per_second"].as_f64().unwrap());
    // One step of an LSTM: four gates of 64 on 64 inputs and a state of 64.
    let lstm = &report["networks"][1]["analytic"];
    assert_eq!(lstm["operations_per_byte"], 65_536.0 / (32_768.0 + 128.0 + 256.0));
    assert!(fail(&["roofline", "lstm:64-64"]).contains("lstm:128-128x100"));
}

/// Weights of LeNet's fully connected layers arrive while the layers before run, and MobileNetV2's blocks use
/// both units.
///
/// Neither puts a layer above the roof, in the report or in the picture.
#[test]
fn no_layer_lies_above_the_roof() {
    let report = json(&["roofline", "lenet5", "mobilenet_v2", "--json"]);
    for network in report["networks"].as_array().unwrap() {
        let layers = network["simulated_layers"].as_array().unwrap();
        assert!(layers.len() >= 5, "{network}");
        for load in layers.iter().chain([&network["simulated"]]) {
            let share = load["share_of_attainable"].as_f64().unwrap();
            // The limit allows for the rounding of a quotient.
            assert!(share > 0.0 && share <= 1.0 + 1e-12, "{load}");
        }
    }
}

#[test]
fn amdahl_is_applied_to_simulated_cycles() {
    let report = json(&["speedup", "network", "lenet5", "--conv", "10", "--fc", "2", "--json"]);
    // Pools are separate layers: an accelerator of convolutions does not make them faster.
    let layers = json(&["run", "lenet5", "--timing-only", "--disable", "fuse-block", "--json"]);
    let names: Vec<_> = report["parts"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
    assert_eq!(names, ["conv", "fc", "other"]);
    let parts = report["parts"].as_array().unwrap();
    let before: f64 = parts.iter().map(|part| part["before"].as_f64().unwrap()).sum();
    let cycles: u64 = layers["layers"].as_array().unwrap().iter().map(|layer| number(&layer["cycles"])).sum();
    assert_eq!(before, cycles as f64);
    let after: f64 =
        parts.iter().map(|part| part["before"].as_f64().unwrap() / part["factor"].as_f64().unwrap()).sum();
    assert!((report["speedup"].as_f64().unwrap() - before / after).abs() < 1e-9);
    assert_eq!(json(&["speedup", "layer", "--json"])["limit"], 12.8);
}

#[test]
fn a_layer_is_tiled_three_ways_and_as_the_compiler_does() {
    let report = json(&["tiles", "lenet5", "conv2", "--machine", "dlp4", "--json"]);
    assert_eq!(report["tilings"].as_array().unwrap().len(), 3);
    assert!(report["compiler"]["tiling"].is_string(), "{report}");
    assert!(fail(&["tiles", "lenet5", "conv"]).contains("2 layers"));
}

#[test]
fn the_catalogue_is_printed_with_its_sources() {
    let text = succeed(&["machines", "--catalogue"]);
    assert!(text.contains("TPU v1") && text.contains("ISCA 2017"), "{text}");
    assert!(json(&["machines", "--catalogue", "--json"]).as_array().unwrap().len() >= 12);
    assert!(json(&["decoder", "--json"])["states"].as_array().unwrap().len() >= 5);
    assert!(root().join("docs/textbook/08-decoder.md").exists());
}

#[test]
fn activations_are_tabulated_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("activations.svg");
    let report = json(&["plot", "activations", "--json", "--svg", picture.to_str().unwrap()]);
    let sigmoid = &report["activations"][0];
    assert_eq!((&sigmoid["name"], &sigmoid["derivative"]["high"]), (&"sigmoid".into(), &0.25.into()));
    assert_eq!(std::fs::read_to_string(&picture).unwrap().matches("<polyline").count(), 14);
    let text = succeed(&["plot", "activations"]);
    for words in ["ReLU", "[0, inf)", "(-1, 1)", "both sides"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(fail(&["plot"]).contains("activations"));
}

#[test]
fn number_formats_are_compared_on_a_network_and_its_photo() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("formats.svg");
    let report = json(&["plot", "formats", "--json", "--svg", picture.to_str().unwrap()]);
    let formats = report["formats"].as_array().unwrap();
    let median = |numbers: &str, format: &str| {
        let is_it = |entry: &&serde_json::Value| entry["numbers"] == numbers && entry["format"] == format;
        formats.iter().find(is_it).unwrap()["sqnr_median_db"].as_f64().unwrap()
    };
    // A half of a unit in the last place, evenly: 20 log10(sqrt(6) * 2^11), and 2^8, but for how numbers lie in an octave.
    assert!((median("weights", "f16") - 74.0).abs() < 1.5);
    assert!((median("values", "bf16") - 55.9).abs() < 1.5);
    let channels = "int8, a scale a channel";
    assert!(median("weights", channels) > median("weights", "int8") + 3.0);
    assert!(median("weights", channels) < median("weights", "f16"));
    // Its convolutions and its fully connected layer.
    let summary = json(&["summary", "efficientnet_lite0", "--json"]);
    let layers = summary["layers"].as_array().unwrap().iter().filter(|layer| layer["macs"] != 0);
    assert_eq!(formats[0]["tensors"].as_array().unwrap().len(), layers.count());
    assert_eq!(
        std::fs::read_to_string(&picture).unwrap().matches("<polyline").count(),
        4 + 1 + 4 + 3 + 1 + 3
    );
}

/// The table of the page on the book's core says what its runs say.
#[test]
fn the_page_on_the_books_core_quotes_its_runs() {
    let page = include_str!("../../../../docs/textbook/12-the-books-core.md");
    for (question, layer) in [
        ("7.7", &["mlp:256-1"][..]),
        ("7.8", &["mlp:256-128", "--dim", "N=32"]),
        ("7.9", &["mlp:256-128", "--dim", "N=1024"]),
    ] {
        let machine = ["--machine", "textbook1", "--precision", "f32", "--timing-only", "--json"];
        let report = json(&[&["run"], layer, &machine[..]].concat());
        let row = page.lines().find(|line| line.starts_with(&format!("| {question} |"))).unwrap();
        let quoted = row.split('|').nth(5).unwrap().trim().replace(',', "");
        assert_eq!(report["dlp_cycles"].to_string(), quoted, "{question}");
    }
}
