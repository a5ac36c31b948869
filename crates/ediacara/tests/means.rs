//! Means over an image run on the DLP, however a network expresses them.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara::arch::Machine;
use ediacara::data::synthetic;
use ediacara::graph::ops::{Conv, Mul, Reduce, ReduceKind, Sigmoid, Sub};
use ediacara::graph::{TensorType, ValueId};
use ediacara::nn::{Mode, NnError, Scope};
use ediacara::profile::RunReport;
use ediacara::{CalibrationSource, Model, RunOptions, freeze};

const SHAPE: [usize; 4] = [1, 4, 9, 9];

/// The result of a network behind one convolution.
fn run(build: impl Fn(&mut Scope, ValueId) -> Result<ValueId, NnError>) -> RunReport {
    let mut scope = Scope::new("means", Mode::Inference, 1);
    let x = scope.input("x", TensorType::f32(&SHAPE));
    let y = scope.conv2d("conv", x, 8, 3, Conv::default()).unwrap();
    let y = build(&mut scope, y).unwrap();
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    let model = Model {
        name: "means".to_owned(),
        graph: freeze(&graph, &[y], tensors).unwrap(),
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    };
    let x = synthetic::normal(&SHAPE, 5).unwrap();
    let calibration = CalibrationSource::Tensors(vec![vec![x.clone()]]);
    let prepared = ediacara::prepare(&model, &calibration, &mut |_| {}).unwrap();
    let options = RunOptions::on(Machine::preset("dlp16").unwrap());
    let report = ediacara::run(&model, &prepared, &[x], &options, &mut |_| {}).unwrap().report;
    assert_eq!(report.check.bit_exact, Some(true));
    report
}

/// The operators that are left to the host, except the conversions and layouts of the border.
fn left(report: &RunReport) -> Vec<&str> {
    let border = ["quantize_linear", "dequantize_linear", "transpose", "reshape"];
    report.host_ops.iter().map(|op| op.op.as_str()).filter(|op| !border.contains(op)).collect()
}

fn mean(keep_dims: bool) -> Reduce {
    Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keep_dims }
}

#[test]
fn a_classifier_and_a_squeeze_are_pools() {
    let classifier = |scope: &mut Scope, x| {
        let features = scope.global_average_pool(x)?;
        scope.dense("scores", features, 5)
    };
    let squeeze = |scope: &mut Scope, x| {
        let squeezed = scope.apply(mean(true), &[x])?;
        let gate = scope.conv2d("gate", squeezed, 8, 1, Conv::default())?;
        let gate = scope.apply(Sigmoid, &[gate])?;
        scope.apply(Mul, &[x, gate])
    };
    let largest = |scope: &mut Scope, x| {
        let largest = Reduce { kind: ReduceKind::Max, axes: vec![2, 3], keep_dims: false };
        scope.apply(largest, &[x])
    };
    for report in [run(classifier), run(squeeze), run(largest)] {
        assert!(left(&report).is_empty(), "{:?}", report.host_ops);
    }
}

/// The mean of a normalisation is subtracted again, so that it is not rounded to eight bits.
#[test]
fn a_moment_stays_real() {
    let centred = |scope: &mut Scope, x| {
        let moment = scope.apply(mean(true), &[x])?;
        scope.apply(Sub, &[x, moment])
    };
    let report = run(centred);
    assert_eq!(left(&report), ["reduce", "sub"]);
}
