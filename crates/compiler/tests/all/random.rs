//! Random networks of all operators on random machines: host and simulator agree byte for byte, in checked
//! mode.
//!
//! A failure names its seed; `EDIACARA_SEED=N cargo test -p ediacara-compiler --test all random` runs that
//! one alone.

use crate::support::{check_on, machines, program};
use ediacara_arch::Machine;
use ediacara_compiler::{CompileError, Options, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Sizes, network};

/// A machine with sizes drawn at random, the smallest of them far too small for comfort.
pub(crate) fn random_machine(random: &mut Random) -> Machine {
    if random.chance(40) {
        let all = machines();
        return all[random.below(all.len())].clone();
    }
    let mut machine = Machine::preset("dlp4").unwrap();
    machine.name = "random".to_owned();
    machine.matrix.rows = random.pick(&[2, 4, 8, 16]);
    machine.matrix.columns = random.pick(&[2, 4, 8, 16]);
    machine.vector.lanes = random.pick(&[4, 8, 32]);
    machine.dram.burst_bytes = random.pick(&[32, 64, 128]);
    machine.dram.latency_cycles = random.between(1, 150) as u32;
    let row = u64::from(machine.matrix.rows * machine.matrix.columns);
    machine.core.nram_bytes = 1024 * random.between(2, 20) as u64;
    machine.core.wram_bytes = row * random.between(8, 100) as u64;
    machine.core.aram_bytes = 4 * u64::from(machine.matrix.columns) * random.between(2, 60) as u64;
    machine.core.pram_bytes = 12 * random.between(machine.matrix.columns as usize * 2, 80) as u64;
    machine.core.queue_entries = random.pick(&[1, 2, 4, 16]);
    machine.core.fetch_entries = random.pick(&[4, 16]);
    machine.validate().unwrap();
    machine
}

/// How many activations were compared, and how many of them stayed in NRAM between layers; nothing if the machine was too
/// small for the network.
fn case(seed: u64) -> Option<(usize, usize)> {
    let net = network(seed, Sizes::small());
    let machine = random_machine(&mut Random::new(seed ^ 0x5eed));
    match compile(&net.graph, &machine, &Options::default()) {
        Err(CompileError::DoesNotFit { needed, available, .. }) => {
            assert!(needed > available, "seed {seed}: an error about nothing");
            return None;
        }
        Err(error) => panic!("seed {seed}: {error}\n{}", net.graph.to_text()),
        Ok(_) => {}
    }
    let fuse = Options {
        disable: if seed.is_multiple_of(4) { vec!["fuse-add".to_owned()] } else { Vec::new() },
        ..Options::default()
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        check_on(&net.graph, &machine, &fuse, seed, true)
    }));
    match result {
        Ok((compiled, _)) => {
            let kept = program(&compiled).keepings.iter().filter(|keeping| keeping.is_kept()).count();
            Some((program(&compiled).homes.len(), kept))
        }
        Err(cause) => {
            eprintln!("seed {seed} on {machine:?}\n{}", net.graph.to_text());
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn random_networks() {
    if let Some(seed) = std::env::var("EDIACARA_SEED").ok().and_then(|seed| seed.parse().ok()) {
        case(seed);
        return;
    }
    let count = 400;
    let cases: Vec<(usize, usize)> = (0..count).filter_map(case).collect();
    let (useful, keeping) = (cases.len(), cases.iter().filter(|(_, kept)| *kept > 0).count());
    let values: usize = cases.iter().map(|(values, _)| values).sum();
    println!(
        "{useful} of {count} random networks fitted their machine; {values} activations were compared, and \
         {keeping} networks kept some in NRAM"
    );
    assert!(values >= 2 * useful, "only {values} activations of {useful} networks were compared");
    assert!(useful * 10 >= count as usize * 9, "only {useful} of {count} cases were useful");
    assert!(keeping * 2 >= useful, "only {keeping} of {useful} networks kept anything in NRAM");
}
