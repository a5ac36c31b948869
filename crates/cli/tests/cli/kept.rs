//! Networks whose activations must not overlap in NRAM: the bundled one on the smallest machine that keeps
//! much, and reproductions by users.

use std::path::Path;

use ediacara::data::{DataSet, Locations, skip};
use serde_json::Value;

use crate::json;

fn is_right(report: &Value) {
    assert_eq!(report["check"]["bit_exact"], true, "{}", report["check"]);
}

/// The photo is of a cat, whatever the machine.
#[test]
fn the_bundled_network_sees_a_cat_on_a_systolic_array() {
    let report = json(&["run", "--machine", "gemmini16", "--json"]);
    is_right(&report);
    let label = report["top"][0]["label"].as_str().unwrap();
    assert!(label.contains("cat"), "{label}");
}

/// A case of the second collection of networks, which lies beside the first, on every given machine.
fn case(name: &str, machines: &[&str]) {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let cases = locations.find(DataSet::Models).map(|models| models.join("../models2/cases"));
    let path = match cases {
        Ok(cases) if cases.is_dir() => cases.join(name),
        Ok(cases) => return skip(name, &format!("{} is no folder", cases.display())),
        Err(error) => return skip(name, &error.to_string()),
    };
    for machine in machines {
        is_right(&json(&["run", path.to_str().unwrap(), "--machine", machine, "--json"]));
    }
}

#[test]
fn five_convolutions_of_one_pixel() {
    case("K01_keep_overlap_five_1x1.onnx", &["dlp4", "dlp8", "dlp16", "dlp32", "gemmini16"]);
}

#[test]
fn squeeze_and_excite() {
    case("keep_cls_28layers.onnx", &["dlp16", "gemmini16"]);
}

#[test]
fn fire_modules() {
    case("keep_squeezenet1_1_tail.onnx", &["dlp16", "gemmini16"]);
}
