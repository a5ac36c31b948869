//! Every float instruction on the core, with random types, shapes and numbers.
//!
//! The memories must be those of the model, and every instruction must take the cycles of T-VECTOR. Each
//! program also runs in lockstep with the simulator.

use std::collections::BTreeMap;

use ediacara_arch::Machine;
use ediacara_fuzzgen::Random;
use ediacara_isa::{Config, ConfigWrites, Executable, Instruction, Memory, Operation};
use ediacara_rtl::{Core, Initial, LockstepOptions, RunOptions, Verdict, lockstep};
use ediacara_sim::EventKind;

use super::cases;
use super::machine_model::{Case, Memories};
use crate::options;

/// Instructions of a program.
const LENGTH: usize = 24;

fn program(cases: &[Case]) -> Executable {
    let mut code: Vec<Instruction> = Vec::new();
    for case in cases {
        for chunk in case.config.chunks(ConfigWrites::MAX) {
            let mut writes = ConfigWrites::default();
            for &(register, value) in chunk {
                writes.push(register, value).unwrap();
            }
            code.push(Instruction::new(Config { writes }));
        }
        code.push(Instruction::new(case.operation.with(&case.operands)));
    }
    code.push(Instruction::new(Operation::Halt));
    Executable::from_instructions(0, &code).unwrap()
}

fn initial(memories: &Memories) -> Initial {
    let aram = memories.aram.iter().flat_map(|acc| acc.to_le_bytes()).collect();
    let record = |[bias, scale]: &[u32; 2]| [bias.to_le_bytes(), scale.to_le_bytes(), [0; 4]].concat();
    let pram = memories.pram.iter().flat_map(record).collect();
    let on_chip =
        vec![(Memory::Nram, 0, memories.nram.clone()), (Memory::Aram, 0, aram), (Memory::Pram, 0, pram)];
    Initial { on_chip, ..Initial::default() }
}

/// The first byte in which core and model differ after these instructions.
fn differs(core: &mut Core, machine: &Machine, before: &Memories, cases: &[Case]) -> Option<String> {
    // What reset leaves alone must not matter.
    let options = RunOptions { seed: 1, ..RunOptions::default() };
    let outcome = core.run(machine, &program(cases), &initial(before), &options).unwrap();
    assert_eq!(outcome.fault, None, "{cases:?}");
    let mut expected = before.clone();
    cases.iter().for_each(|case| case.execute(&mut expected));
    let found = outcome.memories.on_chip(Memory::Nram);
    let byte = found.iter().zip(&expected.nram).position(|(found, expected)| found != expected)?;
    Some(format!("byte {byte} is {:#04x}, not {:#04x}", found[byte], expected.nram[byte]))
}

/// T-VECTOR, from the events of a run.
fn check_time(core: &mut Core, machine: &Machine, before: &Memories, cases: &[Case]) {
    let executable = program(cases);
    let outcome = core.run(machine, &executable, &initial(before), &RunOptions::default()).unwrap();
    let mut started = BTreeMap::new();
    let mut took = Vec::new();
    for event in outcome.events {
        match event.kind {
            EventKind::Start { instruction, .. } => drop(started.insert(instruction, event.cycle)),
            EventKind::Commit { instruction, .. } => took.push(event.cycle - started[&instruction]),
            _ => {}
        }
    }
    let vector = &machine.vector;
    for (case, took) in cases.iter().zip(&took) {
        let beats = case.beats(vector.lanes as usize, vector.float_lanes as usize) as u64;
        assert_eq!(*took, beats - 1 + u64::from(vector.latency_cycles), "{case:?}");
    }
    assert_eq!(took.len(), cases.len());
}

/// Runs `count` programs and says how often each instruction was met.
pub(crate) fn compare(machine: &Machine, seeds: std::ops::Range<u64>) -> BTreeMap<&'static str, usize> {
    let mut core = Core::build(machine, &options()).unwrap();
    let mut met = BTreeMap::new();
    let mut elements = 0;
    for seed in seeds.clone() {
        let mut random = Random::new(seed);
        let before = cases::memories(&mut random, machine);
        let cases: Vec<_> = (0..LENGTH).map(|_| cases::case(&mut random, machine)).collect();
        if differs(&mut core, machine, &before, &cases).is_some() {
            // The first instruction after which something differs.
            for count in 1..=LENGTH {
                if let Some(difference) = differs(&mut core, machine, &before, &cases[..count]) {
                    panic!("seed {seed} on {}: after {:#?}: {difference}", machine.name, cases[count - 1]);
                }
            }
            panic!("seed {seed} on {}: only the whole program differs", machine.name);
        }
        check_time(&mut core, machine, &before, &cases);
        let verdict = lockstep(
            &mut core,
            machine,
            &program(&cases),
            &initial(&before),
            &LockstepOptions::default(),
            &mut |_| (),
        );
        if let Verdict::Diverged(divergence) = verdict.unwrap() {
            panic!("seed {seed} on {}: {divergence}", machine.name);
        }
        for case in &cases {
            *met.entry(case.operation.name()).or_default() += 1;
            elements += case.elements();
        }
    }
    println!(
        "{}, seeds {seeds:?}: {} instructions, {elements} elements",
        machine.name,
        met.values().sum::<usize>()
    );
    met
}
