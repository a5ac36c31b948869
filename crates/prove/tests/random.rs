//! Random programs.
//!
//! The prover finds whatever a run in checked mode shows to be wrong in one timing. If a run shows nothing,
//! the program is proven, apart from what only other timings would show.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_fuzzgen::{Random, Recipe, Verdict, judge, program, shapes};
use ediacara_prove::{Options, Property, prove};
use ediacara_sim::FaultKind;

fn property(fault: FaultKind) -> Property {
    match fault {
        FaultKind::Opcode => Property::Opcode,
        FaultKind::Operand => Property::Operand,
        FaultKind::Address => Property::Capacity,
        FaultKind::Fetch | FaultKind::CycleLimit => Property::Fetch,
        FaultKind::SemaphoreOverflow => Property::SemaphoreOverflow,
        FaultKind::Deadlock => Property::Deadlock,
        FaultKind::Uninitialised => Property::Uninitialised,
        FaultKind::Race => Property::Race,
    }
}

#[test]
fn whatever_a_run_shows_is_found() {
    let options = Options { instructions: 100_000, findings: 1000, filled: true, ..Options::default() };
    let mut proven = 0;
    for seed in 0..3000 {
        let mut random = Random::new(seed);
        let machines = shapes();
        let machine = &machines[(seed % machines.len() as u64) as usize];
        let program = program(&mut random, machine, &Recipe::default());
        let (verdict, outcome, _) = judge(machine, &program).unwrap();
        if verdict == Verdict::Endless {
            continue;
        }
        let proof = prove(&program.executable(), machine, &options);
        let has = |property| proof.findings.iter().any(|finding| finding.property == property);
        match outcome.fault.as_ref() {
            // Where the pairs of a semaphore depend on timing, so does everything after.
            Some(fault) => assert!(
                has(property(fault.kind)) || has(Property::SemaphorePairing),
                "seed {seed}: {fault} not among {:#?}",
                proof.findings
            ),
            None => {
                let surprises = |property| !matches!(property, Property::SemaphoreBalance);
                let found = has(Property::SemaphorePairing)
                    || !proof.findings.iter().any(|finding| surprises(finding.property));
                assert!(found, "seed {seed}: no fault in a run, but {:#?}", proof.findings);
                proven += usize::from(proof.proven);
            }
        }
    }
    assert!(proven > 500, "only {proven} programs are proven");
}
