//! No program beats the floor, and layers' cycles sum to the total: random networks on random machines.

// Test code: a failure is a panic.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Options, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Sizes, network};
use ediacara_isa::Engine;
use ediacara_profile::{Bounds, layer_reports};
use ediacara_sim::{Options as SimOptions, Part, Simulator};

/// A machine with a fast vector unit or a slow one, a wide bus or a narrow one, latencies down to the least.
fn machine(random: &mut Random) -> Machine {
    let mut machine = Machine::preset("dlp8").unwrap();
    machine.name = "random".to_owned();
    machine.matrix.rows = random.pick(&[2, 4, 8, 16]);
    machine.matrix.columns = random.pick(&[2, 4, 8, 16]);
    machine.matrix.latency_cycles = random.between(3, 9) as u32;
    machine.vector.lanes = random.pick(&[4, 16, 64]);
    machine.vector.latency_cycles = random.between(3, 9) as u32;
    machine.dram.bytes_per_cycle.numerator = random.pick(&[1, 8, 64]);
    machine.dram.latency_cycles = random.between(1, 60) as u32;
    machine.validate().unwrap();
    machine
}

/// The cycles over the floor; nothing where the network does not fit.
fn case(seed: u64) -> Option<f64> {
    let net = network(seed, Sizes::small());
    let machine = machine(&mut Random::new(seed ^ 0xf100));
    let compiled = match compile(&net.graph, &machine, &Options::default()) {
        Err(CompileError::DoesNotFit { .. }) => return None,
        result => result.unwrap(),
    };
    let executable = &compiled.executable;
    let options = SimOptions { values: false, ..SimOptions::default() };
    let outcome = Simulator::new(&machine, executable, options).unwrap().run();
    assert!(outcome.fault.is_none(), "seed {seed}: {:?}", outcome.fault);
    let border = executable.inputs.iter().chain(&executable.outputs).map(|port| port.len() as u64).sum();
    let bounds = Bounds::of(&machine, &executable.layers, border, compiled.border_bytes);
    assert!(
        bounds.floor_cycles <= outcome.cycles,
        "seed {seed}: {} cycles, the floor is {}\n{}",
        outcome.cycles,
        bounds.floor_cycles,
        net.graph.to_text()
    );
    if !executable.layers.is_empty() {
        let layers = layer_reports(&machine, &executable.layers, &outcome);
        assert_eq!(layers.iter().map(|layer| layer.cycles).sum::<u64>(), outcome.cycles, "seed {seed}");
        for layer in &layers {
            assert_eq!(layer.split.total(), layer.cycles, "seed {seed}, {}", layer.name);
        }
        let beats = outcome.engine(Engine::Matrix).busy;
        assert_eq!(
            layers.iter().map(|layer| layer.split.of(Part::Matrix)).sum::<u64>(),
            beats,
            "seed {seed}"
        );
    }
    Some(outcome.cycles as f64 / bounds.floor_cycles.max(1) as f64)
}

#[test]
fn no_program_beats_the_floor() {
    let ratios: Vec<f64> = (0..1000).filter_map(case).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("{} networks, at least {least:.3} times their floor", ratios.len());
    assert!(ratios.len() > 800);
}
