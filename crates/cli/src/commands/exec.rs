//! `ediacara exec`: an executable on the simulated machine, without a model.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use ediacara::Execution;
use ediacara::arch::Machine;
use ediacara::compile::{refuse_empty, share_of};
use ediacara::inputs::Source;
use ediacara::isa::{HostRest, Plan};
use ediacara::profile::{EngineReport, engine_reports, engine_table, thousands, timing_words};
use ediacara::runner::Ran;
use ediacara::sim::Options;
use ediacara::verify;
use serde_json::{Value, json};

use super::Outcome;
use crate::arguments::ExecArguments;
use crate::operators;
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &ExecArguments) -> Outcome {
    let mut plan = plan(&arguments.program)?;
    let machine = Machine::load(arguments.machine.as_deref().unwrap_or_else(|| own_machine(&plan)))?;
    let rest = plan.notes.rest.take();
    refuse_empty(&arguments.program.display().to_string(), rest.as_ref(), arguments.host_only.choice())?;
    if arguments.self_test {
        return self_test(arguments, &plan, rest.as_ref(), &machine);
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
    let (registry, bindings) = (operators::registry()?, &arguments.bindings.bindings);
    let execution =
        ediacara::execute(&plan, &machine, &registry, &sources, bindings, arguments.seed, options)?;
    let wall_seconds = start.elapsed().as_secs_f64();
    drop(progress);
    super::setup::weigh(&execution.input_warnings, arguments.strict)?;

    let fault = execution.ran.fault();
    if let (Some(path), true) = (&arguments.output, fault.is_none()) {
        ediacara::tensor::npz::write(path, &execution.ran.outputs)?;
    }
    if arguments.json {
        let report = report(arguments, rest.as_ref(), &machine, &execution, wall_seconds)?;
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        say_execution(arguments, rest.as_ref(), &machine, &execution);
    }
    if arguments.checked && fault.is_none() && !arguments.json {
        say!(
            "checked: no race, nothing read that was not written; whether two writes that are ordered come in the right order cannot be seen in a program alone"
        );
    }
    if let Some(fault) = fault {
        return Err(fault.to_string().into());
    }
    Ok(ExitCode::SUCCESS)
}

/// The report of the run, as JSON.
fn report(
    arguments: &ExecArguments,
    rest: Option<&HostRest>,
    machine: &Machine,
    execution: &Execution,
    wall_seconds: f64,
) -> serde_json::Result<Value> {
    let ran = &execution.ran;
    let sum = |number: fn(&ediacara::sim::Outcome) -> u64| {
        ran.dlp().map(|(_, outcome)| number(outcome)).sum::<u64>()
    };
    Ok(json!({
        "program": arguments.program.display().to_string(),
        "machine": machine.name,
        "on_dlp": rest.map(share_of),
        "not_run": rest.filter(|rest| !rest.outputs.is_empty()).map(|rest| json!({
            "outputs": rest.outputs, "reasons": rest.reasons,
        })),
        "bindings": super::setup::bindings_json(&arguments.bindings.bindings),
        "timing_basis": machine.timing_basis(),
        "cycles": ran.cycles(),
        "dlp_cycles": ran.dlp_cycles(),
        "host_cycles": ran.host_cycles(),
        "transfer_cycles": ran.transfer_cycles,
        "instructions": sum(|outcome| outcome.instructions),
        "dram_read_bytes": sum(|outcome| outcome.dram_read_bytes),
        "dram_write_bytes": sum(|outcome| outcome.dram_write_bytes),
        "fault": ran.fault().map(ToString::to_string),
        "outputs": ran.outputs.iter().map(|(name, tensor)| json!({
            "name": name, "shape": tensor.shape(), "dtype": tensor.dtype().name(),
        })).collect::<Vec<_>>(),
        "input_warnings": execution.input_warnings,
        "engines": ediacara::profile::by_name(&engines(ran), serde_json::value::Serializer)?,
        "wall_seconds": wall_seconds,
    }))
}

fn engines(ran: &Ran) -> Vec<EngineReport> {
    engine_reports(ran.dlp().map(|(_, outcome)| outcome))
}

/// Says what was run, in words.
fn say_execution(
    arguments: &ExecArguments,
    rest: Option<&HostRest>,
    machine: &Machine,
    execution: &Execution,
) {
    let ran = &execution.ran;
    if let Some(rest) = rest {
        say_rest(rest);
    }
    let instructions: u64 = ran.dlp().map(|(_, outcome)| outcome.instructions).sum();
    say!(
        "{} on {}{}: {} cycles, {} instructions, {}",
        arguments.program.display(),
        machine.name,
        super::setup::with_bindings(&arguments.bindings.bindings),
        thousands(ran.dlp_cycles()),
        thousands(instructions),
        timing_words(machine.timing_basis())
    );
    say!(
        "elsewhere: {} cycles at the network's border, {} on the host, {}",
        thousands(ran.transfer_cycles),
        thousands(ran.host_cycles()),
        timing_words("modelled")
    );
    say!("{}", engine_table(&engines(ran), ran.dlp_cycles()));
    for (name, tensor) in &ran.outputs {
        say!("output {name}: {} {:?}{}", tensor.dtype().name(), tensor.shape(), preview(tensor));
    }
}

/// A plan, or assembly.
fn plan(path: &Path) -> Result<Plan, Box<dyn std::error::Error>> {
    match path.to_str().map(verify::load_plan).transpose()?.flatten() {
        Some(plan) => Ok(plan),
        // Whatever its name, it may be a plan; if not, that is said.
        None => Ok(Plan::load(path)?),
    }
}

/// Compares the program's outputs for seeded inputs with what its file says.
fn self_test(arguments: &ExecArguments, plan: &Plan, rest: Option<&HostRest>, machine: &Machine) -> Outcome {
    let progress = Progress::new();
    progress.stage("simulating");
    let result = ediacara::self_test::self_test(plan, machine)?;
    drop(progress);
    let (passed, found, expected) = (result.passed(), result.found, result.expected.checksum);
    let program = arguments.program.display();
    if arguments.json {
        let report = json!({
            "program": program.to_string(),
            "machine": machine.name,
            "on_dlp": rest.map(share_of),
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
    match rest.outputs.as_slice() {
        [] => say!("the rest of the network is the host's:"),
        // Files of earlier versions did not hold it.
        names => {
            say!(
                "not run: the host's part, which this file does not hold; without it there is no {}",
                names.join(", ")
            );
        }
    }
    for reason in &rest.reasons {
        say!("  {reason}");
    }
}

fn own_machine(plan: &Plan) -> &str {
    if plan.machine.name.is_empty() { "dlp16" } else { &plan.machine.name }
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
