//! Keys that a token appends to a cache: one program, whatever the position, which is a binding of it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara::arch::Machine;
use ediacara::data::synthetic;
use ediacara::graph::ops::{MatMul, Reshape, TensorScatter, Transpose};
use ediacara::graph::{DType, Tensor, TensorType};
use ediacara::nn::{Mode, Scope};
use ediacara::prove::{Options, prove_values, settings};
use ediacara::{CalibrationSource, HostOnly, Model, Prepared, RunOptions, compile, freeze};

const HEADS: usize = 2;
const LENGTH: usize = 6;
const FEATURES: usize = 8;
const CACHE: [usize; 4] = [1, HEADS, LENGTH, FEATURES];

/// The scores of a token against all keys, and the keys with its own at `position`; if asked for, the scores without it, too.
fn network(of_past: bool) -> Model {
    let mut scope = Scope::new("decoder", Mode::Inference, 1);
    let token = scope.input("token", TensorType::f32(&[1, 16]));
    let position = scope.input("position", TensorType::new(DType::I64, &[1]));
    let past = scope.input("past", TensorType::f32(&CACHE));
    let row = Reshape { shape: vec![1, HEADS, 1, FEATURES] };
    let key = scope.dense("key", token, HEADS * FEATURES).unwrap();
    let key = scope.apply(row.clone(), &[key]).unwrap();
    let query = scope.dense("query", token, HEADS * FEATURES).unwrap();
    let query = scope.apply(row, &[query]).unwrap();
    let present = scope.apply(TensorScatter { axis: 2 }, &[past, key, position]).unwrap();
    let mut scores = |keys| {
        let columns = scope.apply(Transpose { permutation: vec![0, 1, 3, 2] }, &[keys]).unwrap();
        scope.apply(MatMul, &[query, columns]).unwrap()
    };
    let mut outputs = vec![scores(present), present];
    if of_past {
        outputs.push(scores(past));
    }
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    Model {
        name: "decoder".to_owned(),
        graph: freeze(&graph, &outputs, tensors).unwrap(),
        preprocess: None,
        labels: None,
        unbound: Vec::new(),
        notes: Vec::new(),
    }
}

fn inputs(position: i64) -> Vec<Tensor> {
    let token = synthetic::normal(&[1, 16], 3).unwrap();
    let past = synthetic::normal(&CACHE, 4).unwrap();
    vec![token, Tensor::from_vec(&[1], vec![position]).unwrap(), past]
}

fn prepared(model: &Model) -> Prepared {
    let samples = CalibrationSource::Tensors(vec![inputs(2)]);
    ediacara::prepare(model, &samples, &mut |_| {}).unwrap()
}

#[test]
fn keys_are_written_into_their_cache_where_the_position_says() {
    let model = network(false);
    let prepared = prepared(&model);
    let options = RunOptions { checked: true, ..RunOptions::on(Machine::preset("dlp16").unwrap()) };
    let mut cycles = Vec::new();
    for position in 0..LENGTH {
        let inputs = inputs(position as i64);
        let run = ediacara::run(&model, &prepared, &inputs, &options, &mut |_| {}).unwrap();
        assert_eq!(run.report.check.bit_exact, Some(true), "{position}");
        let (_, present) = &run.outputs[1];
        let (found, past) = (present.to_vec::<f32>().unwrap(), inputs[2].to_vec::<f32>().unwrap());
        // The sample holds every number of the cache, so that none is clamped: a step is at most 1/255 of the range.
        let step = past.iter().copied().fold(0.0, |most: f32, x| most.max(x.abs())) * 2.0 / 128.0;
        for (at, (found, past)) in found.iter().zip(&past).enumerate() {
            let is_own = at / FEATURES % LENGTH == position;
            assert!(is_own || (found - past).abs() < step, "{position}: {at} is {found}, not {past}");
        }
        cycles.push(run.report.dlp_cycles);
    }
    assert!(cycles.iter().all(|&other| other == cycles[0]), "{cycles:?}");
}

#[test]
fn the_program_is_proven_at_every_position_and_takes_no_other() {
    let model = network(false);
    let machine = Machine::preset("dlp16").unwrap();
    let network = compile(&prepared(&model), &machine, &Default::default(), HostOnly::Refused).unwrap();
    let [binding] = &network.plan.bindings[..] else { panic!("{:?}", network.plan.bindings) };
    assert_eq!((&*binding.name, binding.low, binding.high), ("position", 0, LENGTH as u64 - 1));
    let segment = network.compiled.only_dlp().unwrap();
    let found = settings(&segment.executable, &machine, &network.plan.bindings, 1_000_000).unwrap();
    assert!(found.all && found.registers.len() == LENGTH);
    for registers in found.registers {
        let options = Options { registers, ..Options::default() };
        let proof = prove_values(&segment.executable, &machine, &segment.values, &options);
        assert!(proof.proven, "{registers:?}: {:#?}", proof.findings);
    }
    let runner = network.runner(&machine).unwrap();
    for (position, problem) in [(LENGTH as i64, "cannot be 6"), (-1, "input `position` is -1")] {
        let error = runner.run(&inputs(position), Default::default(), &|_| Vec::new()).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}

/// Something reads the cache as it was, so that it cannot be written where it lies.
#[test]
fn a_cache_that_is_read_as_it_was_stays_with_the_host() {
    let model = network(true);
    let machine = Machine::preset("dlp16").unwrap();
    let network = compile(&prepared(&model), &machine, &Default::default(), HostOnly::Refused).unwrap();
    assert!(network.plan.bindings.is_empty());
    let reason = network.host_ops.iter().find(|op| op.op == "tensor_scatter").map(|op| &*op.reason);
    assert_eq!(reason, Some("its cache is read as it was before, too"));
    let options = RunOptions::on(machine);
    let run = ediacara::run(&model, &prepared(&model), &inputs(4), &options, &mut |_| {}).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
}
