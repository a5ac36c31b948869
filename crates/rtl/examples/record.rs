//! Records what the hardware makes of random programs: `record FILE CACHE PROGRAMS [VERILATOR]`, so many
//! programs of each shape. `crates/sim/examples/answers` holds a simulator against the file.

#![allow(clippy::print_stderr, reason = "a tool that talks to people")]

#[allow(dead_code, reason = "the other side of the format reads, this one writes")]
#[path = "../../sim/examples/answers/format.rs"]
mod format;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use ediacara_arch::Machine;
use ediacara_fuzzgen::{Random, Recipe, Verdict, judge, pace, program, shapes};
use ediacara_rtl::{BuildOptions, Core, Initial, RunOptions};

use format::{Answer, Case, ON_CHIP};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, cache, programs, verilator @ ..] = arguments.as_slice() else {
        eprintln!("usage: record FILE CACHE PROGRAMS [VERILATOR]");
        return ExitCode::from(2);
    };
    let options =
        BuildOptions { verilator: verilator.first().map(Into::into), ..BuildOptions::new(cache.as_str()) };
    match record(file, &options, programs) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::from(2)
        }
    }
}

fn record(file: &str, options: &BuildOptions, programs: &str) -> Result<(), Box<dyn Error>> {
    let programs: u64 = programs.parse()?;
    let mut cores = Vec::new();
    for shape in shapes() {
        let core = Core::build(&shape, options)?;
        cores.push((shape, core));
    }
    let mut to = BufWriter::new(File::create(file)?);
    // Shape by shape within a seed, so that a file's beginning already has all of them.
    for seed in 0..programs {
        for (shape, core) in &mut cores {
            if let Some(case) = case(shape, core, seed)? {
                case.write(&mut to)?;
            }
        }
    }
    Ok(to.flush()?)
}

/// The program of a seed with the hardware's answer; `None` for one that is not fit for comparisons.
fn case(shape: &Machine, core: &mut Core, seed: u64) -> Result<Option<Case>, Box<dyn Error>> {
    let mut random = Random::new(seed);
    let machine = pace(&mut random, shape);
    let program = program(&mut random, &machine, &Recipe::default());
    if judge(&machine, &program)?.0 != Verdict::Accepted {
        return Ok(None);
    }
    let dram = program.around_code().map(|(address, bytes)| (address, bytes.to_vec()));
    let on_chip = program.on_chip().map(|(memory, bytes)| (memory, 0, bytes.to_vec()));
    let initial = Initial { dram: dram.into(), on_chip: on_chip.into() };
    let outcome = core.run(&machine, &program.executable(), &initial, &RunOptions::default())?;
    let dram = outcome.memories.read_dram(0, program.dram.len());
    let memories = std::iter::once(&dram[..]).chain(ON_CHIP.map(|memory| outcome.memories.on_chip(memory)));
    let fault = outcome.fault.map(|fault| format::fault(fault.kind, fault.instruction, fault.cycle));
    let answer = Answer {
        cycles: outcome.cycles,
        fault: fault.unwrap_or_default(),
        events: outcome.events.len() as u64,
        events_hash: format::hash_events(&outcome.events),
        memories_hash: format::hash_memories(memories),
    };
    Ok(Some(Case {
        name: format!("seed {seed} on {}", shape.name),
        machine: machine.to_toml(),
        base: program.base,
        code: program.code.as_flattened().to_vec(),
        dram: program.dram,
        on_chip: [program.nram, program.wram, program.aram, program.pram],
        answer,
    }))
}
