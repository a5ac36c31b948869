//! Real networks: their outputs are those that onnxruntime computed for the stored inputs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use ediacara_onnx::ImportOptions;

/// Imports `models/NAME`, runs the stored inputs and compares within `tolerance`.
fn check(name: &str, tolerance: f64) {
    let Some(folder) = common::network(name) else { return };
    let data = folder.join("test_data_set_0");
    let inputs = common::stored_tensors(&data, "input").unwrap();
    let expected = common::stored_tensors(&data, "output").unwrap();
    let names = ediacara_onnx::input_names(folder.join("model.onnx")).unwrap();
    let shapes =
        names.into_iter().zip(&inputs).map(|(name, tensor)| (name, tensor.shape().to_vec())).collect();
    let options = ImportOptions { shapes, ..ImportOptions::default() };
    let graph = ediacara_onnx::import(folder.join("model.onnx"), &options).unwrap();
    graph.verify().unwrap();
    let found = common::run(&graph, &inputs).unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        common::compare(found, expected, 0.0, tolerance).unwrap();
    }
}

#[test]
fn efficientnet_lite0() {
    check("efficientnet_lite0", 1e-4);
}

#[test]
fn mobilenet_v2_qdq() {
    // The stored outputs come from onnxruntime's integer kernels. Its own float evaluation of the same file
    // (graph optimisations off) is 5.5e-4 away from them and within 2e-6 of ours.
    check("mobilenet_v2_qdq", 1e-3);
}

#[test]
fn squeezenet10_deepcompressed() {
    check("squeezenet10_deepcompressed", 1e-4);
}

#[test]
fn resnet20_cifar10() {
    check("resnet20_cifar10", 1e-4);
}

#[test]
fn fastestdet() {
    check("fastestdet", 1e-4);
}

#[test]
fn free_dimensions_are_bound_and_reported() {
    let Some(folder) = common::network("resnet20_cifar10") else { return };
    let path = folder.join("model.onnx");
    let (graph, report) = ediacara_onnx::import_reported(&path, &ImportOptions::default()).unwrap();
    assert_eq!(graph.ty(graph.inputs()[0]).shape, [1, 3, 32, 32]);
    assert_eq!((report.dims[0].name.as_str(), report.dims[0].size, report.dims[0].given), ("N", 1, false));

    let options = ImportOptions { dims: vec![("N".to_owned(), 4)], ..ImportOptions::default() };
    let (graph, report) = ediacara_onnx::import_reported(&path, &options).unwrap();
    assert_eq!(graph.ty(graph.outputs()[0]).shape, [4, 10]);
    assert!(report.dims[0].given);

    let options = ImportOptions { dims: vec![("M".to_owned(), 4)], ..ImportOptions::default() };
    let error = ediacara_onnx::import(&path, &options).unwrap_err().to_string();
    assert!(error.contains("no dimension named 'M'; it has: N"), "{error}");
}

#[test]
fn silero_vad_16k() {
    let Some(folder) = common::network("silero_vad_16k") else { return };
    // Its padding is wider than a free dimension of 1.
    let path = folder.join("model.onnx");
    let error = ediacara_onnx::import(&path, &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("/model/stft/padding/Pad") && error.contains("--dim"), "{error}");
    check("silero_vad_16k", 1e-4);
}
