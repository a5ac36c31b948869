//! `ediacara estimate`: how long an abstract program takes.

use std::process::ExitCode;

use ediacara::profile::{plain_table, thousands};
use ediacara::textbook::program::{AbstractMachine, Estimate, PROGRAMS, Program, Unit, program_text};
use serde_json::json;

use super::Outcome;
use crate::arguments::EstimateArguments;
use crate::output::{say, write_whole};

/// Characters of the timeline.
const COLUMNS: usize = 80;

pub(crate) fn execute(arguments: &EstimateArguments) -> Outcome {
    if arguments.list {
        list(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = arguments.program.as_deref().unwrap_or_default();
    let text = source(name)?;
    if arguments.source {
        crate::output::write(format_args!("{text}"));
        return Ok(ExitCode::SUCCESS);
    }
    let program = Program::parse(&text, name)?;
    let machine = match (arguments.machine.as_deref(), program.machine()) {
        (Some(machine), _) | (None, Some(machine)) => AbstractMachine::load(machine)?,
        (None, None) => {
            let known: Vec<&str> = AbstractMachine::presets().collect();
            let known = known.join(", ");
            return Err(format!(
                "{name} names no machine: add a line `machine NAME`, or --machine; there are {known}"
            )
            .into());
        }
    };
    let estimate = program.estimate(&machine)?;
    if let Some(path) = &arguments.svg {
        let title = format!("{name} on {}", machine.name);
        write_whole(path, estimate.timeline(&title).to_svg().as_bytes())?;
    }
    if arguments.json {
        let mut report = estimate.to_json();
        report["program"] = json!(name);
        say!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(name, &estimate);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(json: bool) -> Result<(), serde_json::Error> {
    if json {
        let programs: Vec<_> =
            PROGRAMS.iter().map(|(name, text)| json!({ "name": name, "documentation": text })).collect();
        say!("{}", serde_json::to_string_pretty(&programs)?);
    } else {
        for (name, documentation) in PROGRAMS {
            say!("{name:<30} {documentation}");
        }
    }
    Ok(())
}

/// The text of a built-in program or of a file.
fn source(name: &str) -> Result<String, String> {
    if let Some(text) = program_text(name) {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(name).map_err(|error| {
        let known: Vec<&str> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        format!("{name}: {error}; the programs that are built in are {}", known.join(", "))
    })
}

fn print(name: &str, estimate: &Estimate) {
    say!("{name} on {}\n", estimate.machine);
    say!("time          {} ns", estimate.time);
    say!(
        "lower bound   {} ns ({}); the time is {:.4} times it",
        estimate.lower_bound,
        estimate.bound_by,
        estimate.over_bound()
    );
    for (operation, count) in &estimate.operations {
        say!("{operation:<13} {}", thousands(*count));
    }
    let row = |unit: &Unit| {
        let share = unit.busy.to_f64() / estimate.time.to_f64().max(f64::MIN_POSITIVE);
        vec![
            unit.name.clone(),
            unit.busy.to_string(),
            format!("{:.1} %", 100.0 * share),
            thousands(unit.loaded_bytes),
            thousands(unit.stored_bytes),
        ]
    };
    let header = ["unit", "busy ns", "share", "bytes loaded", "bytes stored"];
    say!("\n{}", plain_table(&header, 1..5, estimate.units.iter().map(row).collect()));
    say!("\n{}", estimate.timeline_text(COLUMNS));
}
