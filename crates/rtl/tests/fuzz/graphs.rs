//! Random networks: what the host's int8 arithmetic says is what the compiled program leaves in DRAM, and the
//! hardware does in every cycle what the simulator does.
//!
//! `EDIACARA_FUZZ_SHAPE` and `EDIACARA_FUZZ_NETWORK` (a seed) choose one; a failure prints them.

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Compiled, Options, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Net, Sizes, features, network};
use ediacara_graph::{Graph, Tensor};
use ediacara_host::Executor;
use ediacara_rtl::{Core, Initial, LockstepOptions, Verdict, lockstep};
use ediacara_sim::Simulator;

use crate::support::options;

/// Networks that are drawn for each shape: not all fit into memories so small.
const NETWORKS: u64 = 400;

/// What became of the networks of a shape.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) compared: u64,
    pub(crate) cycles: u64,
    /// Networks by what they consist of.
    pub(crate) features: BTreeMap<String, u64>,
    pub(crate) failures: Vec<String>,
}

/// Compares the networks of a shape, other ones than those of the next shape, or the one of `seed`.
pub(crate) fn run(shape: &Machine, seed: Option<u64>) -> Report {
    let place = ediacara_fuzzgen::shapes().iter().position(|other| other.name == shape.name);
    let first = NETWORKS * place.unwrap_or_default() as u64;
    let mut core = Core::build(shape, &options()).unwrap();
    let mut report = Report::default();
    for seed in seed.map_or(first..first + NETWORKS, |seed| seed..seed + 1) {
        let net = network(seed, Sizes::tiny());
        let compiled = match compile(&net.graph, shape, &Options::default()) {
            Ok(compiled) => compiled,
            Err(CompileError::DoesNotFit { .. } | CompileError::Dram { .. }) => continue,
            Err(error) => {
                report.failures.push(told(&net, shape, seed, &error.to_string()));
                continue;
            }
        };
        match compare(&mut core, shape, &net.graph, &compiled, seed) {
            Ok(cycles) => {
                report.compared += 1;
                report.cycles += cycles;
                for feature in features(&net.graph) {
                    *report.features.entry(feature).or_default() += 1;
                }
            }
            Err(problem) => report.failures.push(told(&net, shape, seed, &problem)),
        }
    }
    report
}

/// A failure with all that is needed to see it again.
fn told(net: &Net, shape: &Machine, seed: u64, problem: &str) -> String {
    format!(
        "network {seed} on {}: {problem}\nagain: EDIACARA_FUZZ_SHAPE={} EDIACARA_FUZZ_NETWORK={seed} \
         cargo test -p ediacara-rtl --test fuzz networks\n{}",
        shape.name,
        shape.name,
        net.graph.to_text()
    )
}

/// Host = simulator = hardware, on random inputs. Returns the cycles that it took.
fn compare(
    core: &mut Core,
    machine: &Machine,
    graph: &Graph,
    compiled: &Compiled,
    seed: u64,
) -> Result<u64, String> {
    let mut random = Random::new(seed ^ 0xda7a);
    let mut tensor = |shape: &[usize]| {
        let values: Vec<i8> = (0..shape.iter().product()).map(|_| random.byte()).collect();
        Tensor::from_vec(shape, values).unwrap()
    };
    let inputs: Vec<_> = graph.inputs().iter().map(|&input| tensor(&graph.ty(input).shape)).collect();
    let of = |value| inputs[graph.inputs().iter().position(|input| *input == value).unwrap()].clone();
    let ports: Vec<_> = compiled
        .dlp_inputs
        .iter()
        .map(|(value, port)| (port.as_str(), of(*value).as_bytes().unwrap().to_vec()))
        .collect();

    let mut simulator = Simulator::new(machine, &compiled.executable, Default::default()).unwrap();
    for (port, bytes) in &ports {
        simulator.write_input(port, bytes).unwrap();
    }
    let outcome = simulator.run();
    if let Some(fault) = outcome.fault {
        return Err(fault.to_string());
    }
    let mut host_inputs = Vec::new();
    for (value, port) in &compiled.dlp_outputs {
        let bytes = simulator.read_output(port).unwrap().into_iter().map(|byte| byte as i8).collect();
        host_inputs.push(Tensor::from_vec::<i8>(&compiled.host.ty(*value).shape, bytes).unwrap());
    }
    host_inputs.extend(compiled.host_inputs.iter().map(|value| of(*value)));
    let found = on_host(&compiled.host, &host_inputs);
    if found != on_host(graph, &inputs) {
        return Err("host and simulator compute other outputs".to_owned());
    }

    let initial = Initial::inputs(&compiled.executable, ports).unwrap();
    match lockstep(core, machine, &compiled.executable, &initial, &LockstepOptions::default(), &mut |_| ()) {
        Ok(Verdict::Equal(agreement)) => {
            assert_eq!(agreement.outcome.cycles, outcome.cycles, "a program takes different times");
            Ok(outcome.cycles)
        }
        Ok(Verdict::Diverged(divergence)) => Err(divergence.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Outputs of a network on the host.
fn on_host(graph: &Graph, inputs: &[Tensor]) -> Vec<Vec<i8>> {
    let executor = Executor::new(graph, &Default::default()).unwrap();
    executor.run(inputs).unwrap().iter().map(|output| output.to_vec().unwrap()).collect()
}
