//! Layers and activations against PyTorch, values and gradients, and against central differences.
//!
//! Layers declare parameters of f32. Here the graph that they built is built again in f64, so that tolerances
//! are those of f64. `tests/data/pytorch.json` holds the figures, and the script that made them.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cases;
mod common;
mod misfits;

use ediacara_autodiff::differentiate;
use ediacara_graph::ops::{Mul, Reduce, ReduceKind};
use ediacara_graph::{DType, Graph, Tensor, ValueId};

use common::{Case, Figures, evaluate, numbers};

/// Relative to the larger of 1 and the figure; the layers' constants are exact to 2.5e-8 of their 1e-5.
const TOLERANCE: f64 = 1e-12;
const TOLERANCE_F32: f64 = 2e-6;
/// The step of the differences: error terms of about 1e-10 from the cut and 1e-11 from rounding.
const STEP: f64 = 1e-5;
const TOLERANCE_OF_DIFFERENCES: f64 = 1e-7;

fn assert_near(found: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
        let error = (found - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}: {found}, not {expected}");
    }
}

/// The weights of the script: linspace(-1, 2).
fn weights(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let weight = |index: usize| -1.0 + 3.0 * index as f64 / (count - 1) as f64;
    Tensor::from_vec(shape, (0..count).map(weight).collect::<Vec<f64>>()).unwrap()
}

fn gradients_of(case: &mut Case) -> Vec<ValueId> {
    let results = case.results.clone();
    let seeds: Vec<ValueId> = results
        .iter()
        .map(|&result| {
            let shape = case.graph.ty(result).shape.clone();
            case.graph.add_constant("seed", weights(&shape))
        })
        .collect();
    let wrt: Vec<ValueId> = case.wrt.iter().map(|(_, value)| *value).collect();
    let found = differentiate(&mut case.graph, &results, &seeds, &wrt).unwrap();
    found.into_iter().map(Option::unwrap).collect()
}

#[test]
fn results_and_gradients_are_those_of_pytorch() {
    for figures in Figures::read() {
        let mut case = Case::build(&figures, DType::F64);
        assert_eq!(case.results.len(), figures.results.len(), "{}", figures.name);
        let gradients = gradients_of(&mut case);
        let outputs = [&case.results[..], &gradients[..]].concat();
        let found = evaluate(&case.graph, &outputs, &case.inputs);
        let (results, gradients) = found.split_at(case.results.len());
        for (found, expected) in results.iter().zip(&figures.results) {
            assert_near(found, expected, TOLERANCE, &figures.name);
        }
        assert_eq!(case.wrt.len(), figures.gradients.len(), "{}", figures.name);
        for ((name, _), found) in case.wrt.iter().zip(gradients) {
            let expected = &figures.gradients[name];
            assert_near(found, expected, TOLERANCE, &format!("{}, gradient of {name}", figures.name));
        }
    }
}

#[test]
fn results_in_f32_are_those_of_pytorch() {
    for figures in Figures::read() {
        let case = Case::build(&figures, DType::F32);
        let found = evaluate(&case.graph, &case.results, &case.inputs);
        for (found, expected) in found.iter().zip(&figures.results) {
            assert_near(found, expected, TOLERANCE_F32, &figures.name);
        }
    }
}

/// The sum of every result times its weights.
fn loss(graph: &mut Graph, results: &[ValueId]) -> ValueId {
    let terms: Vec<ValueId> = results
        .iter()
        .map(|&result| {
            let shape = graph.ty(result).shape.clone();
            let weights = graph.add_constant("weights", weights(&shape));
            let product = graph.add("weighted", Mul, &[result, weights]).unwrap();
            let axes = (0..shape.len()).collect();
            graph.add("sum", Reduce { kind: ReduceKind::Sum, axes, keep_dims: false }, &[product]).unwrap()
        })
        .collect();
    terms
        .into_iter()
        .reduce(|sum, term| graph.add("loss", ediacara_graph::ops::Add, &[sum, term]).unwrap())
        .unwrap()
}

#[test]
fn gradients_agree_with_central_differences() {
    for figures in Figures::read() {
        let mut case = Case::build(&figures, DType::F64);
        let gradients = gradients_of(&mut case);
        let found = evaluate(&case.graph, &gradients, &case.inputs);
        let mut forward = Case::build(&figures, DType::F64);
        let loss = loss(&mut forward.graph, &forward.results);
        let runner = common::runner(&forward.graph, &[loss]);
        for ((name, value), found) in case.wrt.iter().zip(&found) {
            let index = case.graph.inputs().iter().position(|input| input == value).unwrap();
            let original = numbers(&case.inputs[index]);
            for (element, found) in numbers(found).into_iter().enumerate() {
                if figures.has_kink_at(original[element]) {
                    continue;
                }
                let moved = |by: f64| {
                    let mut values = original.clone();
                    values[element] += by;
                    let mut inputs = case.inputs.clone();
                    inputs[index] = Tensor::from_vec(inputs[index].shape(), values).unwrap();
                    numbers(&runner.run(&inputs).unwrap()[0])[0]
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                assert!(
                    (found - difference).abs() <= TOLERANCE_OF_DIFFERENCES * difference.abs().max(1.0),
                    "{}, {name}, element {element}: gradient {found}, difference {difference}",
                    figures.name
                );
            }
        }
    }
}
