//! The ONNX project's own cases, those that are switched on in `conformance.txt`.
//!
//! A case is a model with inputs and outputs. Some operators take as an operand what has to be static here (a
//! shape, axes). The runner fixes such an input to its value: [`ImportError::NotConstant`] says which one. What
//! depends on other data is taken from the inputs, as from a sample.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use ediacara_graph::{DType, Graph, Tensor};
use ediacara_onnx::{ExportOptions, ImportError, ImportOptions};

/// The cases that have to hold, one on each line.
const CASES: &str = include_str!("conformance.txt");

/// The tolerances of the suite, `rtol` and `atol`.
const TOLERANCE: (f64, f64) = (1e-3, 1e-7);

fn cases() -> impl Iterator<Item = &'static str> {
    CASES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Imports with the shapes of `inputs`, fixing those inputs that have to be constant; returns those that are
/// left to feed.
fn import(path: &Path, inputs: &[Tensor]) -> Result<(Graph, Vec<Tensor>), String> {
    let names = ediacara_onnx::input_names(path).map_err(|error| error.to_string())?;
    let mut options = ImportOptions::default();
    for (name, tensor) in names.iter().zip(inputs) {
        options.shapes.push((name.clone(), tensor.shape().to_vec()));
    }
    loop {
        let operand = match ediacara_onnx::import(path, &options) {
            Ok(graph) => {
                let fixed = |name: &String| options.constants.iter().any(|(fixed, _)| fixed == name);
                let rest = names.iter().zip(inputs).filter(|(name, _)| !fixed(name));
                return Ok((graph, rest.map(|(_, tensor)| tensor.clone()).collect()));
            }
            Err(ImportError::NotConstant { operand, .. }) => operand,
            Err(error) => return Err(error.to_string()),
        };
        let free = |name: &str| options.constants.iter().all(|(fixed, _)| fixed != name);
        // The operand itself, or else the small integer inputs that it is computed from.
        let mut chosen: Vec<usize> = (0..names.len()).filter(|&index| names[index] == operand).collect();
        if chosen.is_empty() {
            let small =
                |tensor: &Tensor| matches!(tensor.dtype(), DType::I64 | DType::I32) && tensor.rank() < 2;
            chosen = (0..names.len()).filter(|&index| inputs.get(index).is_some_and(small)).collect();
        }
        chosen.retain(|&index| index < inputs.len() && free(&names[index]));
        if chosen.is_empty() && options.fed.is_empty() {
            let fixed = |name: &String| options.constants.iter().any(|(fixed, _)| fixed == name);
            let rest = names.iter().zip(inputs).filter(|(name, _)| !fixed(name));
            options.fed = rest.map(|(_, tensor)| Some(tensor.clone())).collect();
            continue;
        }
        if chosen.is_empty() {
            return Err(format!("operand {operand} has to be constant, and the sample does not give it"));
        }
        let fixed = chosen.into_iter().map(|index| (names[index].clone(), inputs[index].clone()));
        options.constants.extend(fixed.collect::<Vec<_>>());
    }
}

/// Cases that ONNX cannot express with what the core keeps: a resize whose scales follow from one of its
/// sizes.
const NOT_EXPORTED: &[&str] = &["node/test_resize_downsample_sizes_nearest_not_smaller"];

/// The graph, exported and imported again.
fn exported(graph: &Graph, inputs: &[Tensor]) -> Result<Graph, String> {
    let bytes =
        ediacara_onnx::to_model(graph, &ExportOptions::default()).map_err(|error| error.to_string())?;
    // In a file, a dimension of 0 stands for any size; these dimensions are bound.
    let shape = |&id: &ediacara_graph::ValueId| (graph.value(id).name.clone(), graph.ty(id).shape.clone());
    let shapes = graph.inputs().iter().map(shape).collect();
    let fed = inputs.iter().cloned().map(Some).collect();
    let options = ImportOptions { shapes, fed, ..ImportOptions::default() };
    let imported = ediacara_onnx::import_bytes("exported", &bytes, &options);
    Ok(imported.map_err(|error| format!("exported: {error}"))?.0)
}

/// Runs one case: `KIND/NAME`.
fn check(suite: &Path, case: &str) -> Result<(), String> {
    if case.starts_with("light/") {
        return check_light(suite, case);
    }
    let folder = suite.join(case);
    let sets =
        (0..).map(|index| folder.join(format!("test_data_set_{index}"))).take_while(|set| set.is_dir());
    let mut count = 0;
    for set in sets {
        let inputs = common::stored_tensors(&set, "input")?;
        let expected = common::stored_tensors(&set, "output")?;
        count += 1;
        let (graph, rest) = import(&folder.join("model.onnx"), &inputs)?;
        compare_all(&common::run(&graph, &rest)?, &expected)?;
        if NOT_EXPORTED.contains(&case) {
            assert!(
                exported(&graph, &rest).is_err_and(|problem| problem.contains("no counterpart")),
                "{case}"
            );
            continue;
        }
        let again = exported(&graph, &rest)?;
        compare_all(&common::run(&again, &rest)?, &expected)
            .map_err(|problem| format!("exported and imported again: {problem}"))?;
    }
    if count == 0 { Err(format!("{} has no test data", folder.display())) } else { Ok(()) }
}

/// Runs one of the light networks, which come without inputs.
///
/// The suite feeds 0, 1, 2, ... divided by the number of elements.
fn check_light(suite: &Path, case: &str) -> Result<(), String> {
    let path = suite.join(format!("{case}.onnx"));
    let graph = ediacara_onnx::import(&path, &ImportOptions::default()).map_err(|error| error.to_string())?;
    let mut inputs = Vec::new();
    for &id in graph.inputs() {
        let shape = &graph.ty(id).shape;
        let count = shape.iter().product::<usize>();
        let ramp = (0..count).map(|index| (index as f64 / count as f64) as f32).collect();
        inputs.push(Tensor::from_vec::<f32>(shape, ramp).unwrap());
    }
    let (_, expected) = ediacara_onnx::read_tensor(suite.join(format!("{case}_output_0.pb")))
        .map_err(|error| error.to_string())?;
    let found = common::run(&graph, &inputs)?;
    // The suite gives densenet twice the tolerance of the others.
    let relative = if case.ends_with("densenet121") { 2.0 * TOLERANCE.0 } else { TOLERANCE.0 };
    common::compare(&found[0], &expected, relative, TOLERANCE.1)
}

fn compare_all(found: &[Tensor], expected: &[Tensor]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("found {} outputs, expected {}", found.len(), expected.len()));
    }
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        common::compare(found, expected, TOLERANCE.0, TOLERANCE.1)
            .map_err(|problem| format!("output {index}: {problem}"))?;
    }
    Ok(())
}

fn check_all(select: impl Fn(&str) -> bool) {
    let Some(suite) = common::onnx_suite() else { return };
    let chosen: Vec<&str> = cases().filter(|case| select(case)).collect();
    let failures: Vec<String> = chosen
        .iter()
        .filter_map(|case| check(&suite, case).err().map(|problem| format!("{case}: {problem}")))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        chosen.len(),
        failures.join("\n")
    );
    assert!(!chosen.is_empty(), "no case is switched on");
}

#[test]
fn small_cases() {
    check_all(|case| !case.starts_with("light/"));
}

#[test]
fn light_networks() {
    check_all(|case| case.starts_with("light/"));
}

#[test]
fn the_list_is_sorted_and_without_repetition() {
    let listed: Vec<&str> = cases().collect();
    assert!(listed.windows(2).all(|pair| pair[0] < pair[1]));
}

/// Says which cases hold but are not switched on, and why the others do not hold.
///
/// Run with `cargo test -p ediacara-onnx --test conformance -- --ignored --nocapture`.
#[test]
#[ignore = "a survey for people, not a check"]
fn survey() {
    let Some(suite) = common::onnx_suite() else { return };
    let listed: BTreeSet<&str> = cases().collect();
    std::panic::set_hook(Box::new(|_| {}));
    let mut holding = 0;
    for kind in ["node", "pytorch-converted", "pytorch-operator", "simple"] {
        let entries = std::fs::read_dir(suite.join(kind)).unwrap();
        let names: BTreeSet<String> =
            entries.map(|entry| format!("{kind}/{}", entry.unwrap().file_name().to_string_lossy())).collect();
        for case in names {
            let result = std::panic::catch_unwind(|| check(&suite, &case));
            match result.unwrap_or_else(|_| Err("panics".to_owned())) {
                Ok(()) => {
                    holding += 1;
                    let note = if listed.contains(case.as_str()) { "on" } else { "could be on" };
                    println!("{note}: {case}");
                }
                Err(problem) => println!("off: {case}: {problem}"),
            }
        }
    }
    println!("{holding} cases hold, {} are on", listed.len());
}
