//! No program beats the floor, columns sum to the totals, and nothing is used beyond its peak.
//!
//! The test draws random networks on random machines.

// Test code: a failure is a panic.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Options, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Sizes, network};
use ediacara_isa::Engine;
use ediacara_profile::{LayerReport, LayerYardstick, MatrixBeats, layer_reports};
use ediacara_sim::{Options as SimOptions, Outcome, Part, Simulator};

/// A machine with a fast vector unit or a slow one, a wide bus or a narrow one, latencies down to the least.
fn machine(random: &mut Random) -> Machine {
    let mut machine = Machine::preset("dlp8").unwrap();
    machine.name = "random".to_owned();
    machine.vector.float_lanes = 0;
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
    let segment = compiled.only_dlp()?;
    let executable = &segment.executable;
    let options = SimOptions { values: false, ..SimOptions::default() };
    let outcome = Simulator::new(&machine, executable, options).unwrap().run();
    assert!(outcome.fault.is_none(), "seed {seed}: {:?}", outcome.fault);
    let floor = segment.bounds.floor_cycles;
    assert!(
        floor <= outcome.cycles,
        "seed {seed}: {} cycles, the floor is {floor}\n{}",
        outcome.cycles,
        net.graph.to_text()
    );
    assert_eq!(segment.bounds.roofline_cycles.len(), executable.layers.len(), "seed {seed}");
    if !executable.layers.is_empty() {
        let yardsticks = segment.bounds.roofline_cycles.iter().zip(&segment.repeated_beats);
        let yardsticks: Vec<LayerYardstick> = yardsticks
            .map(|(&roofline_cycles, &repeated_matrix_cycles)| LayerYardstick {
                roofline_cycles,
                repeated_matrix_cycles,
                matrix_element_bytes: 1,
            })
            .collect();
        let layers = layer_reports(&machine, &executable.layers, &yardsticks, &outcome);
        check(seed, &machine, &layers, &outcome);
    }
    Some(outcome.cycles as f64 / floor.max(1) as f64)
}

/// The columns of the table, and what no layer may pass.
fn check(seed: u64, machine: &Machine, layers: &[LayerReport], outcome: &Outcome) {
    let sum = |field: &dyn Fn(&LayerReport) -> u64| layers.iter().map(field).sum::<u64>();
    assert_eq!(sum(&|layer| layer.cycles), outcome.cycles, "seed {seed}");
    let burst = u64::from(machine.dram.burst_bytes);
    let fetched = outcome.traffic[0].bursts * burst;
    assert_eq!(
        sum(&|layer| layer.dram_bytes) + fetched,
        outcome.dram_read_bytes + outcome.dram_write_bytes,
        "seed {seed}"
    );
    let beats = outcome.engine(Engine::Matrix).busy;
    let part = |part: Part| sum(&|layer| layer.split.of(part));
    assert_eq!(part(Part::Matrix) + part(Part::MatrixAndVector), beats, "seed {seed}");
    assert_eq!(
        part(Part::Vector) + part(Part::MatrixAndVector),
        outcome.engine(Engine::Vector).busy,
        "seed {seed}"
    );
    assert_eq!(MatrixBeats::of(machine, layers).total(), beats, "seed {seed}");
    let bandwidth = machine.dram.bytes_per_cycle.to_f64();
    for layer in layers {
        let name = &layer.name;
        assert_eq!(layer.split.total(), layer.cycles, "seed {seed}, {name}");
        assert!((0.0..=1.0).contains(&layer.utilisation), "seed {seed}, {name}: {}", layer.utilisation);
        let products = layer.matrix_macs.div_ceil(machine.peak_macs_per_cycle());
        let once = layer.matrix_cycles - layer.repeated_matrix_cycles;
        assert!(
            products <= once || layer.matrix_cycles == 0,
            "seed {seed}, {name}: {products} of {once} beats"
        );
        let occupied = layer.occupied_cycles;
        assert!(
            occupied >= layer.cycles.max(layer.matrix_cycles).max(layer.vector_cycles),
            "seed {seed}, {name}"
        );
        assert!(occupied as f64 >= layer.dram_bytes as f64 / bandwidth, "seed {seed}, {name}");
    }
}

#[test]
fn no_program_beats_the_floor() {
    let ratios: Vec<f64> = (0..1000).filter_map(case).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("{} networks, at least {least:.3} times their floor", ratios.len());
    assert!(ratios.len() > 800);
}
