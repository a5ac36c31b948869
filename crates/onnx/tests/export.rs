//! Checks that onnxruntime runs exported files of the ONNX project's cases to the outputs that the cases
//! state.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::process::Command;

use ediacara_graph::ops::{Activation, Broadcast, Gemm, Reshape};
use ediacara_graph::{DType, Graph, Tensor, TensorType};
use ediacara_onnx::{ExportOptions, ImportOptions};
use ediacara_tensor::npz;

const CASES: &str = include_str!("conformance.txt");

/// Exports a case whose operands are all fed, with its inputs and stated outputs; says whether it did.
fn prepare(suite: &Path, case: &str, folder: &Path) -> bool {
    let set = suite.join(case).join("test_data_set_0");
    let (Ok(inputs), Ok(outputs)) =
        (common::stored_tensors(&set, "input"), common::stored_tensors(&set, "output"))
    else {
        return false;
    };
    // NumPy has no bfloat16.
    if inputs.iter().chain(&outputs).any(|tensor| tensor.dtype() == DType::BF16) {
        return false;
    }
    let path = suite.join(case).join("model.onnx");
    let names = ediacara_onnx::input_names(&path).unwrap();
    let shapes = names.iter().cloned().zip(inputs.iter().map(|tensor| tensor.shape().to_vec())).collect();
    let options = ImportOptions { shapes, ..ImportOptions::default() };
    let Ok(graph) = ediacara_onnx::import(&path, &options) else { return false };
    let stem = folder.join(case.replace('/', "-"));
    if ediacara_onnx::export(&graph, stem.with_extension("onnx"), &ExportOptions::default()).is_err() {
        return false;
    }
    let fed = names
        .into_iter()
        .zip(inputs)
        .filter(|(name, _)| graph.inputs().iter().any(|&input| graph.value(input).name == *name));
    npz::write(&stem.with_extension("inputs.npz"), &fed.collect::<Vec<_>>()).unwrap();
    let numbered = outputs.into_iter().enumerate().map(|(index, tensor)| (index.to_string(), tensor));
    npz::write(&stem.with_extension("outputs.npz"), &numbered.collect::<Vec<_>>()).unwrap();
    true
}

fn run(python: &Path, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export.py");
    let run = Command::new(python).arg(script).arg(folder).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn onnxruntime_computes_what_the_cases_state() {
    let (Some(suite), Some(python)) = (common::onnx_suite(), ediacara_data::onnxruntime_python("export"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cases = CASES.lines().filter(|line| line.starts_with("node/") || line.starts_with("pytorch-"));
    let exported = cases.filter(|case| prepare(&suite, case, folder.path())).count();
    let said = run(&python, folder.path());
    let (problems, last) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim_end()));
    let problems: Vec<&str> = problems.lines().collect();
    assert!(problems.is_empty(), "{} of {exported}:\n{}", problems.len(), problems.join("\n"));
    let compared: usize = last.split(' ').next().unwrap().parse().unwrap();
    assert!(compared > 600, "{said}");
}

/// In a network for any batch, a reshape that keeps the batch takes it from its operand.
#[test]
fn a_named_batch_is_free() {
    let mut graph = Graph::new("mlp");
    let x = graph.add_input("x", TensorType::f32(&[3, 2, 2]));
    let weight = Tensor::from_vec(&[2, 4], vec![1.0_f32, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap();
    let weight = graph.add_constant("w", weight);
    let flat = graph.add("flat", Reshape { shape: vec![3, 4] }, &[x]).unwrap();
    let y = graph.add("y", Gemm { activation: Activation::Relu }, &[flat, weight]).unwrap();
    graph.set_outputs(vec![y]);
    let options = ExportOptions { batch: Some("N".to_owned()), ..ExportOptions::default() };
    let bytes = ediacara_onnx::to_model(&graph, &options).unwrap();
    for batch in [1_usize, 5] {
        let import = ImportOptions { dims: vec![("N".to_owned(), batch)], ..ImportOptions::default() };
        let (again, report) = ediacara_onnx::import_bytes("mlp", &bytes, &import).unwrap();
        assert_eq!(report.dims.len(), 1);
        let x = Tensor::from_vec(&[batch, 2, 2], (0..4 * batch).map(|i| i as f32 - 2.0).collect()).unwrap();
        let y = common::run(&again, &[x]).unwrap()[0].to_vec::<f32>().unwrap();
        // Row i is 4 i - 2 and the three numbers after it.
        let expected: Vec<f32> = (0..batch)
            .flat_map(|i| {
                let first = 4.0 * i as f32 - 2.0;
                [first.max(0.0), (3.0 * first + 6.0).max(0.0)]
            })
            .collect();
        assert_eq!(y, expected);
    }
}

/// A node that holds for one batch only is not exported for any batch.
#[test]
fn what_is_of_one_batch_is_refused() {
    let mut graph = Graph::new("spread");
    let x = graph.add_input("x", TensorType::f32(&[3, 1]));
    let y = graph.add("spread", Broadcast { shape: vec![3, 4] }, &[x]).unwrap();
    graph.set_outputs(vec![y]);
    assert!(ediacara_onnx::to_model(&graph, &ExportOptions::default()).is_ok());
    let error = ediacara_onnx::to_model(
        &graph,
        &ExportOptions { batch: Some("N".to_owned()), ..ExportOptions::default() },
    )
    .unwrap_err();
    assert!(error.to_string().contains("spread (broadcast)"), "{error}");
}
