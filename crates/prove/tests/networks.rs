//! Every program that the compiler makes is proven: built-in networks, the models of the data set, random
//! networks.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it fails")]

use std::path::Path;
use std::time::Instant;

use ediacara::data::{DataSet, Locations, skip};
use ediacara::{CalibrationSource, model, prepare};
use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Sizes, network};
use ediacara_prove::{Options, Proof, prove, prove_values};

/// A proof, and the shorter of two times that it takes, since other tests run beside this one.
fn timed(run: impl Fn() -> Proof) -> (Proof, f64) {
    let time = || {
        let start = Instant::now();
        (run(), start.elapsed().as_secs_f64())
    };
    let (first, second) = (time(), time());
    (first.0, first.1.min(second.1))
}

fn prove_model(name: &str) {
    let model = model::load(name, &[]).unwrap();
    let prepared = prepare(&model, &CalibrationSource::Default, &mut |_| {}).unwrap();
    let machine = Machine::preset("dlp16").unwrap();
    let compiled = compile(&prepared.quantised, &machine, &Default::default()).unwrap();
    let options = Options::default();
    let segment = compiled.only_dlp().unwrap();
    let (_, without) = timed(|| prove(&segment.executable, &machine, &options));
    let (proof, seconds) = timed(|| prove_values(&segment.executable, &machine, &segment.values, &options));
    println!(
        "{name}: {} instructions, {} accesses, {seconds:.3} s, {without:.3} s without provenance, {:?}",
        proof.instructions, proof.accesses, proof.provenance
    );
    assert!(proof.proven, "{name}: {:#?}", proof.findings);
}

#[test]
fn built_in_networks() {
    for name in ["efficientnet_lite0", "mobilenet_v2", "alexnet", "resnet50", "lenet5", "mlp:33-512-10"] {
        prove_model(name);
    }
}

#[test]
fn networks_of_the_data_set() {
    let folder = match Locations::of_machine(Path::new(".")).and_then(|all| all.find(DataSet::Models)) {
        Ok(folder) => folder,
        Err(error) => return skip(DataSet::Models.name(), &error.to_string()),
    };
    for name in ["mobilenet_v2_qdq", "squeezenet10_deepcompressed", "resnet20_cifar10", "fastestdet"] {
        prove_model(&folder.join(name).join("model.onnx").display().to_string());
    }
}

#[test]
fn random_networks() {
    let machines = ["dlp4", "dlp8", "dlp16"].map(|name| Machine::preset(name).unwrap());
    let mut proven = 0;
    for seed in 0..400 {
        let net = network(seed, Sizes::small());
        let mut machine = machines[Random::new(seed).below(machines.len())].clone();
        machine.core.queue_entries = Random::new(seed ^ 1).pick(&[1, 2, 16]);
        match compile(&net.graph, &machine, &Default::default()) {
            Err(CompileError::DoesNotFit { .. }) => continue,
            Err(error) => panic!("seed {seed}: {error}"),
            Ok(compiled) => {
                let options = Options::default();
                for segment in compiled.dlp() {
                    let proof = prove_values(&segment.executable, &machine, &segment.values, &options);
                    assert!(proof.proven, "seed {seed} on {}: {:#?}", machine.name, proof.findings);
                }
                proven += 1;
            }
        }
    }
    assert!(proven > 300, "only {proven} of 400 networks fitted their machine");
}
