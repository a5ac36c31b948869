//! Networks of motifs are valid and the same for ever.
//!
//! The seeds of CI show every motif on every machine, every side, and images that crowd every NRAM.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it fails")]

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_fuzzgen::graph::motif::{
    MOTIFS, PUBLISHED_SIDES, Size, draw, draw_first, draw_sized, sides_and_crowds,
};

/// The networks that a run of CI compares, which are those of the first seeds.
const NETWORKS: u64 = 500;
/// Machines on which seeds take turns.
const MACHINES: u64 = 7;
/// The fewest networks that must have a motif.
const LEAST_OF_EACH: u64 = 60;
/// The fewest networks that must have it on each machine.
const LEAST_ON_EACH: u64 = 5;

#[test]
fn seeds_take_turns_on_every_preset() {
    assert_eq!(Machine::presets().len() as u64, MACHINES);
}

#[test]
fn every_motif_comes_often_enough_on_every_machine() {
    let mut on: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    let mut shown: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..NETWORKS {
        let drawn = draw(seed);
        drawn.graph.verify().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for motif in MOTIFS.iter().filter(|motif| drawn.motifs.contains(&motif.name)) {
            *on.entry((motif.name, seed % MACHINES)).or_default() += 1;
        }
        sides_and_crowds(&drawn.graph).into_iter().for_each(|what| *shown.entry(what).or_default() += 1);
    }
    let count = |name: &str, machine| on.get(&(name, machine)).copied().unwrap_or_default();
    for motif in MOTIFS {
        let counts: Vec<_> = (0..MACHINES).map(|machine| count(motif.name, machine)).collect();
        let all: u64 = counts.iter().sum();
        println!("{all:>5} {:<32} {counts:?}", motif.name);
        assert!(all >= LEAST_OF_EACH, "{}: {all}", motif.name);
        assert!(counts.iter().all(|&count| count >= LEAST_ON_EACH), "{}: {counts:?}", motif.name);
    }
    println!("{shown:?}");
    let at_least = |what: &str, least: u64| {
        let count = shown.get(what).copied().unwrap_or_default();
        assert!(count >= least, "{what}: {count} of {least}");
    };
    PUBLISHED_SIDES.iter().for_each(|side| at_least(&format!("side {side}"), 30));
    (1..=64).for_each(|side| at_least(&format!("side {side}"), 1));
    ["16 KiB", "64 KiB", "256 KiB"].iter().for_each(|size| at_least(&format!("crowds {size}"), 15));
}

#[test]
fn a_seed_gives_the_same_network() {
    let made = |seed| draw(seed).graph.to_text();
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
}

#[test]
fn a_cut_network_begins_like_the_whole() {
    for seed in 0..20 {
        let whole = draw(seed);
        for motifs in 1..=whole.motifs.len() {
            let cut = draw_first(seed, motifs);
            cut.graph.verify().unwrap();
            assert_eq!(cut.motifs, whole.motifs[..motifs]);
        }
        assert_eq!(draw_first(seed, whole.motifs.len()).graph.to_text(), whole.graph.to_text());
    }
}

#[test]
fn sizes_are_kept() {
    let macs = |size| {
        let of = |seed| {
            let graph = draw_sized(seed, size).graph;
            graph.nodes().map(|id| graph.cost_of(id).macs).max().unwrap_or_default()
        };
        (0..100).map(of).max().unwrap()
    };
    let [tiny, large] = [Size::TINY, Size::LARGE].map(macs);
    println!("a layer has up to {tiny} multiply-adds, {large} where networks are large");
    // A limit is rough: a 5 x 5 window has near three times the multiply-adds of a 3 x 3 one, and widths may
    // double.
    assert!(tiny < 12 * Size::TINY.macs as u64 && large < 12 * Size::LARGE.macs as u64);
}
