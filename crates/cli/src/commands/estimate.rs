//! `ediacara estimate`: how long an abstract program takes.

use std::path::Path;
use std::process::ExitCode;

use ediacara::profile::{plain_table, thousands};
use ediacara::textbook::program::{AbstractMachine, Estimate, PROGRAMS, Program, Unit, program_text};
use serde_json::json;

use super::Outcome;
use crate::arguments::EstimateArguments;
use crate::output::{say, write_whole};

/// How many characters wide the timeline is.
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

/// The programs that are built in, each timed on the machine that it names.
fn list(json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = Vec::new();
    let mut reports = Vec::new();
    for (name, documentation) in PROGRAMS {
        let program = Program::parse(program_text(name).unwrap_or_default(), name)?;
        let machine = AbstractMachine::load(program.machine().unwrap_or_default())?;
        let estimate = program.estimate(&machine)?;
        let mut report = estimate.to_json();
        (report["name"], report["documentation"]) = (json!(name), json!(documentation));
        reports.push(report);
        rows.push(vec![
            name.to_owned(),
            machine.name.clone(),
            with_thousands(&estimate.lower_bound.to_string()),
            estimate.bound_by.to_string(),
            with_thousands(&estimate.time.to_string()),
            format!("{:.2} %", 100.0 * (estimate.over_bound() - 1.0)),
            documentation.to_owned(),
        ]);
    }
    if json {
        say!("{}", serde_json::to_string_pretty(&reports)?);
    } else {
        let header =
            ["program", "machine", "bound, ns", "decided by", "time, ns", "over it", "what it computes"];
        say!("{}", plain_table(&header, 2..3, rows));
    }
    Ok(())
}

/// Turns `4118 1/2` into `4,118 1/2`.
fn with_thousands(time: &str) -> String {
    let (whole, rest) = time.split_at(time.find(' ').unwrap_or(time.len()));
    whole.parse().map_or_else(|_| time.to_owned(), |whole| thousands(whole) + rest)
}

/// The text of a built-in program or of a file.
fn source(name: &str) -> Result<String, String> {
    if let Some(text) = program_text(name) {
        return Ok(text.to_owned());
    }
    ediacara::files::read_text(Path::new(name)).map_err(|error| {
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
