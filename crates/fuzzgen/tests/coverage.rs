//! What the programs of CI's budget cover.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it fails")]

use ediacara_arch::Machine;
use ediacara_fuzzgen::{Coverage, Random, Recipe, Verdict, judge, machine, pace, program, shapes};

/// Programs of a run, on all machines.
const PROGRAMS: u64 = 3000;
/// Programs on machines with floating point, which have many more features.
const FLOAT_PROGRAMS: u64 = 6000;

#[test]
fn everything_is_covered() {
    let shapes = shapes();
    let mut coverage = Coverage::new();
    for seed in 0..PROGRAMS + FLOAT_PROGRAMS {
        let mut random = Random::new(seed);
        let machine = match seed % 3 {
            _ if seed >= PROGRAMS => float_machine(&mut random),
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
    assert!(coverage.programs() * 100 > (PROGRAMS + FLOAT_PROGRAMS) * 85);
}

/// The shapes have no floating point, and do without its features.
#[test]
fn machines_of_integers_need_no_floating_point() {
    let mut random = Random::new(0);
    let shape = &shapes()[0];
    assert!(shape.vector.float_lanes == 0 && !shape.matrix.has_float());
    let mut coverage = Coverage::new();
    let wants_float =
        |coverage: &Coverage| coverage.missing().iter().any(|(name, _)| name.starts_with("float_"));
    for machine in [shape.clone(), float_machine(&mut random)] {
        let program = program(&mut random, &machine, &Recipe::ordered());
        let (_, outcome, _) = judge(&machine, &program).unwrap();
        coverage.add(&machine, &program, &outcome);
        assert_eq!(wants_float(&coverage), machine.vector.float_lanes > 0);
    }
}

fn float_machine(random: &mut Random) -> Machine {
    loop {
        let machine = machine(random);
        if machine.vector.float_lanes > 0 {
            return machine;
        }
    }
}
