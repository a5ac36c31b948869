//! Keys that a token appends to a cache: one program, whatever the position, which is a binding of it; and decoding with it.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::Path;

use ediacara::arch::Machine;
use ediacara::data::{skip, synthetic};
use ediacara::decode::{DecodeOptions, Family, generate, length};
use ediacara::graph::ops::{
    Add, Concat, Gather, LessEqual, MatMul, Reduce, ReduceKind, Reshape, Select, Slice, Softmax,
    TensorScatter, Transpose,
};
use ediacara::graph::{DType, Graph, Tensor, TensorType};
use ediacara::nn::{Mode, Scope};
use ediacara::prove::{Options, prove_values, settings};
use ediacara::tensor::npz;
use ediacara::{CalibrationSource, Error, HostOnly, Model, Precision, Prepared, RunOptions, compile, freeze};

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
    model(freeze(&graph, &outputs, tensors).unwrap())
}

fn model(graph: Graph) -> Model {
    let name = "decoder".to_owned();
    Model { name, graph, preprocess: None, labels: None, unbound: Vec::new(), notes: Vec::new() }
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

/// Places and features that are whole blocks and steps of the array.
const PACKED: [usize; 4] = [1, HEADS, 48, 32];

/// A token against its keys and values, without a softmax; and the caches with its own. With `turned`, something reads the
/// keys element by element as well.
fn packed(turned: bool) -> Model {
    let [_, heads, _, features] = PACKED;
    let mut scope = Scope::new("decoder", Mode::Inference, 1);
    let token = scope.input("token", TensorType::f32(&[1, 16]));
    let position = scope.input("position", TensorType::new(DType::I64, &[1]));
    let [keys, values] = ["keys", "values"].map(|name| scope.input(name, TensorType::f32(&PACKED)));
    let mut row = |name: &str| {
        let y = scope.dense(name, token, heads * features).unwrap();
        scope.apply(Reshape { shape: vec![1, heads, 1, features] }, &[y]).unwrap()
    };
    let [query, key, value] = ["query", "key", "value"].map(&mut row);
    let keys = scope.apply(TensorScatter { axis: 2 }, &[keys, key, position]).unwrap();
    let values = scope.apply(TensorScatter { axis: 2 }, &[values, value, position]).unwrap();
    let columns = scope.apply(Transpose { permutation: vec![0, 1, 3, 2] }, &[keys]).unwrap();
    let scores = scope.apply(MatMul, &[query, columns]).unwrap();
    let mut outputs = vec![scope.apply(MatMul, &[scores, values]).unwrap(), keys, values];
    if turned {
        outputs.push(scope.apply(Add, &[keys, keys]).unwrap());
    }
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    model(freeze(&graph, &outputs, tensors).unwrap())
}

fn packed_inputs(position: usize) -> Vec<Tensor> {
    let token = synthetic::normal(&[1, 16], 3).unwrap();
    let [keys, values] = [4, 5].map(|seed| synthetic::normal(&PACKED, seed).unwrap());
    vec![token, Tensor::from_vec(&[1], vec![position as i64]).unwrap(), keys, values]
}

#[test]
fn caches_that_products_read_lie_as_wram_wants_them() {
    let model = packed(false);
    let samples = CalibrationSource::Tensors(vec![packed_inputs(0), packed_inputs(30)]);
    let prepared = ediacara::prepare(&model, &samples, &mut |_| {}).unwrap();
    let machine = Machine::preset("dlp16").unwrap();
    let network = compile(&prepared, &machine, &Default::default(), HostOnly::Refused).unwrap();
    let bindings = network.plan.bindings.iter().map(|binding| (&*binding.name, binding.high));
    assert_eq!(bindings.collect::<Vec<_>>(), [("position / 16", 2), ("position % 16", 15)]);
    let options = RunOptions { checked: true, ..RunOptions::on(machine.clone()) };
    let mut cycles = Vec::new();
    for position in [0, 1, 15, 16, 21, 31, 32, 47] {
        let run = ediacara::run(&model, &prepared, &packed_inputs(position), &options, &mut |_| {}).unwrap();
        assert_eq!(run.report.check.bit_exact, Some(true), "{position}");
        cycles.push(run.report.dlp_cycles);
    }
    assert!(cycles.iter().all(|&other| other == cycles[0]), "{cycles:?}");
    let apart = RunOptions { disable: vec!["pack".to_owned()], ..options };
    let run = ediacara::run(&model, &prepared, &packed_inputs(47), &apart, &mut |_| {}).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
    assert!(run.report.dlp_cycles > cycles[0], "{} and {}", run.report.dlp_cycles, cycles[0]);
    let segment = network.compiled.only_dlp().unwrap();
    let found = settings(&segment.executable, &machine, &network.plan.bindings, 1_000_000).unwrap();
    assert!(found.all && found.registers.len() == 48);
    for registers in found.registers {
        let options = Options { registers, ..Options::default() };
        let proof = prove_values(&segment.executable, &machine, &segment.values, &options);
        assert!(proof.proven, "{registers:?}: {:#?}", proof.findings);
    }
    let runner = network.runner(&machine).unwrap();
    let error = runner.run(&packed_inputs(48), Default::default(), &|_| Vec::new()).unwrap_err();
    assert!(error.to_string().contains("`position` cannot be 48; give it a number of 0 to 47"), "{error}");
}

#[test]
fn a_cache_that_is_read_by_elements_lies_in_their_order() {
    let model = packed(true);
    let samples = CalibrationSource::Tensors(vec![packed_inputs(0)]);
    let prepared = ediacara::prepare(&model, &samples, &mut |_| {}).unwrap();
    let machine = Machine::preset("dlp16").unwrap();
    let network = compile(&prepared, &machine, &Default::default(), HostOnly::Refused).unwrap();
    let names = network.plan.bindings.iter().map(|binding| &*binding.name);
    // The values are packed still.
    assert_eq!(names.collect::<Vec<_>>(), ["position", "position / 16", "position % 16"]);
    let options = RunOptions { checked: true, ..RunOptions::on(machine) };
    let run = ediacara::run(&model, &prepared, &packed_inputs(33), &options, &mut |_| {}).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
}

const VOCABULARY: usize = 20;

fn embedding() -> Tensor {
    synthetic::normal(&[VOCABULARY, FEATURES], 8).unwrap()
}

/// A decoder of one head: an embedding, attention over the tokens so far, and logits; and its weights by name.
fn decoder(length: usize) -> (Model, Vec<(String, Tensor)>) {
    let mut scope = Scope::new("decoder", Mode::Inference, 1);
    let token = scope.input("input_ids", TensorType::new(DType::I64, &[1, 1]));
    let position = scope.input("position", TensorType::new(DType::I64, &[1]));
    let [key, value] =
        ["past_key", "past_value"].map(|name| scope.input(name, TensorType::f32(&[1, 1, length, FEATURES])));
    let words = scope.constant(embedding());
    let x = scope.apply(Gather { axis: 0 }, &[words, token]).unwrap();
    let x = scope.apply(Reshape { shape: vec![1, FEATURES] }, &[x]).unwrap();
    let mut row = |name: &str| {
        let y = scope.dense(name, x, FEATURES).unwrap();
        scope.apply(Reshape { shape: vec![1, 1, 1, FEATURES] }, &[y]).unwrap()
    };
    let [query, new_key, new_value] = ["query", "key", "value"].map(&mut row);
    let keys = scope.apply(TensorScatter { axis: 2 }, &[key, new_key, position]).unwrap();
    let values = scope.apply(TensorScatter { axis: 2 }, &[value, new_value, position]).unwrap();
    let places = scope.constant(Tensor::from_vec(&[length], (0..length as i64).collect()).unwrap());
    let seen = scope.apply(LessEqual, &[places, position]).unwrap();
    let [nothing, hidden] = [0.0_f32, -1e9].map(|number| scope.constant(Tensor::scalar(number)));
    let mask = scope.apply(Select, &[seen, nothing, hidden]).unwrap();
    let mask = scope.apply(Reshape { shape: vec![1, 1, 1, length] }, &[mask]).unwrap();
    let columns = scope.apply(Transpose { permutation: vec![0, 1, 3, 2] }, &[keys]).unwrap();
    let scores = scope.apply(MatMul, &[query, columns]).unwrap();
    let scores = scope.apply(Add, &[scores, mask]).unwrap();
    let weights = scope.apply(Softmax { axis: 3 }, &[scores]).unwrap();
    let sums = scope.apply(MatMul, &[weights, values]).unwrap();
    let sums = scope.apply(Reshape { shape: vec![1, FEATURES] }, &[sums]).unwrap();
    let y = scope.apply(Add, &[sums, x]).unwrap();
    let logits = scope.dense("logits", y, VOCABULARY).unwrap();
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    let weights = parameters.iter().map(|parameter| (parameter.name.clone(), parameter.initial.clone()));
    (model(freeze(&graph, &[logits, keys, values], tensors).unwrap()), weights.collect())
}

/// The token with the largest logit behind each of `tokens`, without any cache.
fn answers(weights: &[(String, Tensor)], tokens: &[i64]) -> Vec<i64> {
    let numbers = |name: &str| {
        let found = weights.iter().find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| {
                panic!("{name} in {:?}", weights.iter().map(|(name, _)| name).collect::<Vec<_>>())
            })
            .1
            .to_vec::<f32>()
            .unwrap()
    };
    let dense = |name: &str, x: &[f32]| -> Vec<f32> {
        let (weight, bias) = (numbers(&format!("{name}.weight")), numbers(&format!("{name}.bias")));
        let rows = weight.chunks_exact(x.len()).zip(bias);
        rows.map(|(row, bias)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias).collect()
    };
    let words = embedding().to_vec::<f32>().unwrap();
    let (mut keys, mut values, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for &token in tokens {
        let x = &words[token as usize * FEATURES..][..FEATURES];
        let query = dense("query", x);
        keys.push(dense("key", x));
        values.push(dense("value", x));
        let scores = keys.iter().map(|key| key.iter().zip(&query).map(|(k, q)| k * q).sum::<f32>().exp());
        let scores: Vec<f32> = scores.collect();
        let total: f32 = scores.iter().sum();
        let sum = |at: usize| {
            scores.iter().zip(&values).map(|(score, value)| score / total * value[at]).sum::<f32>()
        };
        let y: Vec<f32> = (0..FEATURES).map(|at| sum(at) + x[at]).collect();
        let logits = dense("logits", &y);
        found.push((0..VOCABULARY).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as i64);
    }
    found
}

fn options(prompt: &[i64], count: usize) -> DecodeOptions {
    let run = RunOptions::on(Machine::preset("dlp16").unwrap());
    DecodeOptions { run, precision: Precision::Int8, prompt: prompt.to_vec(), count }
}

fn free(length: usize) -> Result<Model, Error> {
    Ok(decoder(length).0)
}

#[test]
fn tokens_are_generated_as_without_caches_and_work_grows_with_them() {
    let prompt = [3, 19, 0];
    let family = Family::Placed { load: &free, fixed: None };
    let mut told = 0;
    let generation = generate(&family, &options(&prompt, 38), &mut |_| {}, &mut |_| told += 1).unwrap();
    assert_eq!((generation.tokens.len(), generation.steps.len(), told), (38, 40, 40));
    let given: Vec<i64> = generation.steps.iter().map(|step| step.token).collect();
    assert_eq!(given, [&prompt[..], &generation.tokens[..37]].concat());
    let (_, weights) = decoder(16);
    let expected = answers(&weights, &given);
    for (position, (step, expected)) in generation.steps.iter().zip(&expected).enumerate() {
        assert_eq!((step.position, step.next_in_f32), (position, *expected), "{position}");
        assert_eq!(step.report.check.bit_exact, Some(true), "{position}");
        assert!(
            step.report.check.tensors > 10 && step.report.host_ops.iter().all(|op| op.op != "tensor_scatter")
        );
        assert_eq!(step.length, (position + 1).div_ceil(16) * 16);
    }
    let mut ratios: Vec<f64> = generation.steps.iter().filter_map(|step| step.sqnr_db).collect();
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[ratios.len() / 2] > 25.0, "{ratios:?}");
    let dlp_cycles = |position: usize| generation.steps[position].report.dlp_cycles;
    assert!(
        dlp_cycles(0) == dlp_cycles(15) && dlp_cycles(15) < dlp_cycles(16) && dlp_cycles(16) < dlp_cycles(39)
    );
    // What crosses the border does not grow: caches stay where they are.
    let border = |position: usize| generation.steps[position].border_cycles;
    assert!(border(39) < border(0) + 200, "{} and {}", border(0), border(39));
}

#[test]
fn caches_of_real_numbers_are_written_where_they_lie_too() {
    let prompt = [3, 19, 0];
    let family = Family::Placed { load: &free, fixed: None };
    for (precision, least) in [(Precision::F32, 100.0), (Precision::Bf16, 25.0)] {
        let run = RunOptions { checked: true, ..RunOptions::on(Machine::preset("dlp16f").unwrap()) };
        let options = DecodeOptions { run, precision, prompt: prompt.to_vec(), count: 16 };
        let generation = generate(&family, &options, &mut |_| {}, &mut |_| {}).unwrap();
        let given: Vec<i64> = generation.steps.iter().map(|step| step.token).collect();
        let expected = answers(&decoder(16).1, &given);
        for (step, expected) in generation.steps.iter().zip(expected) {
            assert_eq!((step.report.check.bit_exact, step.next_in_f32), (Some(true), expected));
            assert!(
                step.report.host_ops.iter().all(|op| op.op != "tensor_scatter"),
                "{:?}",
                step.report.host_ops
            );
            assert!(step.sqnr_db.is_none_or(|ratio| ratio > least), "{precision}: {:?}", step.sqnr_db);
        }
    }
}

#[test]
fn what_cannot_be_generated_is_said() {
    let short = |_: usize| free(8);
    let family = Family::Placed { load: &short, fixed: Some(8) };
    let error = |prompt: &[i64], count| {
        generate(&family, &options(prompt, count), &mut |_| {}, &mut |_| {}).unwrap_err().to_string()
    };
    assert!(
        error(&[1, 2], 8).contains("room for 8 tokens, and 2 and 8 to generate need 9"),
        "{}",
        error(&[1, 2], 8)
    );
    assert!(
        error(&[1, 20], 2).contains("token 20 is not in its vocabulary, 0 to 19"),
        "{}",
        error(&[1, 20], 2)
    );
    assert!(error(&[], 2).contains("a token to begin with"));
    let lenet = |_: usize| ediacara::model::load("lenet5", &[]);
    let family = Family::Placed { load: &lenet, fixed: Some(1) };
    let error = generate(&family, &options(&[1], 1), &mut |_| {}, &mut |_| {}).unwrap_err().to_string();
    assert!(
        error.contains("has no cache that it appends to") && error.contains("Its inputs are input;"),
        "{error}"
    );
}

/// Decoders as exporters write them, their caches growing along a symbolic axis: onnxruntime's greedy answers.
#[test]
fn files_whose_caches_grow_answer_as_in_onnxruntime() {
    let Some(folder) = std::env::var_os("EDIACARA_ONNX_FILES") else {
        return skip(
            "decoders in ONNX files",
            "EDIACARA_ONNX_FILES does not name a folder; `cargo xtask test` makes it",
        );
    };
    for name in ["gpt2-masked", "gpt2-bare", "llama"] {
        let path = Path::new(&folder).join("decoders").join(name);
        let arrays = npz::read(&path.with_extension("npz")).unwrap();
        let numbers = |key: &str| {
            let (_, tensor) = arrays.iter().find(|(name, _)| name == key).unwrap();
            tensor.to_vec::<i64>().unwrap()
        };
        let tokens = [numbers("prompt"), numbers("tokens")].concat();
        let path = path.with_extension("onnx");
        let load = |dims: &[(String, usize)]| ediacara::model::load(path.to_str().unwrap(), dims);
        assert_eq!(length(&load(&[]).unwrap()).unwrap(), None);
        let (last, given) = tokens.split_last().unwrap();
        let family = Family::Growing { load: &load };
        let generation = generate(&family, &options(given, 1), &mut |_| {}, &mut |_| {}).unwrap();
        let answers: Vec<i64> = generation.steps.iter().map(|step| step.next_in_f32).collect();
        let expected = [&given[numbers("prompt").len()..], &[*last]].concat();
        assert_eq!(answers[numbers("prompt").len() - 1..], expected, "{name}");
        for step in &generation.steps {
            let report = &step.report;
            assert_eq!(report.check.bit_exact, Some(true), "{name} at {}", step.position);
            assert!(
                step.file_distance.unwrap() < 1e-5,
                "{name} at {}: {:?}",
                step.position,
                step.file_distance
            );
            assert!(
                report.host_ops.iter().all(|op| op.op != "tensor_scatter" && op.op != "matmul"),
                "{name}"
            );
        }
        let cycles: Vec<u64> = generation.steps.iter().map(|step| step.report.dlp_cycles).collect();
        assert!(cycles[0] == cycles[15] && cycles[15] < cycles[16], "{name}: {cycles:?}");
        let right = generation.steps.iter().filter(|step| step.next == step.next_in_f32).count();
        assert!(right * 3 > generation.steps.len() * 2, "{name}: {right}");
    }
}

/// What the attention of [`growing`] does with the past beside attending.
#[derive(Clone, Copy, PartialEq)]
enum Odd {
    Nothing,
    /// Keys come in the reverse order of values.
    Reversed,
    /// The mean of all keys is added.
    Mean,
}

/// One token that attends to caches that it was concatenated to, as a network behind so many tokens.
fn growing(past: usize, odd: Odd) -> Model {
    let mut scope = Scope::new("decoder", Mode::Inference, 1);
    let token = scope.input("input_ids", TensorType::new(DType::I64, &[1, 1]));
    let [keys, values] =
        ["past_key", "past_value"].map(|name| scope.input(name, TensorType::f32(&[1, 1, past, FEATURES])));
    let words = scope.constant(embedding());
    let x = scope.apply(Gather { axis: 0 }, &[words, token]).unwrap();
    let x = scope.apply(Reshape { shape: vec![1, FEATURES] }, &[x]).unwrap();
    let mut row = |name: &str| {
        let y = scope.dense(name, x, FEATURES).unwrap();
        scope.apply(Reshape { shape: vec![1, 1, 1, FEATURES] }, &[y]).unwrap()
    };
    let [query, key, value] = ["query", "key", "value"].map(&mut row);
    let keys = scope.apply(Concat { axis: 2 }, &[keys, key]).unwrap();
    let values = scope.apply(Concat { axis: 2 }, &[values, value]).unwrap();
    let seen = match odd {
        Odd::Reversed => {
            let mut slice = Slice::all(&[1, 1, past + 1, FEATURES]);
            (slice.starts[2], slice.ends[2], slice.steps[2]) = (past as i64, -1, -1);
            scope.apply(slice, &[keys]).unwrap()
        }
        _ => keys,
    };
    let columns = scope.apply(Transpose { permutation: vec![0, 1, 3, 2] }, &[seen]).unwrap();
    let scores = scope.apply(MatMul, &[query, columns]).unwrap();
    let weights = scope.apply(Softmax { axis: 3 }, &[scores]).unwrap();
    let mut sums = scope.apply(MatMul, &[weights, values]).unwrap();
    if odd == Odd::Mean {
        let mean = Reduce { kind: ReduceKind::Mean, axes: vec![2], keep_dims: true };
        let mean = scope.apply(mean, &[keys]).unwrap();
        sums = scope.apply(Add, &[sums, mean]).unwrap();
    }
    let sums = scope.apply(Reshape { shape: vec![1, FEATURES] }, &[sums]).unwrap();
    let logits = scope.dense("logits", sums, VOCABULARY).unwrap();
    let (graph, parameters, _) = scope.finish();
    let tensors = parameters.iter().map(|parameter| (parameter.value, parameter.initial.clone()));
    Model {
        unbound: vec!["past".to_owned()],
        ..model(freeze(&graph, &[logits, keys, values], tensors).unwrap())
    }
}

#[test]
fn what_the_length_of_caches_means_beside_tokens_is_refused() {
    let generated = |odd: Odd, fixed: bool| {
        let load = |sizes: &[(String, usize)]| {
            let past = sizes.iter().find(|(axis, _)| axis == "past_key[2]").map_or(1, |(_, size)| *size);
            let mut model = growing(past, odd);
            if fixed {
                model.unbound.clear();
            }
            Ok(model)
        };
        let family = Family::Growing { load: &load };
        generate(&family, &options(&[3, 7], 4), &mut |_| {}, &mut |_| {})
    };
    let generation = generated(Odd::Nothing, false).unwrap();
    assert!(generation.steps.iter().all(|step| step.file_distance.unwrap() < 1e-5));
    let error = |odd: Odd, fixed: bool| generated(odd, fixed).err().unwrap().to_string();
    let mean = error(Odd::Mean, false);
    assert!(mean.contains("(reduce) goes over all tokens so far and is no product"), "{mean}");
    let reversed = error(Odd::Reversed, false);
    assert!(reversed.contains("away from those of the file itself"), "{reversed}");
    let fixed = error(Odd::Nothing, true);
    assert!(fixed.contains("have axes of fixed sizes") && fixed.contains("past_key, past_value"), "{fixed}");
}
