//! Random networks on host, simulator and hardware.
//!
//! The compiled program must leave in DRAM what the host's int8 arithmetic says. The hardware must do in
//! every cycle what the simulator does. Every fifth network is made of published motifs.
//!
//! `EDIACARA_FUZZ_SHAPE` and `EDIACARA_FUZZ_NETWORK` (a seed) choose one. A failure prints them.

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Compiled, Options, compile};
use ediacara_fuzzgen::graph::motif::{self, Size};
use ediacara_fuzzgen::graph::{Sizes, features, network};
use ediacara_graph::Graph;
use ediacara_rtl::{Core, Initial, LockstepOptions, Verdict, lockstep};

use crate::differential::{self, Subject, quantised, sample};
use crate::support::options;

/// Networks that are drawn for each shape: not all fit into memories so small.
const NETWORKS: u64 = 400;

/// What became of the networks of a shape.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) compared: u64,
    /// Those of them that are made of motifs.
    pub(crate) motifs: u64,
    /// Values in which host and simulator were compared.
    pub(crate) values: usize,
    pub(crate) cycles: u64,
    /// Networks by what they consist of.
    pub(crate) features: BTreeMap<String, u64>,
    pub(crate) failures: Vec<String>,
}

fn is_of_motifs(seed: u64) -> bool {
    seed % 5 == 4
}

fn draw(seed: u64) -> Graph {
    if is_of_motifs(seed) {
        quantised(motif::draw_sized(seed, Size::TINY).graph, seed)
    } else {
        network(seed, Sizes::tiny()).graph
    }
}

/// Compares the networks of a shape, or the one of `seed`.
///
/// Every shape has networks of its own.
pub(crate) fn run(shape: &Machine, seed: Option<u64>) -> Report {
    let place = ediacara_fuzzgen::shapes().iter().position(|other| other.name == shape.name);
    let first = NETWORKS * place.unwrap_or_default() as u64;
    let mut core = Core::build(shape, &options()).unwrap();
    let mut report = Report::default();
    for seed in seed.map_or(first..first + NETWORKS, |seed| seed..seed + 1) {
        let graph = draw(seed);
        let compiled = match compile(&graph, shape, &Options::default()) {
            Ok(compiled) => compiled,
            Err(CompileError::DoesNotFit { .. } | CompileError::Dram { .. }) => continue,
            Err(error) => {
                report.failures.push(told(&graph, shape, seed, &error.to_string()));
                continue;
            }
        };
        match compare(&mut core, shape, &graph, &compiled, seed) {
            Ok((values, cycles)) => {
                report.values += values;
                report.compared += 1;
                report.motifs += u64::from(is_of_motifs(seed));
                report.cycles += cycles;
                // Motifs have operators at their borders that the other networks do not name.
                if !is_of_motifs(seed) {
                    features(&graph)
                        .into_iter()
                        .for_each(|feature| *report.features.entry(feature).or_default() += 1);
                }
            }
            Err(problem) => report.failures.push(told(&graph, shape, seed, &problem)),
        }
    }
    report
}

/// A failure with all that is needed to see it again.
fn told(graph: &Graph, shape: &Machine, seed: u64, problem: &str) -> String {
    format!(
        "network {seed} on {}: {problem}\nagain: EDIACARA_FUZZ_SHAPE={} EDIACARA_FUZZ_NETWORK={seed} \
         cargo test -p ediacara-rtl --test fuzz networks\n{}",
        shape.name,
        shape.name,
        graph.to_text()
    )
}

/// Checks that host, simulator and hardware agree on random inputs.
///
/// Returns how many values were compared, and the cycles that it took.
fn compare(
    core: &mut Core,
    machine: &Machine,
    graph: &Graph,
    compiled: &Compiled,
    seed: u64,
) -> Result<(usize, u64), String> {
    let subject = Subject::new(graph.clone(), sample(graph, seed ^ 0xda7a));
    let values = subject.compare(machine, compiled)?.values;
    let mut cycles = 0;
    let ran = differential::run(graph, machine, compiled, &subject.inputs, false)?;
    for (segment, program) in compiled.dlp().zip(&ran.programs) {
        let named = program.inputs.iter().map(|(name, bytes)| (name.as_str(), bytes.clone()));
        let initial = Initial::inputs(&segment.executable, named).unwrap();
        let options = LockstepOptions::default();
        match lockstep(core, machine, &segment.executable, &initial, &options, &mut |_| ()) {
            Ok(Verdict::Equal(agreement)) => cycles += agreement.outcome.cycles,
            Ok(Verdict::Diverged(divergence)) => return Err(divergence.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok((values, cycles))
}
