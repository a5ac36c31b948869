//! The accuracy of recipes on the whole of MNIST, with the seeds that they have.

use std::path::Path;

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;

use crate::{json, succeed};

/// Whether MNIST is on this machine.
///
/// If it is not, the test counts as skipped.
fn is_here() -> bool {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    locations.find(DataSet::Mnist).map_err(|error| skip("mnist", &error.to_string())).is_ok()
}

/// The share of the 10,000 test pictures that a recipe's network reads right.
fn accuracy(recipe: &str, rest: &[&str]) -> f64 {
    let text = succeed(&[&["train", recipe, "--json"], rest].concat());
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(report["test_samples"], 10_000, "{report}");
    report["test_accuracy"].as_f64().unwrap()
}

/// 16 bits cost at most 0.2 points, and half of the weights at most 0.5.
#[test]
fn perceptrons_read_98_2_percent_in_16_bits_and_with_half_the_weights_too() {
    if !is_here() {
        return;
    }
    let dense = accuracy("mnist-mlp", &[]);
    assert!(dense >= 0.982, "{dense}");
    let mixed = accuracy("mnist-mixed", &[]);
    assert!(mixed >= dense - 0.002, "{mixed} beside {dense}");
    let sparse = accuracy("mnist-sparse", &[]);
    assert!(sparse >= dense - 0.005, "{sparse} beside {dense}");
}

#[test]
fn lenet5_reads_99_percent_and_98_8_in_int8_on_the_dlp() {
    if !is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lenet5.onnx").display().to_string();
    let real = accuracy("lenet5", &["--export", &file]);
    assert!(real >= 0.99, "{real}");
    let asked = json(&["run", &file, "--dataset", "mnist-test", "--json"]);
    assert_eq!((&asked["samples"], &asked["bit_exact"]), (&10_000.into(), &true.into()));
    let int8 = asked["int8_accuracy"].as_f64().unwrap();
    assert!(int8 >= 0.988, "{int8}");
}

#[test]
fn neighbours_read_96_8_percent() {
    if is_here() {
        let accuracy = accuracy("knn", &[]);
        assert!(accuracy >= 0.968, "{accuracy}");
    }
}
