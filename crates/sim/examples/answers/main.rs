//! Holds the simulator against recorded answers of the hardware: `answers FILE`.
//!
//! It exits with 0 where all are the same, and with 1 at the first that differs. `cargo xtask mutate` builds
//! it with one rule of the simulator changed at a time: no change may go unnoticed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool that talks to people")]

mod format;

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use ediacara_sim::{Options, Simulator};

use format::{Answer, Case, ON_CHIP};

/// Cycles after which a simulator that should have ended is stopped.
const LIMIT: u64 = 100_000;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: answers FILE");
        return ExitCode::from(2);
    };
    match check(&path) {
        Ok(Ok(count)) => {
            println!("all of {count} programs are the same");
            ExitCode::SUCCESS
        }
        Ok(Err(difference)) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("{path}: {problem}");
            ExitCode::from(2)
        }
    }
}

/// The number of programs, or the first difference.
fn check(path: &str) -> Result<Result<u64, String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let (mut file, mut count) = (BufReader::new(file), 0);
    while let Some(case) = Case::read(&mut file).map_err(|error| error.to_string())? {
        let found = run(&case)?;
        if let Some(difference) = difference(&case.answer, &found) {
            return Ok(Err(format!("{}: {difference}", case.name)));
        }
        count += 1;
    }
    Ok(Ok(count))
}

fn run(case: &Case) -> Result<Answer, String> {
    let (machine, executable) = case.parse()?;
    let options = Options { values: true, checked: false, trace: true, max_cycles: Some(LIMIT) };
    let text = |error: ediacara_sim::SimError| error.to_string();
    let mut simulator = Simulator::new(&machine, &executable, options).map_err(text)?;
    let (start, end) = (case.base as usize, case.base as usize + case.code.len());
    simulator.write_dram(0, &case.dram[..start]).map_err(text)?;
    simulator.write_dram(end as u64, &case.dram[end..]).map_err(text)?;
    for (memory, bytes) in ON_CHIP.into_iter().zip(&case.on_chip) {
        simulator.write_memory(memory, 0, bytes).map_err(text)?;
    }
    let outcome = simulator.run();
    let events = outcome.trace.unwrap_or_default();
    let dram = simulator.read_dram(0, case.dram.len()).map_err(text)?;
    let memories: Vec<_> =
        std::iter::once(dram).chain(ON_CHIP.map(|memory| simulator.read_on_chip(memory))).collect();
    let fault = outcome.fault.map(|fault| format::fault(fault.kind, fault.instruction, fault.cycle));
    Ok(Answer {
        cycles: outcome.cycles,
        fault: fault.unwrap_or_default(),
        events: events.len() as u64,
        events_hash: format::hash_events(&events),
        memories_hash: format::hash_memories(memories.iter().map(Vec::as_slice)),
    })
}

fn difference(hardware: &Answer, simulator: &Answer) -> Option<String> {
    if hardware.fault != simulator.fault {
        return Some(format!("fault `{}`, not `{}`", simulator.fault, hardware.fault));
    }
    if hardware.cycles != simulator.cycles {
        return Some(format!("{} cycles, not {}", simulator.cycles, hardware.cycles));
    }
    if (hardware.events, hardware.events_hash) != (simulator.events, simulator.events_hash) {
        return Some("other events".to_owned());
    }
    (hardware.memories_hash != simulator.memories_hash).then(|| "other memories".to_owned())
}
