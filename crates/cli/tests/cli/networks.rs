//! Whole networks: those of the test data with real weights, and the built-in ones.

use std::path::Path;

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;

use crate::run::accounts_balance;
use crate::{json, number};

fn check(report: &Value) {
    assert_eq!(report["check"]["bit_exact"], true, "{}", report["check"]);
    assert!(number(&report["quantisation"]["fewest_distinct_values"]) > 32, "{}", report["quantisation"]);
    accounts_balance(report);
    println!(
        "{}: {} cycles, {} times the bound, {} instructions",
        report["model"], report["cycles"], report["cycles_over_bound"], report["instructions"]
    );
}

/// The model of the test data called `name`, in checked mode, on the bundled photo.
fn real(name: &str, preprocess: &[&str]) {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let models = match locations.find(DataSet::Models) {
        Ok(models) => models,
        Err(error) => return skip(name, &error.to_string()),
    };
    let path = models.join(name).join("model.onnx");
    let mut arguments =
        vec!["run", path.to_str().unwrap(), "--input", "assets/chelsea.png", "--checked", "--json"];
    arguments.extend(preprocess);
    check(&json(&arguments));
}

#[test]
fn mobilenet_v2_qdq() {
    real("mobilenet_v2_qdq", &["--preprocess", "tf"]);
}

#[test]
fn squeezenet10_deepcompressed() {
    real("squeezenet10_deepcompressed", &["--preprocess", "caffe"]);
}

#[test]
fn resnet20_cifar10() {
    real("resnet20_cifar10", &["--preprocess", "imagenet"]);
}

#[test]
fn fastestdet() {
    real("fastestdet", &["--preprocess", "none", "--bgr", "--mean", "0,0,0", "--std", "1,1,1"]);
}

#[test]
fn alexnet() {
    check(&json(&["run", "alexnet", "--json"]));
}

#[test]
fn vgg19() {
    check(&json(&["run", "vgg19", "--json"]));
}

#[test]
fn resnet50() {
    check(&json(&["run", "resnet50", "--json"]));
}

#[test]
fn resnet152() {
    check(&json(&["run", "resnet152", "--json"]));
}

#[test]
fn mobilenet_v2() {
    check(&json(&["run", "mobilenet_v2", "--json"]));
}

#[test]
fn a_batch_is_right_too() {
    check(&json(&["run", "lenet5", "--dim", "N=3", "--checked", "--json"]));
}
