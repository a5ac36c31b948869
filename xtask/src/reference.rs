//! The reference runtime, in a virtual environment of its own.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::programs::{install, run, works};

/// The reference runtime that tests and benches compare with, in a virtual environment of its own.
const REFERENCE_PACKAGES: &[&str] = &["onnxruntime==1.32.0", "onnx==1.22.0", "numpy", "sympy"];

/// Installs what tests and `cargo bench` compare with into `target/bench-venv`.
pub(crate) fn ensure_reference(root: &Path) -> Result<()> {
    let folder = root.join("target/bench-venv");
    let python = folder.join("bin/python");
    if works(&python.to_string_lossy(), &["-c", "import numpy, onnx, onnxruntime, sympy"]) {
        return Ok(());
    }
    if !works("python3", &["-m", "venv", "--help"]) {
        install(&["python3", "python3-pip", "python3-venv"])?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(python).args(["-m", "pip", "install", "--quiet"]).args(REFERENCE_PACKAGES))
}
