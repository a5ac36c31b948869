//! Programs are worth what they cost: most are fit for comparisons, and are the same for ever.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops where it fails")]

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_fuzzgen::{Random, Recipe, Verdict, judge, machine, pace, program, shapes};
use ediacara_sim::Outcome;

/// Programs of a run.
const PROGRAMS: u64 = 1000;

/// The recipe's share of chaos, on random machines and on the shapes.
#[test]
fn most_programs_are_accepted() {
    let mut verdicts: BTreeMap<Verdict, u64> = BTreeMap::new();
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut cycles, mut instructions) = (0, 0);
    for seed in 0..PROGRAMS {
        let (_, verdict, outcome) = made(seed, &Recipe::default());
        *verdicts.entry(verdict).or_default() += 1;
        *faults.entry(outcome.fault.map_or("none", |fault| fault.kind.name())).or_default() += 1;
        cycles += outcome.cycles;
        instructions += outcome.instructions;
    }
    println!("{verdicts:?} {faults:?} {cycles} cycles, {instructions} instructions");
    assert!(verdicts[&Verdict::Accepted] * 100 > PROGRAMS * 85, "too few are accepted");
    assert!(faults["none"] * 100 > PROGRAMS * 60, "too few end in their `halt`");
}

/// "By construction" means that not one has a race.
#[test]
fn ordered_programs_are_free_of_races() {
    let mut endless = 0;
    for seed in 0..PROGRAMS {
        let (machine, verdict, outcome) = made(seed ^ 0x0bde, &Recipe::ordered());
        let fault = outcome.fault.map(|fault| fault.to_string());
        assert!(
            matches!(verdict, Verdict::Accepted | Verdict::Endless),
            "seed {seed}: {verdict:?}, {fault:?}\n{}",
            machine.to_toml()
        );
        endless += u64::from(verdict == Verdict::Endless);
    }
    println!("{endless} of {PROGRAMS} were endless");
    assert!(endless * 100 < PROGRAMS * 5, "{endless} do not end in time");
}

#[test]
fn a_seed_gives_the_same_program() {
    for recipe in [Recipe::ordered(), Recipe::chaotic()] {
        let made = |seed| {
            let mut random = Random::new(seed);
            let machine = machine(&mut random);
            program(&mut random, &machine, &recipe)
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1).code, made(2).code);
    }
}

fn made(seed: u64, recipe: &Recipe) -> (Machine, Verdict, Outcome) {
    let shapes = shapes();
    let mut random = Random::new(seed);
    let machine = match seed % 2 {
        0 => machine(&mut random),
        _ => pace(&mut random, &shapes[(seed / 2) as usize % shapes.len()]),
    };
    let program = program(&mut random, &machine, recipe);
    let (verdict, outcome, _) = judge(&machine, &program).unwrap();
    (machine, verdict, outcome)
}
