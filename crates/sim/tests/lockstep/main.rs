//! The event-driven simulator against a reference that ticks through every cycle, over random programs on
//! random machines: same cycles, same fault, same accounts, same events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test stops where it fails"
)]

mod cost;
mod generator;
mod reference;

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_isa::{Executable, decode};
use ediacara_sim::{Event, FaultKind, OnChip, Options, Outcome, Simulator};
use generator::{Program, Random};
use reference::{ACTIVITIES, Verdict};

/// Programs in a run of the test.
const PROGRAMS: u64 = 10_000;
/// Cycles after which both give up.
const LIMIT: u64 = 30_000;

fn simulate(machine: &Machine, program: &Program, values: bool) -> Outcome {
    let executable =
        Executable { code_base: program.base, code: program.code.clone(), ..Executable::default() };
    let options = Options { values, checked: false, trace: true, max_cycles: Some(LIMIT) };
    Simulator::new(machine, &executable, options).unwrap().run()
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
    let head = |v: &Verdict| format!("{} cycles, {:?}, {:?}\n{:?}", v.cycles, v.fault, v.bursts, v.accounts);
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
    let mut random = Random(seed);
    let machine = generator::machine(&mut random);
    let program = generator::program(&mut random, &machine);
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
    // The programs must have been worth it.
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
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let executable = ediacara_isa::assemble(&text, &name).unwrap();
        let program = Program { base: executable.code_base, code: executable.code };
        let mut machine = Machine::preset("dlp16").unwrap();
        for seed in 0..4 {
            let (ours, theirs) = both(&machine, &program);
            assert!(ours == theirs, "{name}: {}", difference(seed, &machine, &program, &ours, &theirs));
            machine = generator::machine(&mut Random(seed));
            machine.dram.burst_bytes = 64;
        }
    }
}

fn both(machine: &Machine, program: &Program) -> (Verdict, Verdict) {
    let ours = verdict(simulate(machine, program, true));
    (ours, reference::run(machine, program.base, &program.code, LIMIT))
}

/// A machine of the same shape with another sense of time.
fn other_pace(machine: &Machine, random: &mut Random) -> Machine {
    let mut other = generator::machine(random);
    other.dram.bytes = machine.dram.bytes;
    other.dram.burst_bytes = machine.dram.burst_bytes;
    other.matrix.rows = machine.matrix.rows;
    other.matrix.columns = machine.matrix.columns;
    let (queue_entries, fetch_entries) = (other.core.queue_entries, machine.core.fetch_entries);
    other.core = machine.core.clone();
    other.core.queue_entries = queue_entries;
    other.core.fetch_entries = fetch_entries * random.pick(&[1, 2]);
    other.validate().unwrap();
    other
}

/// Final memories of a run in checked mode, if it was clean.
fn checked_memories(machine: &Machine, program: &Program, seed: u64) -> Option<Vec<Vec<u8>>> {
    let executable =
        Executable { code_base: program.base, code: program.code.clone(), ..Executable::default() };
    let options = Options { values: true, checked: true, trace: false, max_cycles: Some(LIMIT) };
    let mut simulator = Simulator::new(machine, &executable, options).unwrap();
    let mut random = Random(seed);
    let mut noise = |length: u64| -> Vec<u8> { (0..length).map(|_| random.next() as u8).collect() };
    let code_end = program.base + 32 * program.code.len() as u64;
    simulator.write_dram(0, &noise(program.base)).unwrap();
    simulator.write_dram(code_end, &noise(machine.dram.bytes - code_end)).unwrap();
    simulator.write_on_chip(OnChip::Nram, 0, &noise(machine.core.nram_bytes)).unwrap();
    simulator.write_on_chip(OnChip::Wram, 0, &noise(machine.core.wram_bytes)).unwrap();
    simulator.write_on_chip(OnChip::Aram, 0, &noise(machine.aram_accumulators() * 4)).unwrap();
    simulator.write_on_chip(OnChip::Pram, 0, &noise(machine.pram_records() * 12)).unwrap();
    let outcome = simulator.run();
    if outcome.fault.is_some() {
        return None;
    }
    let chips = [OnChip::Nram, OnChip::Wram, OnChip::Aram, OnChip::Pram];
    let mut memories: Vec<_> = chips.into_iter().map(|memory| simulator.read_on_chip(memory)).collect();
    memories.push(simulator.read_dram(0, machine.dram.bytes as usize).unwrap());
    Some(memories)
}

/// What checked mode calls free of races computes the same whatever the pace of its parts.
#[test]
fn race_free_programs_do_not_depend_on_time() {
    let (mut clean, mut racy) = (0, 0);
    for seed in 1..=PROGRAMS / 4 {
        let mut random = Random(seed ^ 0x5eed);
        let machine = generator::machine(&mut random);
        let program = generator::ordered_program(&mut random, &machine);
        let other = other_pace(&machine, &mut random);
        match (checked_memories(&machine, &program, seed), checked_memories(&other, &program, seed)) {
            (Some(ours), Some(theirs)) => {
                assert!(ours == theirs, "seed {seed}: memories depend on the pace");
                clean += 1;
            }
            _ => racy += 1,
        }
    }
    println!("{clean} programs were clean, {racy} were not");
    assert!(clean > 200, "only {clean} programs were clean");
}
