//! Whether a miscompiled network is noticed: by the compiler itself, by the provenance of what is read, by comparison with the
//! host. Each is asked alone.
//!
//! `cargo xtask mutate --only KEEP` puts an old fault of the keep pass back, by which activations lay on one another, and wants
//! each of these tests to fail. Motif networks of consecutive seeds are enough to meet it.

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Compiled, compile};
use ediacara_fuzzgen::graph::motif;
use ediacara_graph::Graph;
use ediacara_prove::{Property, prove_values};

use crate::differential::{Subject, quantised, sample};
use crate::motifs::machine;

use crate::support::program;

/// Of the first of these seeds some meet the fault.
const SEEDS: u64 = 60;

/// Calls `check` with the network of every seed, and names the first that it has something against.
fn networks(check: impl Fn(u64, Graph, &Machine) -> Result<(), String>) {
    for seed in 0..SEEDS {
        let graph = quantised(motif::draw(seed).graph, seed);
        let machine = machine(seed);
        if let Err(problem) = check(seed, graph, &machine) {
            panic!("seed {seed} on {}: {problem}", machine.name);
        }
    }
}

fn compiled(graph: &Graph, machine: &Machine) -> Result<Compiled, String> {
    compile(graph, machine, &Default::default()).map_err(|error| error.to_string())
}

#[test]
fn compilation() {
    networks(|_, graph, machine| match compile(&graph, machine, &Default::default()) {
        Err(error @ CompileError::Allocation { .. }) => Err(error.to_string()),
        Err(_) | Ok(_) => Ok(()),
    });
}

#[test]
fn provenance() {
    networks(|_, graph, machine| {
        let compiled = compiled(&graph, machine)?;
        let proof = prove_values(
            &program(&compiled).executable,
            machine,
            &program(&compiled).values,
            &Default::default(),
        );
        let compared = proof.provenance.ok_or("provenance was not compared")?;
        assert!(compared.reads > 0 && compared.bytes.nram > 0);
        match proof.findings.iter().find(|finding| finding.property == Property::Provenance) {
            Some(finding) => Err(finding.to_string()),
            None => Ok(()),
        }
    });
}

#[test]
fn comparison() {
    networks(|seed, graph, machine| {
        let compiled = compiled(&graph, machine)?;
        let inputs = sample(&graph, seed);
        Subject::new(graph, inputs).compare(machine, &compiled).map(drop)
    });
}
