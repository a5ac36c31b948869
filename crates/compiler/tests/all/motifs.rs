//! Networks made of published motifs, on every preset, with and without each pass that can be left out: host and simulator
//! agree on every byte, in checked mode, and `prove` proves each program.
//!
//! A seed is a network, its machine and its samples. `EDIACARA_SEED=N cargo test -p ediacara-compiler --test all motifs` runs
//! that one alone; `EDIACARA_MOTIFS=A..B` runs other seeds than CI's. What the seeds of CI consist of is counted in
//! `crates/fuzzgen/tests/motifs.rs`.

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, Keeping, Options, PASSES, compile};
use ediacara_fuzzgen::graph::motif::{self, Drawn};
use ediacara_prove::prove_values;

use crate::differential::{Subject, quantised, sample};

use crate::support::program;

/// Seeds of a run of CI.
const NETWORKS: u64 = 500;
/// Tests that share them, so that they run side by side.
const PARTS: u64 = 10;
/// Failures after which a part is given up: the first ones say enough.
const FAILURES: usize = 5;

/// What a part has compared.
#[derive(Debug, Default)]
struct Tally {
    networks: usize,
    programs: usize,
    /// Programs in which something stays in NRAM between layers.
    keeping: usize,
    /// Values of all programs that were compared, and their bytes.
    values: usize,
    bytes: usize,
}

/// The preset of a seed.
pub(crate) fn machine(seed: u64) -> Machine {
    let names = Machine::presets();
    Machine::preset(names[(seed % names.len() as u64) as usize]).unwrap()
}

/// The passes to leave out: none, each alone, all.
fn variants() -> Vec<Vec<String>> {
    let optional: Vec<String> =
        PASSES.iter().filter(|pass| pass.optional).map(|pass| pass.name.to_owned()).collect();
    let mut variants = vec![Vec::new()];
    variants.extend(optional.iter().map(|pass| vec![pass.clone()]));
    variants.push(optional);
    variants
}

/// Compares every program of a network.
///
/// # Errors
/// The passes that were left out, and what differs.
fn check(drawn: Drawn, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let machine = machine(seed);
    let graph = quantised(drawn.graph, seed);
    let inputs = sample(&graph, seed);
    let subject = Subject::new(graph, inputs);
    // A pass that finds nothing to do leaves the program as it was, which is not run again.
    let mut known: Vec<Compiled> = Vec::new();
    for disable in variants() {
        let problem = |what: &str| match disable.as_slice() {
            [] => what.to_owned(),
            passes => format!("without {}: {what}", passes.join(", ")),
        };
        let options = Options { disable: disable.clone(), ..Options::default() };
        let compiled =
            compile(&subject.graph, &machine, &options).map_err(|error| problem(&error.to_string()))?;
        if known.iter().any(|other| program(other).executable == program(&compiled).executable) {
            continue;
        }
        let proof = prove_values(
            &program(&compiled).executable,
            &machine,
            &program(&compiled).values,
            &Default::default(),
        );
        if let Some(finding) = proof.findings.first() {
            return Err(problem(&format!("not proven: {finding:?}")));
        }
        let compared = subject.compare(&machine, &compiled).map_err(|what| problem(&what))?;
        tally.values += compared.values;
        tally.bytes += compared.bytes;
        tally.programs += 1;
        tally.keeping += usize::from(program(&compiled).keepings.iter().any(Keeping::is_kept));
        known.push(compiled);
    }
    tally.networks += 1;
    Ok(())
}

/// A failure with all that is needed to see it again: the motifs, the machine, how few of them suffice.
fn told(seed: u64, problem: &str) -> String {
    let motifs = motif::draw(seed).motifs;
    let fails = |count: &usize| check(motif::draw_first(seed, *count), seed, &mut Tally::default()).is_err();
    let fewest = (1..motifs.len()).find(fails).unwrap_or(motifs.len());
    format!(
        "seed {seed} on {} ({}; the first {fewest} suffice): {problem}\n\
         again: EDIACARA_SEED={seed} cargo test -p ediacara-compiler --test all motifs",
        machine(seed).name,
        motifs.join(", ")
    )
}

/// The seeds to run: one, a range, or CI's.
fn seeds() -> std::ops::Range<u64> {
    seeds_of(NETWORKS)
}

/// The seeds to run: one, a range, or the first so many.
pub(crate) fn seeds_of(networks: u64) -> std::ops::Range<u64> {
    let number =
        |text: &str| text.replace('_', "").parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is no seed"));
    if let Ok(seed) = std::env::var("EDIACARA_SEED") {
        return number(&seed)..number(&seed) + 1;
    }
    let Ok(range) = std::env::var("EDIACARA_MOTIFS") else { return 0..networks };
    let (from, to) =
        range.split_once("..").unwrap_or_else(|| panic!("EDIACARA_MOTIFS={range} is no range A..B"));
    number(from)..number(to)
}

fn part(part: u64) {
    let (mut tally, mut failures, mut drawn) = (Tally::default(), Vec::new(), 0);
    // Consecutive seeds are of different machines; a part has all of them.
    let machines = Machine::presets().len() as u64;
    for seed in seeds().filter(|seed| seed / machines % PARTS == part) {
        drawn += 1;
        if let Err(problem) = check(motif::draw(seed), seed, &mut tally) {
            failures.push(told(seed, &problem));
            if failures.len() == FAILURES {
                break;
            }
        }
    }
    println!("{tally:?}");
    assert!(failures.is_empty(), "{} of {drawn} networks fail:\n{}", failures.len(), failures.join("\n"));
    if drawn >= NETWORKS / PARTS {
        assert!(tally.values >= 10 * tally.programs, "too few values were compared: {tally:?}");
        assert!(tally.keeping >= tally.networks, "too few programs kept anything: {tally:?}");
    }
}

macro_rules! parts {
    ($($name:ident = $part:literal),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                part($part);
            }
        )*

        #[test]
        fn every_seed_has_a_part() {
            assert_eq!([$($part),*].as_slice(), (0..PARTS).collect::<Vec<_>>());
        }
    };
}

parts! {
    networks_of_motifs_0 = 0,
    networks_of_motifs_1 = 1,
    networks_of_motifs_2 = 2,
    networks_of_motifs_3 = 3,
    networks_of_motifs_4 = 4,
    networks_of_motifs_5 = 5,
    networks_of_motifs_6 = 6,
    networks_of_motifs_7 = 7,
    networks_of_motifs_8 = 8,
    networks_of_motifs_9 = 9,
}
