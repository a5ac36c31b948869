//! What the programs of CI's budget cover.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it fails")]

use ediacara_fuzzgen::{Coverage, Random, Recipe, Verdict, judge, machine, pace, program, shapes};

/// Programs of a run.
const PROGRAMS: u64 = 3000;

#[test]
fn everything_is_covered() {
    let shapes = shapes();
    let mut coverage = Coverage::new();
    for seed in 0..PROGRAMS {
        let mut random = Random::new(seed);
        let machine = match seed % 3 {
            0 => machine(&mut random),
            _ => pace(&mut random, &shapes[seed as usize % shapes.len()]),
        };
        let program = program(&mut random, &machine, &Recipe::default());
        let (verdict, outcome, _) = judge(&machine, &program).unwrap();
        // Only programs that can be compared with hardware count.
        if verdict == Verdict::Accepted {
            coverage.add(&machine, &program, &outcome);
        }
    }
    println!("{coverage}");
    let missing = coverage.missing();
    assert!(missing.is_empty(), "too seldom: {missing:#?}");
    // A feature that nothing has must not be counted.
    assert_eq!(coverage.of("nothing at all"), 0);
    assert!(coverage.programs() * 100 > PROGRAMS * 85);
}
