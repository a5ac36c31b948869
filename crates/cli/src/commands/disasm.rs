//! `ediacara disasm`: executable to text.

use std::process::ExitCode;

use ediacara::isa::{Executable, disassemble};

use super::Outcome;
use crate::arguments::DisasmArguments;
use crate::output::write_whole;

pub(crate) fn execute(arguments: &DisasmArguments) -> Outcome {
    let text = disassemble(&Executable::load(&arguments.program)?);
    match &arguments.output {
        None => crate::output::write(format_args!("{text}")),
        Some(path) => write_whole(path, text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}
