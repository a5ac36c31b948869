//! An operator that the project does not know: registered here, differentiated, run in int8 on the DLP,
//! exported.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

#[path = "../examples/own_op/isru.rs"]
mod isru;
#[path = "../examples/own_op/xor.rs"]
mod xor;

use std::path::Path;
use std::process::Command;

use ediacara::arch::Machine;
use ediacara::autodiff::Tape;
use ediacara::data::{onnxruntime_python, synthetic};
use ediacara::graph::ops::{Conv, Exp};
use ediacara::graph::{Attributes, Cost, Emit, Graph, Op, OpError, Registry, Tensor, TensorType, ValueId};
use ediacara::host::{Executor, Options};
use ediacara::nn::{Mode, Scope};
use ediacara::onnx::{ExportOptions, ImportOptions, export, import_bytes, to_model};
use ediacara::tensor::npz;
use ediacara::{CalibrationSource, Model, RunOptions, freeze};

use isru::Isru;

const SHAPE: [usize; 4] = [2, 3, 8, 8];

/// A network of the operator with two values of its attribute, behind a convolution and behind a dense layer.
fn network() -> Graph {
    let mut scope = Scope::new("own", Mode::Inference, 1);
    let x = scope.input("x", TensorType::f32(&SHAPE));
    let y = scope.conv2d("conv", x, 5, 3, Conv::default()).unwrap();
    let y = scope.apply(Isru { alpha: 1.0 }, &[y]).unwrap();
    let y = scope.apply(Isru { alpha: 1.0 }, &[y]).unwrap();
    let y = scope.flatten(y).unwrap();
    let y = scope.dense("dense", y, 12).unwrap();
    let y = scope.apply(Isru { alpha: 3.0 }, &[y]).unwrap();
    let y = scope.dense("scores", y, 4).unwrap();
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    freeze(&graph, &[y], tensors).unwrap()
}

#[test]
fn it_is_read_from_text_by_a_registry_that_knows_it() {
    let graph = network();
    let mut registry = Registry::core();
    registry.register(isru::DESCRIPTION).unwrap();
    let text = graph.to_text();
    assert!(text.contains("= isru(%dense) {alpha = 3.0}"), "{text}");
    let again = Graph::parse(&text, &registry, &|name| graph.constant_by_name(name)).unwrap();
    assert_eq!(again.to_text(), text);
}

#[test]
fn its_gradient_is_that_of_the_closed_form() {
    let x = [-2.0_f32, -0.5, 0.0, 0.25, 3.0];
    let mut tape = Tape::new();
    let value = tape.value("x", Tensor::from_vec(&[5], x.to_vec()).unwrap());
    let y = tape.apply(Isru { alpha: 3.0 }, &[value]).unwrap();
    let slope = tape.gradients(y, &[value]).unwrap()[0];
    for (found, x) in tape.tensor(slope).to_vec::<f32>().unwrap().into_iter().zip(x) {
        let expected = (1.0 + 3.0 * x * x).powf(-1.5);
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }
}

/// The whole network runs on the DLP, except the border, and every byte is the host's.
#[test]
fn on_the_dlp_it_is_a_table() {
    let model = Model {
        name: "own".to_owned(),
        graph: network(),
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    };
    let x = synthetic::normal(&SHAPE, 5).unwrap();
    let calibration = CalibrationSource::Tensors(vec![vec![x.clone()]]);
    let prepared = ediacara::prepare(&model, &calibration, &mut |_| {}).unwrap();
    let ops = |name: &str| {
        let graph = &prepared.quantised;
        graph.nodes().filter(|&id| graph.node(id).op.name() == name).count()
    };
    // Two of the three are one function of one value, and so one table.
    assert_eq!((ops("isru"), ops("q_table")), (0, 2));
    let options = RunOptions::on(Machine::preset("dlp16").unwrap());
    let run = ediacara::run(&model, &prepared, &[x], &options, &mut |_| {}).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
    assert!(run.report.check.tensors > 0);
    let left: Vec<&str> = run.report.host_ops.iter().map(|op| op.op.as_str()).collect();
    assert_eq!(left, ["quantize_linear", "dequantize_linear"]);
    assert!(run.report.quantisation.sqnr_db.unwrap() > 25.0, "{:?}", run.report.quantisation.sqnr_db);
}

#[test]
fn an_exported_file_computes_it_by_a_function() {
    let Some(python) = onnxruntime_python("own operator") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let graph = network();
    let options = ExportOptions { batch: Some("N".to_owned()), ..ExportOptions::default() };
    export(&graph, path("own.onnx"), &options).unwrap();
    let x = synthetic::normal(&SHAPE, 6).unwrap();
    let executor = Executor::new(&graph, &Options::default()).unwrap();
    let outputs = executor.run(std::slice::from_ref(&x)).unwrap();
    npz::write(&path("own.inputs.npz"), &[("x".to_owned(), x)]).unwrap();
    npz::write(&path("own.outputs.npz"), &[("0".to_owned(), outputs[0].clone())]).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/export.py");
    let run = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert_eq!(said.trim(), "1 compared, 0 without kernels", "{}", String::from_utf8_lossy(&run.stderr));
}

/// The function that an exported file has in the operator's place computes the same, for readers who do not
/// know the operator.
#[test]
fn an_exported_file_is_imported_again() {
    let graph = network();
    let bytes = to_model(&graph, &ExportOptions::default()).unwrap();
    let (imported, _) = import_bytes("own.onnx", &bytes, &ImportOptions::default()).unwrap();
    let count = |name: &str| {
        imported.nodes().filter(|&id| imported.is_live(id) && imported.node(id).op.name() == name).count()
    };
    // Each of the three is one call of a function with one root.
    assert_eq!((count("isru"), count("sqrt")), (0, 3));
    let x = [synthetic::normal(&SHAPE, 7).unwrap()];
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &Options::default()).unwrap();
        executor.run(&x).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let (wanted, found) = (run(&graph), run(&imported));
    assert_eq!(wanted.len(), found.len());
    assert!(wanted.iter().any(|wanted| wanted.abs() > 0.1), "{wanted:?}");
    for (wanted, found) in wanted.iter().zip(&found) {
        assert!((wanted - found).abs() < 1e-5, "{found}, not {wanted}");
    }
}

/// The example, all the way: exclusive or is -1 where both are equal and 1 elsewhere.
#[test]
fn the_example_learns_exclusive_or_and_runs_on_the_dlp() {
    let (network, rows, losses) = xor::trained().unwrap();
    let at: Vec<usize> = losses.iter().map(|(step, _)| *step).collect();
    assert_eq!(at, [0, 100, 200]);
    assert!(losses.windows(2).all(|pair| pair[1].1 < pair[0].1) && losses[2].1 < 1e-3, "{losses:?}");
    let again = xor::read_from_text(&network).unwrap();
    assert_eq!(again.to_text(), network.to_text());
    let run = xor::on_the_dlp(again, rows).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
    let left: Vec<&str> = run.report.host_ops.iter().map(|op| op.op.as_str()).collect();
    assert_eq!(left, ["quantize_linear", "dequantize_linear"]);
    let answers = run.outputs[0].1.to_vec::<f32>().unwrap();
    for (answer, wanted) in answers.iter().zip([-1.0, 1.0, 1.0, -1.0]) {
        assert!((answer - wanted).abs() < 0.1, "{answers:?}");
    }
}

/// An operator with the composition that the variant names.
#[derive(Debug, Clone, Copy)]
enum Odd {
    /// No composition.
    Unknown,
    /// A composition of another shape.
    Misshapen,
    /// A composition of itself.
    Circular,
}

impl Op for Odd {
    fn name(&self) -> &'static str {
        "odd"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, _: &[&Tensor], _: &mut [Tensor]) -> Result<(), OpError> {
        Ok(())
    }

    fn composition(&self, emit: &mut dyn Emit, inputs: &[ValueId]) -> Result<Option<Vec<ValueId>>, OpError> {
        match self {
            Odd::Unknown => Ok(None),
            Odd::Misshapen => Ok(Some(vec![emit.constant(Tensor::scalar(1.0_f32))])),
            Odd::Circular => {
                let inner = emit.one(Exp, inputs)?;
                Ok(Some(vec![emit.one(*self, &[inner])?]))
            }
        }
    }

    fn cost(&self, _: &[&TensorType], _: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}

#[test]
fn a_composition_that_is_none_is_refused() {
    let said = |op: Odd| {
        let mut graph = Graph::new("g");
        let x = graph.add_input("x", TensorType::f32(&[2]));
        let y = graph.add("y", op, &[x]).unwrap();
        graph.set_outputs(vec![y]);
        to_model(&graph, &ExportOptions::default()).unwrap_err().to_string()
    };
    assert_eq!(
        said(Odd::Unknown),
        "graph 'g' cannot be exported to ONNX: it has no counterpart for y (odd); gradients, optimiser steps and int8 operators \
         have none: export the network before they are added, and give an operator of your own a composition"
    );
    assert_eq!(said(Odd::Misshapen), "node `y`: the composition of odd gives f32[] for results of f32[2]");
    assert_eq!(
        said(Odd::Circular),
        "node `odd`: the composition of odd goes through more than 16 others; is it composed of itself?"
    );
}

#[test]
fn a_parameter_that_is_an_input_is_refused() {
    let mut scope = Scope::new("own", Mode::Inference, 1);
    let x = scope.input("x", TensorType::f32(&[4, 3]));
    let y = scope.dense("dense", x, 2).unwrap();
    let (mut graph, ..) = scope.finish();
    graph.set_outputs(vec![y]);
    assert_eq!(
        to_model(&graph, &ExportOptions::default()).unwrap_err().to_string(),
        "graph 'own' cannot be exported: its parameters `dense.weight`, `dense.bias` are inputs; make them constants with \
         `freeze` first"
    );
    let model = Model {
        name: "own".to_owned(),
        graph,
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    };
    assert_eq!(
        ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {}).unwrap_err().to_string(),
        "graph `own` cannot be made int8: its parameters `dense.weight`, `dense.bias` are inputs; make them constants with \
         `freeze` first"
    );
}
