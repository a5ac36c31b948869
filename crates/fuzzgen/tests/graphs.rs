//! Random networks are valid, the same for ever, and of every kind.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;

use ediacara_fuzzgen::graph::{FEATURES, Sizes, features, network};

/// Networks of a run.
const NETWORKS: u64 = 500;

#[test]
fn networks_are_valid_and_of_every_kind() {
    for sizes in [Sizes::tiny(), Sizes::small()] {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for seed in 0..NETWORKS {
            let net = network(seed, sizes);
            net.graph
                .verify()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", net.graph.to_text()));
            features(&net.graph).into_iter().for_each(|feature| *counts.entry(feature).or_default() += 1);
        }
        // Every feature that occurs is known, and every known one occurs.
        assert_eq!(counts.keys().collect::<Vec<_>>(), FEATURES.iter().collect::<Vec<_>>());
        let few: Vec<_> = counts.iter().filter(|(_, count)| **count < NETWORKS / 100).collect();
        assert!(few.is_empty(), "too seldom: {few:?}");
    }
}

#[test]
fn a_seed_gives_the_same_network() {
    let made = |seed| network(seed, Sizes::tiny()).graph.to_text();
    assert_eq!(made(1), made(1));
    assert_ne!(made(1), made(2));
}
