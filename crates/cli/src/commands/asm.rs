//! `ediacara asm`: text to executable.

use std::process::ExitCode;

use ediacara::arch::Machine;

use super::Outcome;
use crate::arguments::AsmArguments;
use crate::output::{say, write_executable};

pub(crate) fn execute(arguments: &AsmArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let mut executable = ediacara::isa::assemble_file(&arguments.source)?;
    ediacara::adopt_machine(&mut executable, &machine);
    let output = arguments.output();
    write_executable(&output, &executable)?;
    say!("{}: {} instructions", output.display(), executable.code.len());
    Ok(ExitCode::SUCCESS)
}
