//! Whole networks: those of the test data with real weights, and the built-in ones.

use std::path::Path;

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;

use crate::run::accounts_balance;
use crate::{fail, json, number};

fn check(report: &Value) {
    assert_eq!(report["check"]["bit_exact"], true, "{}", report["check"]);
    accounts_balance(report);
    println!(
        "{}: {} cycles, {} times the roofline, {} instructions",
        report["model"], report["dlp_cycles"], report["cycles_over_roofline"], report["instructions"]
    );
}

/// Runs a built-in network: its random weights must not leave a layer with nothing to say in int8.
fn built_in(name: &str) {
    let report = json(&["run", name, "--json"]);
    check(&report);
    assert!(number(&report["quantisation"]["fewest_distinct_values"]) > 32, "{}", report["quantisation"]);
}

/// The report of the model of the test data called `name`, in checked mode, on the bundled photo; nothing
/// without data.
fn real(name: &str, preprocess: &[&str]) -> Option<Value> {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let models = match locations.find(DataSet::Models) {
        Ok(models) => models,
        Err(error) => {
            skip(name, &error.to_string());
            return None;
        }
    };
    let path = models.join(name).join("model.onnx");
    let mut arguments =
        vec!["run", path.to_str().unwrap(), "--input", "assets/chelsea.png", "--checked", "--json"];
    arguments.extend(preprocess);
    let report = json(&arguments);
    check(&report);
    Some(report)
}

#[test]
fn mobilenet_v2_qdq() {
    let _ = real("mobilenet_v2_qdq", &["--preprocess", "tf"]);
}

#[test]
fn squeezenet10_deepcompressed() {
    let _ = real("squeezenet10_deepcompressed", &["--preprocess", "caffe"]);
}

#[test]
fn resnet20_cifar10() {
    let _ = real("resnet20_cifar10", &["--preprocess", "imagenet"]);
}

#[test]
fn fastestdet() {
    let preprocess = ["--preprocess", "none", "--bgr", "--mean", "0,0,0", "--std", "1,1,1"];
    let Some(report) = real("fastestdet", &preprocess) else { return };
    // Channel shuffles run on the matrix unit, but the network multiplies nothing there. There is one in each
    // of the 3 + 7 + 3 blocks of ShuffleNetV2 that keep the size.
    let layers = report["layers"].as_array().unwrap();
    let gathers: Vec<_> = layers.iter().filter(|layer| layer["op"] == "gather").collect();
    assert_eq!(gathers.len(), 13);
    assert!(gathers.iter().all(|layer| number(&layer["macs"]) == 0), "{gathers:?}");
}

#[test]
fn alexnet() {
    built_in("alexnet");
}

#[test]
fn vgg19() {
    built_in("vgg19");
}

#[test]
fn resnet50() {
    built_in("resnet50");
}

#[test]
fn resnet152() {
    built_in("resnet152");
}

#[test]
fn mobilenet_v2() {
    built_in("mobilenet_v2");
}

#[test]
fn a_batch_is_right_too() {
    check(&json(&["run", "lenet5", "--dim", "N=3", "--checked", "--json"]));
}

#[test]
fn a_batch_is_that_of_the_input_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.npy");
    // Integers, as a picture has them; they are converted, because f32 holds them.
    let pixels = (0..4 * 28 * 28).map(|index| index % 7 - 3).collect();
    let tensor = ediacara::tensor::Tensor::from_vec::<i64>(&[4, 1, 28, 28], pixels).unwrap();
    ediacara::tensor::npy::write(&path, &tensor).unwrap();
    let report = json(&["run", "lenet5", "--input", path.to_str().unwrap(), "--json"]);
    assert_eq!(report["outputs"][0]["shape"], serde_json::json!([4, 10]));
    check(&report);
}

/// Networks whose floating-point operators the host runs between what the DLP runs.
const IN_SEGMENTS: [&str; 21] = [
    "bert_tiny",
    "gpt2_tiny",
    "llama_tiny",
    "vit_tiny",
    "t5_tiny_encoder",
    "whisper_tiny_encoder",
    "whisper_tiny_decoder",
    "swin_tiny",
    "convnext_tiny_small",
    "mixer",
    "conv3d_small",
    "unet_groupnorm_small",
    "se_hswish",
    "squeezenet_nhwc",
    "tcn_1d",
    "gpt2_tiny_decode",
    "deeploy_cct_fp32_opset20",
    "lstm",
    "lstm_bidirectional",
    "gru",
    "gru_bidirectional",
];

/// They run on the DLP but for 5 % of their multiply-adds at most, are proven in all segments, and run from their files alone.
#[test]
fn networks_with_floating_point_between_run_in_segments() {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let folder = match locations.find(DataSet::Models).map(|models| models.join("../models2")) {
        Ok(folder) if folder.is_dir() => folder,
        _ => return skip("networks_with_floating_point_between_run_in_segments", "models2"),
    };
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("network.dlpx");
    let program = program.to_str().unwrap();
    for name in IN_SEGMENTS {
        let path = folder.join(name).join("model.onnx");
        let path = path.to_str().unwrap();
        let report = json(&["run", path, "--checked", "--json"]);
        check(&report);
        assert!(number(&report["check"]["bytes"]) > 10_000, "{name}: {}", report["check"]);
        let share = report["placement"]["macs_share"].as_f64().unwrap();
        assert!((0.95..=1.0).contains(&share), "{name}: {share}");
        let proof = json(&["prove", path, "--json"]);
        assert_eq!(proof["proven"], true, "{name}");
        crate::succeed(&["compile", path, "-o", program]);
        let executed = json(&["exec", program, "--timing-only", "--json"]);
        assert_eq!(executed["cycles"], report["cycles"], "{name}");
    }
}

/// A decoder's tokens, each checked; the caches stay in the DLP's memory, so that they do not count at the border.
#[test]
fn a_decoder_generates_tokens() {
    let report = json(&["run", "gpt2", "--generate", "2", "--prompt-ids", "464", "--json"]);
    let steps = report["steps"].as_array().unwrap();
    assert_eq!((steps.len(), report["tokens"].as_array().unwrap().len()), (2, 2));
    assert_eq!((&steps[0]["token"], &steps[1]["token"]), (&464.into(), &report["tokens"][0]));
    for (position, step) in steps.iter().enumerate() {
        assert_eq!((&step["position"], &step["cache_length"]), (&position.into(), &16.into()));
        assert_eq!(step["report"]["check"]["bit_exact"], true);
        assert!(
            number(&step["report"]["check"]["tensors"]) > 1000 && number(&step["border_cycles"]) < 20_000
        );
        let sum = ["dlp_cycles", "host_cycles"].map(|part| number(&step["report"][part])).iter().sum::<u64>();
        assert_eq!(number(&step["cycles"]), sum + number(&step["border_cycles"]));
        // A closed form: 1 GHz over the cycles.
        let rate = step["tokens_per_second"].as_f64().unwrap();
        assert!((rate * number(&step["cycles"]) as f64 / 1e9 - 1.0).abs() < 1e-9);
    }
    if let Some(folder) = std::env::var_os("EDIACARA_ONNX_FILES") {
        // A file that concatenates: the answer is onnxruntime's, in f32.
        let file = Path::new(&folder).join("decoders/llama.onnx");
        let arguments = ["--generate", "3", "--prompt-ids", "7,31,2,55", "--json"];
        let report = json(&[&["run", file.to_str().unwrap()][..], &arguments].concat());
        let steps = report["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["file_distance"].as_f64().unwrap() < 1e-5));
        assert_eq!(steps[3]["next_in_f32"], 45);
    }
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let fixed =
        locations.find(DataSet::Models).map(|models| models.join("../models2/gpt2_tiny_decode/model.onnx"));
    if let Ok(file) = fixed
        && file.exists()
    {
        let text = fail(&["run", file.to_str().unwrap(), "--generate", "2", "--prompt-ids", "1"]);
        assert!(text.contains("have axes of fixed sizes in the file"), "{text}");
    }
    let text = fail(&["run", "lenet5", "--generate", "2", "--prompt-ids", "1"]);
    assert!(text.contains("it does not decode token by token: it has no cache"), "{text}");
    assert!(fail(&["run", "gpt2", "--generate", "2"]).contains("--prompt-ids"));
}
