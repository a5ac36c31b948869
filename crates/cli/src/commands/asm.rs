//! `ediacara asm`: text to executable.

use std::process::ExitCode;

use ediacara::arch::Machine;

use super::Outcome;
use crate::arguments::AsmArguments;
use crate::output::{say, write_plan};

pub(crate) fn execute(arguments: &AsmArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let mut executable = ediacara::isa::assemble_file(&arguments.source)?;
    ediacara::adopt_machine(&mut executable, &machine);
    let output = arguments.output();
    let instructions = executable.code.len();
    write_plan(&output, &executable.into())?;
    say!("{}: {instructions} instructions", output.display());
    Ok(ExitCode::SUCCESS)
}
