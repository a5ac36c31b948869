//! Networks of which some layers compute in floating point.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara::arch::Machine;
use ediacara::graph::ops::{Add, MatMul};
use ediacara::graph::{Graph, TensorType};
use ediacara::host::Executor;
use ediacara::mixed::{Choice, Wanted, prepare_mixed, read_layers};
use ediacara::prove::{Options, prove_values};
use ediacara::tensor::Tensor;
use ediacara::{CalibrationSource, Error, HostOnly, Model, Precision, Prepared, RunOptions, compile};

fn lenet() -> Model {
    ediacara::model::load("lenet5", &[]).unwrap()
}

fn prepared(wanted: &Wanted) -> Result<(Prepared, Option<Choice>), Error> {
    let machine = Machine::preset("dlp16f").unwrap();
    prepare_mixed(&lenet(), wanted, &machine, (&CalibrationSource::Default, &[]), &mut |_| {})
}

fn layers(base: Precision, layers: &[(&str, Precision)]) -> Wanted {
    let layers = layers.iter().map(|&(name, precision)| (name.to_owned(), precision)).collect();
    Wanted::Layers { base, layers }
}

fn input() -> Tensor {
    ediacara::data::synthetic::normal(&[1, 1, 28, 28], 7).unwrap()
}

/// The ratio of signal to noise of the logits against f32, in dB, of a run that is checked and proven; and cycles on the DLP.
fn ran(prepared: &Prepared) -> (f64, u64) {
    let machine = Machine::preset("dlp16f").unwrap();
    let options = RunOptions { checked: true, ..RunOptions::on(machine.clone()) };
    let run = ediacara::run(&lenet(), prepared, &[input()], &options, &mut |_| {}).unwrap();
    assert_eq!(run.report.check.bit_exact, Some(true));
    assert!(run.report.check.tensors > 4 && run.report.on_dlp.dlp_macs == run.report.on_dlp.macs);
    let network = compile(prepared, &machine, &Default::default(), HostOnly::Refused).unwrap();
    for segment in network.compiled.dlp() {
        let proof = prove_values(&segment.executable, &machine, &segment.values, &Options::default());
        assert!(proof.proven, "{:#?}", proof.findings);
    }
    let real = Executor::new(&lenet().graph, &Default::default()).unwrap().run(&[input()]).unwrap();
    let [found, expected] = [&run.outputs[0].1, &real[0]].map(|tensor| tensor.to_vec::<f32>().unwrap());
    let signal: f64 = expected.iter().map(|number| f64::from(*number).powi(2)).sum();
    let noise: f64 =
        found.iter().zip(&expected).map(|(found, expected)| f64::from(found - expected).powi(2)).sum();
    (10.0 * (signal / noise).log10(), run.report.dlp_cycles)
}

#[test]
fn layers_compute_in_what_is_asked_of_them() {
    let wanted = [("conv2", Precision::Bf16), ("fc*", Precision::F16), ("fc3", Precision::Int8)];
    let (some, choice) = prepared(&layers(Precision::Int8, &wanted)).unwrap();
    assert_eq!(
        (some.computes_in().as_str(), choice),
        ("int8, and 1 layer in bf16 and 2 layers in f16", None)
    );
    let machine = Machine::preset("dlp16f").unwrap();
    let network = compile(&some, &machine, &Default::default(), HostOnly::Refused).unwrap();
    let segment = network.compiled.only_dlp().unwrap();
    let bytes = |name: &str| {
        let index = segment.executable.layers.iter().position(|layer| layer.name.starts_with(name));
        segment.matrix_element_bytes[index.unwrap()]
    };
    assert_eq!(["conv1", "conv2", "fc1", "fc2", "fc3"].map(bytes), [1, 2, 2, 2, 1]);
    let (int8, _) = prepared(&layers(Precision::Int8, &[])).unwrap();
    // The more of it is real, the nearer to f32 it is.
    let (all, _) = prepared(&layers(Precision::F32, &[])).unwrap();
    let (but_one, _) = prepared(&layers(Precision::F32, &[("conv1", Precision::Int8)])).unwrap();
    let ratios = [&int8, &some, &but_one, &all].map(|prepared| ran(prepared).0);
    assert!(ratios.is_sorted() && ratios[3] > 100.0 && ratios[2] < 60.0, "{ratios:?}");
}

#[test]
fn as_few_products_as_it_takes_give_up_int8() {
    let (int8, choice) = prepared(&Wanted::Automatic { decibels: 5.0 }).unwrap();
    let choice = choice.unwrap();
    assert!(choice.layers.is_empty() && choice.products == 5 && int8.layers.is_empty());
    let mut before = (0, ran(&int8).1);
    for decibels in [40.0, 60.0] {
        let (prepared, choice) = prepared(&Wanted::Automatic { decibels }).unwrap();
        let choice = choice.unwrap();
        assert!(choice.decibels.unwrap() >= decibels, "{choice:?}");
        assert!(choice.layers.is_sorted_by(|(_, one), (_, other)| one <= other), "{choice:?}");
        let after = (choice.layers.len(), ran(&prepared).1);
        assert!(after.0 >= before.0 && after.1 > before.1, "{choice:?}");
        before = after;
    }
}

/// Two products of a matrix and a bias each, with a function between.
fn perceptron() -> Model {
    let mut graph = Graph::new("perceptron");
    let mut value = graph.add_input("x", TensorType::f32(&[3, 4, 32]));
    for (index, [inputs, outputs]) in [[32, 48], [48, 16]].into_iter().enumerate() {
        let seed = index as u64;
        let weights = ediacara::data::synthetic::normal(&[inputs, outputs], seed).unwrap();
        let weights = graph.add_constant(format!("weights{index}"), weights);
        let bias = ediacara::data::synthetic::normal(&[outputs], 9 + seed).unwrap();
        let bias = graph.add_constant(format!("bias{index}"), bias);
        value = graph.add(format!("product{index}"), MatMul, &[value, weights]).unwrap();
        value = graph.add(format!("added{index}"), Add, &[value, bias]).unwrap();
    }
    graph.set_named_outputs(&[("y".to_owned(), value)]).unwrap();
    let (preprocess, labels) = (None, None);
    Model { name: "perceptron".to_owned(), graph, preprocess, labels, unbound: Vec::new(), notes: Vec::new() }
}

#[test]
fn a_layer_whose_work_another_does_computes_in_nothing_of_its_own() {
    let machine = Machine::preset("dlp16f").unwrap();
    let wanted = |names: &[(&str, Precision)]| {
        let samples = (&CalibrationSource::Default, &[][..]);
        let prepared =
            prepare_mixed(&perceptron(), &layers(Precision::Int8, names), &machine, samples, &mut |_| {});
        prepared.map(|(prepared, _)| prepared.layers.into_keys().collect::<Vec<_>>())
    };
    assert_eq!(wanted(&[("added*", Precision::F32)]).unwrap(), [""; 0]);
    assert_eq!(
        wanted(&[("product0", Precision::F32), ("added*", Precision::F32)]).unwrap(),
        ["added0", "product0"]
    );
    let error = wanted(&[("added0", Precision::F32)]).unwrap_err().to_string();
    assert!(error.contains("the int8 layer before `added0` (add) does its work"), "{error}");
}

#[test]
fn what_cannot_be_mixed_is_said() {
    let error = |wanted: &Wanted| prepared(wanted).unwrap_err().to_string();
    let unknown = error(&layers(Precision::Int8, &[("conv9", Precision::F32)]));
    assert!(
        unknown.contains("no layer is called `conv9` once operators are fused; did you mean `conv"),
        "{unknown}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layers.toml");
    std::fs::write(&path, "\"conv1\" = \"f32\"\nfc2 = \"bf16\"\n").unwrap();
    let read = [("conv1".to_owned(), Precision::F32), ("fc2".to_owned(), Precision::Bf16)];
    assert_eq!(read_layers(&path).unwrap(), read);
    for (text, problem) in [("conv1 = 3", "write one"), ("conv1 = \"f8\"", "no precision is called `f8`")] {
        std::fs::write(&path, text).unwrap();
        let error = read_layers(&path).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("layers.toml"), "{error}");
    }
    let int8_only = Machine::preset("dlp16").unwrap();
    let wanted = Wanted::Automatic { decibels: 30.0 };
    let samples = (&CalibrationSource::Default, &[][..]);
    let error = prepare_mixed(&lenet(), &wanted, &int8_only, samples, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("machine `dlp16` does not compute in f32") && error.contains("dlp16f"), "{error}");
}
