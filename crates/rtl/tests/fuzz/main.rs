//! Random programs, random networks, the examples and the programs of faults on simulator and hardware side by
//! side, on every shape of `crates/fuzzgen`.
//!
//! The seeds of a run are fixed, so that every run of CI is the same. `cargo xtask soak` makes longer or
//! other runs. A failure prints the command that repeats it. Start at `campaign.rs`; networks are in
//! `graphs.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

mod campaign;
// Both crates share one comparison of host and simulator. What only the compiler's tests use is idle here.
#[allow(dead_code)]
#[path = "../../../compiler/tests/all/differential.rs"]
mod differential;
mod graphs;
mod replay;
mod settings;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ediacara_arch::Machine;
use ediacara_fuzzgen::graph::FEATURES;
use ediacara_fuzzgen::{Coverage, shapes};

use graphs::Report;
use settings::Settings;

/// Comparisons that run at once.
const THREADS: usize = 2;

/// Does something for every shape, a few at once, the largest first, and returns the results in the order of
/// shapes.
fn for_each_shape<T: Send>(shapes: &[Machine], work: impl Fn(&Machine) -> T + Sync) -> Vec<T> {
    let mut order: Vec<_> = (0..shapes.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(shapes[index].peak_macs_per_cycle()));
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(&shapes[index]);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn random_programs() {
    let settings = Settings::from_environment();
    let shapes: Vec<_> = shapes().into_iter().filter(|shape| settings.wants(&shape.name)).collect();
    assert!(!shapes.is_empty(), "no shape of that name");
    let reports = for_each_shape(&shapes, |shape| campaign::run(shape, &settings));
    let mut coverage = Coverage::new();
    let (mut accepted, mut cycles, mut failures) = (0, 0, Vec::new());
    for mut report in reports {
        println!("{report}");
        accepted += report.accepted;
        cycles += report.cycles;
        coverage.merge(&report.coverage);
        failures.append(&mut report.failures);
    }
    println!("{accepted} programs, {cycles} cycles in all\n{coverage}");
    assert!(failures.is_empty(), "{} programs diverge:\n{}", failures.len(), failures.join("\n"));
    assert!(cycles >= settings.cycles, "{cycles} cycles of {}", settings.cycles);
    if settings.is_whole() {
        assert!(accepted >= settings::LEAST_PROGRAMS, "{accepted} programs of {}", settings::LEAST_PROGRAMS);
        let missing = coverage.missing();
        assert!(missing.is_empty(), "too seldom: {missing:#?}");
    }
}

#[test]
fn random_networks() {
    let settings = Settings::from_environment();
    let shapes: Vec<_> = shapes().into_iter().filter(|shape| settings.wants(&shape.name)).collect();
    let reports = for_each_shape(&shapes, |shape| graphs::run(shape, settings.network));
    let (mut compared, mut motifs, mut values, mut failures) = (0, 0, 0, Vec::new());
    let mut features: BTreeMap<String, u64> = BTreeMap::new();
    for (shape, mut report) in shapes.iter().zip(reports) {
        let Report { compared: networks, motifs: of_motifs, cycles, .. } = report;
        println!("{}: {networks} networks, {of_motifs} of motifs, {cycles} cycles", shape.name);
        compared += networks;
        motifs += of_motifs;
        values += report.values;
        for (feature, count) in report.features {
            *features.entry(feature).or_default() += count;
        }
        failures.append(&mut report.failures);
    }
    assert!(failures.is_empty(), "{} networks fail:\n{}", failures.len(), failures.join("\n"));
    println!("{compared} networks with {values} values in all; wanted of each {}", settings::LEAST_OF_EACH);
    features.iter().for_each(|(feature, count)| println!("{count:>10}  {feature}"));
    if settings.is_whole() {
        let count = |feature: &str| features.get(feature).copied().unwrap_or_default();
        let few: Vec<_> = FEATURES.iter().filter(|name| count(name) < settings::LEAST_OF_EACH).collect();
        assert!(few.is_empty(), "too seldom: {few:?}");
        assert!(compared >= settings::LEAST_NETWORKS, "{compared} of {}", settings::LEAST_NETWORKS);
        assert!(values >= settings::LEAST_VALUES, "{values} values of {}", settings::LEAST_VALUES);
        assert!(motifs >= settings::LEAST_OF_MOTIFS, "{motifs} of {}", settings::LEAST_OF_MOTIFS);
    }
}

#[test]
fn examples_and_faults() {
    let mut shapes = shapes();
    // The faults were written for this machine: some are about what comes together in a cycle there.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/tests/faults/machine.toml");
    shapes.push(Machine::from_file(&path).unwrap());
    let compared = for_each_shape(&shapes, |shape| {
        ["examples", "crates/sim/tests/faults"].map(|folder| support::compare(shape, folder))
    });
    for (shape, [examples, faults]) in shapes.iter().zip(&compared) {
        println!("{}: {examples} examples, {faults} programs of faults", shape.name);
    }
    let of = |kind: usize| compared.iter().map(|counts| counts[kind]).collect::<Vec<_>>();
    assert!(of(0).iter().sum::<usize>() >= 1, "{:?}", of(0));
    assert!(of(1).iter().all(|&count| count >= 50), "{:?}", of(1));
}
