//! The event-driven simulator against a reference that ticks through every cycle, over random programs on
//! random machines: same cycles, same fault, same accounts, same events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

mod cost;
mod reference;
mod vector;

use std::collections::BTreeMap;

use ediacara_arch::{Machine, VectorUnit};
use ediacara_fuzzgen::{Program, Random, Recipe, judge};
use ediacara_isa::{Memory, decode};
use ediacara_sim::{Event, FaultKind, Options, Outcome, Simulator};
use reference::{ACTIVITIES, Verdict};

/// Programs in a run of the test.
const PROGRAMS: u64 = 10_000;
/// Cycles after which both give up.
const LIMIT: u64 = 30_000;

fn simulate(machine: &Machine, program: &Program, values: bool) -> Outcome {
    let options = Options { values, checked: false, trace: true, max_cycles: Some(LIMIT) };
    Simulator::new(machine, &program.executable(), options).unwrap().run()
}

fn verdict(outcome: Outcome) -> Verdict {
    Verdict {
        cycles: outcome.cycles,
        fault: outcome.fault.map(|fault| (fault.kind, fault.instruction, fault.cycle)),
        accounts: outcome
            .engines
            .iter()
            .map(|engine| {
                let of = |activity: ediacara_sim::Activity| match activity {
                    ediacara_sim::Activity::Busy => engine.busy,
                    ediacara_sim::Activity::Idle => engine.idle,
                    cause => engine.stall(cause),
                };
                ACTIVITIES.into_iter().map(|activity| (activity, of(activity))).collect()
            })
            .collect(),
        split: outcome.split,
        instructions: outcome.instructions,
        bursts: outcome.traffic.map(|traffic| traffic.bursts),
        trace: outcome.trace.unwrap_or_default(),
    }
}

/// What differs, for people.
fn difference(seed: u64, machine: &Machine, program: &Program, ours: &Verdict, theirs: &Verdict) -> String {
    let listing: Vec<_> =
        program.code.iter().enumerate().map(|(i, word)| format!("{i:4} {:?}", decode(word))).collect();
    let first = ours.trace.iter().zip(&theirs.trace).position(|(a, b)| a != b);
    let at = first.unwrap_or(ours.trace.len().min(theirs.trace.len()));
    let around = |trace: &[Event]| {
        let events = trace.iter().skip(at.saturating_sub(3)).take(8);
        events.map(|event| format!("  {event:?}\n")).collect::<String>()
    };
    let head = |v: &Verdict| {
        format!("{} cycles, {:?}, {:?}\n{:?}\n{:?}", v.cycles, v.fault, v.bursts, v.accounts, v.split)
    };
    format!(
        "seed {seed}\n{}\n{}\nsimulator: {}\n{}reference: {}\n{}",
        machine.to_toml(),
        listing.join("\n"),
        head(ours),
        around(&ours.trace),
        head(theirs),
        around(&theirs.trace)
    )
}

fn compare(seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    let machine = ediacara_fuzzgen::machine(&mut random);
    // Order does not matter to time, so that most programs are of the style with most faults.
    let recipe = if seed.is_multiple_of(4) { Recipe::ordered() } else { Recipe::chaotic() };
    let program = ediacara_fuzzgen::program(&mut random, &machine, &recipe);
    let outcome = simulate(&machine, &program, true);
    let ours = verdict(outcome.clone());
    let theirs = reference::run(&machine, program.base, &program.code, LIMIT);
    assert!(ours == theirs, "{}", difference(seed, &machine, &program, &ours, &theirs));
    let timed = verdict(simulate(&machine, &program, false));
    assert!(ours == timed, "without values: {}", difference(seed, &machine, &program, &timed, &ours));
    outcome
}

/// To look at one program: put its seed here.
#[test]
fn one_seed() {
    compare(0);
}

#[test]
fn event_driven_and_ticking_agree() {
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    let mut stalls: BTreeMap<(usize, &str), u64> = BTreeMap::new();
    let mut cycles = 0;
    for seed in 1..=PROGRAMS {
        let outcome = compare(seed);
        cycles += outcome.cycles;
        *faults.entry(outcome.fault.map_or("none", |fault| fault.kind.name())).or_default() += 1;
        for engine in &outcome.engines {
            for (cause, cycles) in &engine.stalls {
                *stalls.entry((engine.engine as usize, cause.name())).or_default() += cycles;
            }
        }
    }
    println!("{PROGRAMS} programs, {cycles} cycles\n{faults:#?}\n{stalls:#?}");
    // The programs must have met every kind of outcome often enough.
    assert!(faults["none"] > PROGRAMS / 3, "too few programs run to their end");
    for kind in [FaultKind::Opcode, FaultKind::Operand, FaultKind::Address, FaultKind::Fetch] {
        assert!(faults.get(kind.name()).is_some_and(|n| *n > 5), "too few {} faults", kind.name());
    }
    for kind in [FaultKind::Deadlock, FaultKind::CycleLimit, FaultKind::SemaphoreOverflow] {
        assert!(faults.get(kind.name()).is_some_and(|n| *n > 5), "too few {} faults", kind.name());
    }
    assert!(stalls.values().all(|cycles| *cycles > 100), "a cause of stalls hardly occurs");
}

/// The small programs that provoke faults, on a few machines.
#[test]
fn programs_of_faults_agree() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "dlpasm") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let executable = ediacara_isa::assemble(&text, &name).unwrap();
        let mut machine = Machine::preset("dlp16").unwrap();
        machine.dram.bytes = 1 << 16;
        let (base, code) = (executable.code_base, executable.code);
        let program = Program::new(&mut Random::new(0), &machine, base, code);
        for seed in 0..4 {
            let (ours, theirs) = both(&machine, &program);
            assert!(ours == theirs, "{name}: {}", difference(seed, &machine, &program, &ours, &theirs));
            machine = ediacara_fuzzgen::machine(&mut Random::new(seed));
            machine.dram.bytes = 1 << 16;
            machine.dram.burst_bytes = 64;
        }
    }
}

fn both(machine: &Machine, program: &Program) -> (Verdict, Verdict) {
    let ours = verdict(simulate(machine, program, true));
    (ours, reference::run(machine, program.base, &program.code, LIMIT))
}

/// A machine of the same shape with other timing.
fn other_pace(machine: &Machine, random: &mut Random) -> Machine {
    let mut other = ediacara_fuzzgen::machine(random);
    other.dram.bytes = machine.dram.bytes;
    other.dram.burst_bytes = machine.dram.burst_bytes;
    other.matrix.rows = machine.matrix.rows;
    other.matrix.columns = machine.matrix.columns;
    // It has the same instructions.
    other.matrix.types = machine.matrix.types.clone();
    if machine.matrix.has_float() {
        // Enough for 8 products, of 16 bytes.
        other.matrix.latency_cycles = other.matrix.latency_cycles.max(5);
    }
    let has_same = |vector: &VectorUnit| {
        (vector.float_lanes > 0) == (machine.vector.float_lanes > 0)
            && vector.lanes.min(4) >= machine.vector.lanes.min(4)
    };
    while !has_same(&other.vector) {
        other.vector = ediacara_fuzzgen::machine(random).vector;
    }
    let (queue_entries, fetch_entries) = (other.core.queue_entries, machine.core.fetch_entries);
    other.core = machine.core.clone();
    other.core.queue_entries = queue_entries;
    other.core.fetch_entries = fetch_entries * random.pick(&[1, 2]);
    other.validate().unwrap();
    other
}

/// Final memories of a run in checked mode, if it had no fault.
fn checked_memories(machine: &Machine, program: &Program) -> Option<Vec<Vec<u8>>> {
    let (_, outcome, simulator) = judge(machine, program).unwrap();
    // Timing decides how far a program gets before an overflow stops it.
    if outcome.fault.is_some() {
        return None;
    }
    let chips = [Memory::Nram, Memory::Wram, Memory::Aram, Memory::Pram];
    let mut memories: Vec<_> = chips.into_iter().map(|memory| simulator.read_on_chip(memory)).collect();
    memories.push(simulator.read_dram(0, machine.dram.bytes as usize).unwrap());
    Some(memories)
}

/// What checked mode calls free of races computes the same whatever the pace of its parts.
#[test]
fn race_free_programs_do_not_depend_on_time() {
    let (mut clean, mut other_ends) = (0, 0);
    for seed in 1..=PROGRAMS / 4 {
        let mut random = Random::new(seed ^ 0x5eed);
        let machine = ediacara_fuzzgen::machine(&mut random);
        let program =
            ediacara_fuzzgen::program(&mut random, &machine, &Recipe { faulty: 0, ..Recipe::ordered() });
        let other = other_pace(&machine, &mut random);
        match (checked_memories(&machine, &program), checked_memories(&other, &program)) {
            (Some(ours), Some(theirs)) => {
                assert!(ours == theirs, "seed {seed}: memories depend on the pace");
                clean += 1;
            }
            _ => other_ends += 1,
        }
    }
    println!("{clean} programs were compared, {other_ends} were not");
    assert!(clean > PROGRAMS / 5, "only {clean} programs were compared");
}
