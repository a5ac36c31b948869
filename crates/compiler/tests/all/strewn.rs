//! Random networks with one node in five on the host: every segment leaves what the host computes, and is proven.
//!
//! `EDIACARA_STREWN=FROM..TO cargo test -p ediacara-compiler --test all strewn` takes other seeds.

use ediacara_compiler::{CompileError, Options, Segment, compile};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::{Sizes, network};
use ediacara_prove::prove_values;

use crate::differential::{Subject, sample};
use crate::random::random_machine;

/// Of a network, its segments, and how many of its values were compared; nothing if the machine is too small for it.
fn case(seed: u64) -> Option<(usize, usize)> {
    let mut net = network(seed, Sizes::small());
    net.strew(20).unwrap();
    let machine = random_machine(&mut Random::new(seed ^ 0x57e3));
    let compiled = match compile(&net.graph, &machine, &Options::default()) {
        Ok(compiled) => compiled,
        Err(CompileError::DoesNotFit { .. }) => return None,
        Err(error) => panic!("seed {seed}: {error}\n{}", net.graph.to_text()),
    };
    let alternate = compiled.segments.windows(2).all(|pair| {
        matches!(pair, [Segment::Dlp(_), Segment::Host(_)] | [Segment::Host(_), Segment::Dlp(_)])
    });
    assert!(alternate, "seed {seed}: two segments of one place follow one another");
    let inputs = sample(&net.graph, seed ^ 0xda7a);
    let subject = Subject::new(net.graph, inputs);
    let compared = subject.compare(&machine, &compiled);
    let compared = compared.unwrap_or_else(|error| {
        panic!("seed {seed} on {}: {error}\n{}", machine.name, subject.graph.to_text())
    });
    for segment in compiled.dlp() {
        let proof = prove_values(&segment.executable, &machine, &segment.values, &Default::default());
        assert!(
            proof.proven,
            "seed {seed} on {}: {:#?}\n{}",
            machine.name,
            proof.findings,
            subject.graph.to_text()
        );
    }
    Some((compiled.segments.len(), compared.values))
}

#[test]
fn strewn_networks() {
    let range = std::env::var("EDIACARA_STREWN").ok();
    let bounds = range.as_deref().and_then(|range| range.split_once(".."));
    let number = |text: &str| text.parse::<u64>().unwrap();
    let seeds = bounds.map_or(0..300, |(from, to)| number(from)..number(to));
    let count = seeds.clone().count();
    let cases: Vec<(usize, usize)> = seeds.filter_map(case).collect();
    let several = cases.iter().filter(|(segments, _)| *segments > 2).count();
    let values: usize = cases.iter().map(|(_, values)| values).sum();
    let most = cases.iter().map(|(segments, _)| *segments).max().unwrap_or(0);
    println!(
        "{} of {count} networks fitted their machine; {several} have more than two segments, one has {most}; {values} values were compared",
        cases.len()
    );
    assert!(cases.len() * 10 >= count * 9, "only {} of {count} networks fitted their machine", cases.len());
    assert!(
        several * 3 >= cases.len(),
        "only {several} of {} networks have more than two segments",
        cases.len()
    );
    assert!(values >= cases.len(), "only {values} values were compared");
}
