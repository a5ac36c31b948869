//! `ediacara disasm`: executable to text.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use ediacara::isa::{Executable, disassemble};

use super::Outcome;
use crate::arguments::DisasmArguments;

pub(crate) fn execute(arguments: &DisasmArguments) -> Outcome {
    let text = disassemble(&Executable::load(&arguments.program)?);
    match &arguments.output {
        None => crate::output::write(format_args!("{text}")),
        Some(path) => write_whole(path, text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes beside and renames, so that no file is ever half written.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::NamedTempFile::new_in(folder).map_err(|error| format!("{}: {error}", path.display()))?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| format!("{}: {}", path.display(), error.error))?;
    Ok(())
}
