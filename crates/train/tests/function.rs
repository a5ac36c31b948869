//! One program runs eagerly, traced and as a static graph.
//!
//! It gives the same numbers, with a trace for each list of types.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cell::Cell;

use ediacara_autodiff::{GraphEmitter, Recorder};
use ediacara_graph::ops::{Mul, Relu, Reshape, Slice, Sub, Tanh};
use ediacara_graph::{DType, Graph, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_nn::functional::{RecurrentWeights, gelu, lstm_cell};
use ediacara_nn::losses::mean_squared_error;
use ediacara_train::{Session, TrainError, function};

const UNITS: usize = 4;

fn scalar(record: &mut dyn Recorder, like: ValueId, value: f64) -> ValueId {
    let dtype = record.ty(like).dtype;
    record.constant(Tensor::scalar(value).cast(dtype))
}

/// Eager code: an LSTM read step by step, a loss at its end, and a step of gradient descent.
///
/// The operands are `x[N, T, C]`, targets and the four weights. It gives the loss and the weights' next
/// values.
fn training_step(record: &mut dyn Recorder, operands: &[ValueId]) -> Result<Vec<ValueId>, TrainError> {
    let &[x, targets, input_weight, hidden_weight, input_bias, hidden_bias] = operands else {
        return Err(TrainError::Session(format!("{} operands, not 6", operands.len())));
    };
    let parameters = [input_weight, hidden_weight, input_bias, hidden_bias];
    let weights = RecurrentWeights { input_weight, hidden_weight, input_bias, hidden_bias };
    let shape = record.ty(x).shape.clone();
    let state = TensorType::new(record.ty(x).dtype, &[shape[0], UNITS]).zeros()?;
    let mut state = [record.constant(state.clone()), record.constant(state)];
    for step in 0..shape[1] {
        let now = record.one(Slice::along(&shape, 1, step, step + 1), &[x])?;
        let now = record.one(Reshape { shape: vec![shape[0], shape[2]] }, &[now])?;
        state = lstm_cell(record, now, state, &weights)?;
        // Every other step has another activation, which is control flow that a graph does not have.
        state[0] = if step % 2 == 0 { gelu(record, state[0])? } else { record.one(Tanh, &[state[0]])? };
    }
    let loss = mean_squared_error(record, state[0], targets)?;
    let gradients = record.gradients(loss, &parameters)?;
    let mut results = vec![loss];
    for (parameter, gradient) in parameters.into_iter().zip(gradients) {
        let rate = scalar(record, parameter, 0.5);
        let change = record.one(Mul, &[gradient, rate])?;
        results.push(record.one(Sub, &[parameter, change])?);
    }
    Ok(results)
}

/// Numbers in ±1, by a multiplicative generator.
fn tensor(seed: &mut u64, dtype: DType, shape: &[usize]) -> Tensor {
    let mut next = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as f64 / (1_u64 << 30) as f64 - 1.0
    };
    let values = (0..shape.iter().product()).map(|_| next()).collect::<Vec<f64>>();
    Tensor::from_vec(shape, values).unwrap().cast(dtype)
}

fn operands(dtype: DType, batch: usize, steps: usize) -> Vec<Tensor> {
    let mut seed = 3;
    let shapes: [&[usize]; 6] = [
        &[batch, steps, 3],
        &[batch, UNITS],
        &[4 * UNITS, 3],
        &[4 * UNITS, UNITS],
        &[4 * UNITS],
        &[4 * UNITS],
    ];
    shapes.map(|shape| tensor(&mut seed, dtype, shape)).to_vec()
}

fn assert_same_bits(left: &[Tensor], right: &[Tensor]) {
    assert_eq!(left.len(), right.len());
    assert!(left.iter().zip(right).all(|(left, right)| left.same_bits(right)));
}

/// A session optimises, which keeps values up to rounding.
fn assert_near(left: &[Tensor], right: &[Tensor]) {
    for (left, right) in left.iter().zip(right) {
        let numbers = |tensor: &Tensor| tensor.cast(DType::F64).to_vec::<f64>().unwrap();
        let pairs = numbers(left).into_iter().zip(numbers(right));
        pairs.for_each(|(left, right)| assert!((left - right).abs() < 2e-6, "{left}, {right}"));
    }
}

#[test]
fn eager_traced_and_static_are_equal_to_the_bit() {
    for (dtype, batch, steps) in [(DType::F32, 5, 7), (DType::F64, 2, 3), (DType::F32, 64, 2)] {
        let mut step = function(training_step);
        let mut graph = Graph::new("static");
        let operands = operands(dtype, batch, steps);
        let inputs: Vec<ValueId> =
            operands.iter().map(|operand| graph.add_input("x", TensorType::of(operand))).collect();
        let fetches = training_step(&mut GraphEmitter::new(&mut graph, "step"), &inputs).unwrap();
        graph.set_outputs(fetches.clone());
        let executor = Executor::new(&graph, &Options::with_threads(1)).unwrap();
        let mut session = Session::new(graph, [], 1).unwrap();
        let mut now = operands;
        let mut losses = Vec::new();
        for _ in 0..20 {
            let feeds: Vec<(ValueId, &Tensor)> = inputs.iter().copied().zip(&now).collect();
            let fetched = session.run(&feeds, &fetches, &[]).unwrap();
            let eager = step.call_eagerly(&now).unwrap();
            let traced = step.call(&now).unwrap();
            assert_same_bits(&eager, &traced);
            assert_same_bits(&eager, &executor.run(&now).unwrap());
            assert_near(&eager, &fetched);
            losses.push(traced[0].cast(DType::F64).to_vec::<f64>().unwrap()[0]);
            now.truncate(2);
            now.extend(traced.into_iter().skip(1));
        }
        assert!(losses[19] < losses[0], "{losses:?}");
        assert_eq!(step.trace_count(), 1);
    }
}

#[test]
fn a_program_is_traced_once_for_each_list_of_types() {
    let runs = Cell::new(0);
    let mut twice = function(|record, operands| {
        runs.set(runs.get() + 1);
        Ok(vec![record.one(Mul, &[operands[0], operands[0]])?])
    })
    .with_threads(1);
    let square = |values: Vec<f32>| Tensor::from_vec(&[values.len()], values).unwrap();
    for values in [vec![3.0, -2.0], vec![0.5, 4.0], vec![7.0, 1.0]] {
        let expected: Vec<f32> = values.iter().map(|value| value * value).collect();
        assert_eq!(twice.call(&[square(values)]).unwrap()[0].to_vec::<f32>().unwrap(), expected);
    }
    assert_eq!((runs.get(), twice.trace_count()), (1, 1));
    twice.call(&[square(vec![1.0; 3])]).unwrap();
    assert_eq!((runs.get(), twice.trace_count()), (2, 2));
    twice.call(&[square(vec![1.0; 3]).cast(DType::F64)]).unwrap();
    twice.call(&[square(vec![1.0; 2])]).unwrap();
    assert_eq!((runs.get(), twice.trace_count()), (3, 3));
    let graph = twice.graph(&[TensorType::f32(&[2])]).unwrap();
    assert_eq!((graph.node_count(), graph.inputs().len()), (1, 1));
    assert!(twice.graph(&[TensorType::f32(&[9])]).is_none());
}

#[test]
fn what_no_result_needs_is_not_run() {
    let mut first = function(|record, operands| {
        record.one(Relu, &[operands[1]])?;
        Ok(vec![record.one(Relu, &[operands[0]])?, operands[0]])
    });
    let operand = Tensor::from_vec(&[2], vec![-1.0_f32, 2.0]).unwrap();
    let results = first.call(&[operand.clone(), operand]).unwrap();
    assert_eq!(results[0].to_vec::<f32>().unwrap(), [0.0, 2.0]);
    assert_eq!(results[1].to_vec::<f32>().unwrap(), [-1.0, 2.0]);
}

#[test]
fn a_program_that_fails_is_traced_again() {
    let fails = Cell::new(true);
    let mut relu = function(|record, operands| {
        if fails.get() {
            return Err(TrainError::Session("not yet".to_owned()));
        }
        Ok(vec![record.one(Relu, &[operands[0]])?])
    });
    let operand = [Tensor::scalar(1.0_f32)];
    assert_eq!(relu.call(&operand).unwrap_err().to_string(), "not yet");
    assert_eq!(relu.trace_count(), 0);
    fails.set(false);
    assert_eq!(relu.call(&operand).unwrap()[0].to_vec::<f32>().unwrap(), [1.0]);
    let mut misfit = function(|record, operands| Ok(vec![record.one(Mul, operands)?]));
    let message = misfit.call(&operand).unwrap_err().to_string();
    assert_eq!(message, "mul takes 2 operands, found 1");
}

#[test]
fn a_result_of_another_graph_is_refused() {
    let mut other = Graph::new("other");
    let foreign = other.add_input("x", TensorType::f32(&[]));
    let mut program = function(|_, _| Ok(vec![foreign]));
    let operand = [Tensor::scalar(1.0_f32)];
    let errors = [program.call(&operand).unwrap_err(), program.call_eagerly(&operand).unwrap_err()];
    for error in errors.map(|error| error.to_string()) {
        assert!(error.contains("is no value of its graph"), "{error}");
    }
}
