//! Records the hardware's answers to random programs and to the handwritten ones in
//! `crates/sim/tests/faults`.
//!
//! Its command line is `record FILE CACHE PROGRAMS [VERILATOR]`, where PROGRAMS counts the random ones of
//! each shape. `crates/sim/examples/answers` holds a simulator against the file.
//!
//! The handwritten programs are for coincidences that random programs do not meet.

#![allow(clippy::print_stderr, reason = "a tool that talks to people")]

#[allow(dead_code, reason = "the other side of the format reads, this one writes")]
#[path = "../../sim/examples/answers/format.rs"]
mod format;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ediacara_arch::Machine;
use ediacara_fuzzgen::{Program, Random, Recipe, Verdict, judge, pace, program, shapes};
use ediacara_isa::assemble_file;
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
    // The shapes alternate within a seed, so that a file's beginning already has all of them.
    for seed in 0..programs {
        for (shape, core) in &mut cores {
            let mut random = Random::new(seed);
            let machine = pace(&mut random, shape);
            let program = program(&mut random, &machine, &Recipe::default());
            let name = format!("seed {seed} on {}", shape.name);
            if let Some(case) = case(name, &machine, core, program)? {
                case.write(&mut to)?;
            }
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/tests/faults");
    let machine = Machine::from_file(&folder.join("machine.toml"))?;
    let core = Core::build(&machine, options)?;
    // That machine has no floating point, so that they also run on a shape that has all of it.
    let has_all = |shape: &Machine| shape.vector.float_lanes > 0 && shape.matrix.has_float();
    let with_float = cores.into_iter().find(|(shape, _)| has_all(shape));
    for (machine, mut core) in [(machine, core)].into_iter().chain(with_float) {
        for path in written(&folder)? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let program = read(&path, &machine)?;
            let name = format!("{name} on {}", machine.name);
            if let Some(case) = case(name, &machine, &mut core, program)? {
                case.write(&mut to)?;
            }
        }
    }
    Ok(to.flush()?)
}

/// The handwritten programs of a folder, always in the same order.
fn written(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "dlpasm"));
    paths.sort();
    Ok(paths)
}

/// A handwritten program, whose memories hold noise where its data does not lie.
fn read(path: &Path, machine: &Machine) -> Result<Program, Box<dyn Error>> {
    let executable = assemble_file(path).map_err(|errors| errors.to_string())?;
    let mut program = Program::new(&mut Random::new(0), machine, executable.code_base, executable.code);
    for block in &executable.data {
        let to = program.dram.iter_mut().skip(block.address as usize);
        to.zip(&block.bytes).for_each(|(to, byte)| *to = *byte);
    }
    Ok(program)
}

/// A program with the hardware's answer; `None` for one that is not fit for comparisons.
fn case(
    name: String,
    machine: &Machine,
    core: &mut Core,
    program: Program,
) -> Result<Option<Case>, Box<dyn Error>> {
    if judge(machine, &program)?.0 != Verdict::Accepted {
        return Ok(None);
    }
    let dram = program.around_code().map(|(address, bytes)| (address, bytes.to_vec()));
    let on_chip = program.on_chip().map(|(memory, bytes)| (memory, 0, bytes.to_vec()));
    let initial = Initial { dram: dram.into(), on_chip: on_chip.into(), ..Initial::default() };
    let outcome = core.run(machine, &program.executable(), &initial, &RunOptions::default())?;
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
        name,
        machine: machine.to_toml(),
        base: program.base,
        code: program.code.as_flattened().to_vec(),
        dram: program.dram,
        on_chip: [program.nram, program.wram, program.aram, program.pram],
        answer,
    }))
}
