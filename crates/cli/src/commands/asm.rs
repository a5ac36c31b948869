//! `ediacara asm`: text to executable.

use std::process::ExitCode;

use ediacara::arch::Machine;

use super::Outcome;
use crate::arguments::AsmArguments;

pub(crate) fn execute(arguments: &AsmArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let name = arguments.source.display().to_string();
    let text = std::fs::read_to_string(&arguments.source).map_err(|error| format!("{name}: {error}"))?;
    let mut executable = ediacara::isa::assemble(&text, &name)?;
    ediacara::adopt_machine(&mut executable, &machine);
    let output = arguments.output.clone().unwrap_or_else(|| arguments.source.with_extension("dlpx"));
    executable.save(&output)?;
    println!("{}: {} instructions", output.display(), executable.code.len());
    Ok(ExitCode::SUCCESS)
}
