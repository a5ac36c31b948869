//! `ediacara exec`: an executable on the simulated machine, without a model.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use ediacara::Execution;
use ediacara::arch::Machine;
use ediacara::compile::{refuse_empty, share_of};
use ediacara::inputs::Source;
use ediacara::isa::{Executable, HostRest};
use ediacara::profile::{engine_reports, engine_table, thousands, timing_words};
use ediacara::sim::Options;
use ediacara::verify;
use serde_json::{Value, json};

use super::Outcome;
use crate::arguments::ExecArguments;
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &ExecArguments) -> Outcome {
    let executable = program(&arguments.program)?;
    let machine = Machine::load(arguments.machine.as_deref().unwrap_or_else(|| own_machine(&executable)))?;
    let rest = executable.notes.rest.as_ref();
    refuse_empty(&arguments.program.display().to_string(), rest, arguments.host_only.choice())?;
    if arguments.self_test {
        return self_test(arguments, &executable, &machine);
    }
    let sources: Vec<Source> = super::setup::sources(&arguments.input);
    let options = Options {
        values: !arguments.timing_only,
        checked: arguments.checked,
        trace: false,
        max_cycles: arguments.max_cycles,
    };
    let progress = Progress::new();
    progress.stage("simulating");
    let start = Instant::now();
    let execution = ediacara::execute(&executable, &machine, &sources, arguments.seed, options)?;
    let wall_seconds = start.elapsed().as_secs_f64();
    drop(progress);
    super::setup::weigh(&execution.input_warnings, arguments.strict)?;

    let outcome = &execution.outcome;
    if let (Some(path), true) = (&arguments.output, outcome.fault.is_none()) {
        ediacara::tensor::npz::write(path, &execution.outputs)?;
    }
    if arguments.json {
        let report = report(arguments, &executable, &machine, &execution, wall_seconds)?;
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        say_execution(arguments, &executable, &machine, &execution);
    }
    if arguments.checked && outcome.fault.is_none() && !arguments.json {
        say!(
            "checked: no race, nothing read that was not written; whether two writes that are ordered come in the right order cannot be seen in a program alone"
        );
    }
    if let Some(fault) = &outcome.fault {
        return Err(fault.to_string().into());
    }
    Ok(ExitCode::SUCCESS)
}

/// The run as JSON.
fn report(
    arguments: &ExecArguments,
    executable: &Executable,
    machine: &Machine,
    execution: &Execution,
    wall_seconds: f64,
) -> serde_json::Result<Value> {
    let (outcome, rest) = (&execution.outcome, executable.notes.rest.as_ref());
    Ok(json!({
        "program": arguments.program.display().to_string(),
        "machine": machine.name,
        "on_dlp": rest.map(share_of),
        "not_run": rest.filter(|rest| !share_of(rest).is_whole()).map(|rest| json!({
            "outputs": rest.outputs, "reasons": rest.reasons,
        })),
        "timing_basis": machine.timing_basis(),
        "cycles": outcome.cycles,
        "instructions": outcome.instructions,
        "dram_read_bytes": outcome.dram_read_bytes,
        "dram_write_bytes": outcome.dram_write_bytes,
        "fault": outcome.fault.as_ref().map(ToString::to_string),
        "outputs": execution.outputs.iter().map(|(name, tensor)| json!({
            "name": name, "shape": tensor.shape(), "dtype": tensor.dtype().name(),
        })).collect::<Vec<_>>(),
        "input_warnings": execution.input_warnings,
        "engines": ediacara::profile::by_name(&engine_reports(outcome), serde_json::value::Serializer)?,
        "wall_seconds": wall_seconds,
    }))
}

/// The run in words.
fn say_execution(
    arguments: &ExecArguments,
    executable: &Executable,
    machine: &Machine,
    execution: &Execution,
) {
    let outcome = &execution.outcome;
    if let Some(rest) = &executable.notes.rest {
        say_rest(rest);
    }
    say!(
        "{} on {}: {} cycles, {} instructions, {}",
        arguments.program.display(),
        machine.name,
        thousands(outcome.cycles),
        thousands(outcome.instructions),
        timing_words(machine.timing_basis())
    );
    say!("{}", engine_table(&engine_reports(outcome), outcome.cycles));
    for (name, tensor) in &execution.outputs {
        say!("output {name}: {} {:?}{}", tensor.dtype().name(), tensor.shape(), preview(tensor));
    }
}

/// Reads an executable, or assembly.
fn program(path: &Path) -> Result<Executable, Box<dyn std::error::Error>> {
    match path.to_str().map(verify::load_program).transpose()?.flatten() {
        Some(executable) => Ok(executable),
        // Whatever its name is, it may be an executable; if it is none, the error says so.
        None => Ok(Executable::load(path)?),
    }
}

/// Compares the program's outputs for seeded inputs with what its file says.
fn self_test(arguments: &ExecArguments, executable: &Executable, machine: &Machine) -> Outcome {
    let progress = Progress::new();
    progress.stage("simulating");
    let result = ediacara::self_test::self_test(executable, machine)?;
    drop(progress);
    let (passed, found, expected) = (result.passed(), result.found, result.expected.checksum);
    let program = arguments.program.display();
    if arguments.json {
        let report = json!({
            "program": program.to_string(),
            "machine": machine.name,
            "on_dlp": executable.notes.rest.as_ref().map(share_of),
            "self_test": passed,
            "seed": result.expected.seed,
            "expected_checksum": expected,
            "found_checksum": found,
            "cycles": result.cycles,
        });
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else if passed {
        say!("{program} on {}: self-test passed, outputs have checksum {found:#010x}", machine.name);
    } else {
        say!(
            "{program} on {}: self-test FAILED, outputs have checksum {found:#010x}, not {expected:#010x}",
            machine.name
        );
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says how much of its network the program runs, and what its results lack for that reason.
fn say_rest(rest: &HostRest) {
    let share = share_of(rest);
    say!("on the DLP: {share}");
    if share.is_whole() {
        return;
    }
    let outputs = match rest.outputs.as_slice() {
        [] => String::new(),
        names => format!("; without it there is no {}", names.join(", ")),
    };
    say!("not run: the rest of the network, which is the host's{outputs}");
    for reason in &rest.reasons {
        say!("  {reason}");
    }
}

fn own_machine(executable: &Executable) -> &str {
    if executable.machine.name.is_empty() { "dlp16" } else { &executable.machine.name }
}

/// The first few numbers of an output.
fn preview(tensor: &ediacara::tensor::Tensor) -> String {
    const SHOWN: usize = 10;
    let Ok(numbers) = tensor.cast(ediacara::tensor::DType::F32).to_vec::<f32>() else {
        return String::new();
    };
    let text: Vec<String> = numbers.iter().take(SHOWN).map(|number| format!("{number}")).collect();
    format!(" = {}{}", text.join(" "), if numbers.len() > SHOWN { " …" } else { "" })
}
