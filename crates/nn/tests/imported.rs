//! Summaries of imported networks, against counts made from the files with Python's `onnx` 1.22.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests may")]

use std::path::Path;

use ediacara_data::{DataError, DataSet, Locations, bundled};
use ediacara_nn::Summary;
use ediacara_onnx::ImportOptions;

#[test]
fn the_bundled_network() {
    let model = &bundled::MODELS[0];
    let (graph, _) = ediacara_onnx::import_bytes(model.name, model.onnx, &ImportOptions::default()).unwrap();
    let summary = Summary::new(&graph);
    assert_eq!((summary.parameters, summary.macs), (4_631_000, 385_187_552));
    assert_eq!(summary.layers.iter().filter(|layer| layer.kind == "conv").count(), 49);
}

/// The quantised network keeps its weights as 8-bit constants; scales and zero points are no parameters.
#[test]
fn networks_of_the_test_data() {
    let models =
        match Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap().find(DataSet::Models) {
            Ok(models) => models,
            Err(error @ DataError::SetNotFound { .. }) => {
                return ediacara_data::skip("models", &error.to_string());
            }
            Err(error) => panic!("{error}"),
        };
    for (name, parameters, macs) in
        [("resnet20_cifar10", 269_034, 40_551_040), ("mobilenet_v2_qdq", 3_489_097, 300_775_552)]
    {
        let graph =
            ediacara_onnx::import(models.join(name).join("model.onnx"), &ImportOptions::default()).unwrap();
        let summary = Summary::new(&graph);
        assert_eq!((summary.parameters, summary.macs), (parameters, macs), "{name}");
    }
}
