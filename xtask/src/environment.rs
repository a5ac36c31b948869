//! What the tests need beside Rust: Python (for the independent integer reference), curl, the ONNX suite, onnxruntime, and Verilator.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::programs::{install, run, works};
use crate::reference::ensure_reference;
use crate::{onnx_files, onnx_suite, verilator};

/// What [`ensure`] found or installed.
pub(crate) struct Environment {
    /// Whether `cargo nextest` is there; otherwise `cargo test` does.
    pub(crate) nextest: bool,
    /// The folder of the ONNX suite, with `node/`, `simple/`, `light/`.
    pub(crate) onnx_suite: PathBuf,
    /// The folder of random ONNX files; nothing where onnxruntime cannot be installed.
    pub(crate) onnx_files: Option<PathBuf>,
    /// The Verilator command.
    pub(crate) verilator: PathBuf,
}

/// Installs what is missing, with the system's package manager where there is one.
pub(crate) fn ensure(root: &Path) -> Result<Environment> {
    if !works("python3", &["--version"]) || !works("python3", &["-m", "pip", "--version"]) {
        install(&["python3", "python3-pip", "python3-venv"])?;
    }
    // The tests of `ediacara data fetch` download from a server of their own.
    if !works("curl", &["--version"]) {
        install(&["curl"])?;
    }
    let onnx_suite = onnx_suite::ensure(root)?;
    let verilator = verilator::ensure(root)?;
    // Not every platform has onnxruntime. Tests that compare with it are then skipped by name.
    let onnx_files = match ensure_reference(root) {
        Ok(()) => Some(onnx_files::generate(root, onnx_files::SEEDS)?),
        Err(error) => {
            println!("onnxruntime could not be installed: {error:#}");
            None
        }
    };
    Ok(Environment { nextest: works("cargo", &["nextest", "--version"]), onnx_suite, onnx_files, verilator })
}

/// The packages, beside the reference runtime, that only benches compare with.
const PEER_PACKAGES: &[&str] = &["torch"];

/// Installs the frameworks that `benches/peers.py` runs into `target/bench-venv`, and builds `benches/rust-peers` in
/// `target/bench-peers`.
pub(crate) fn ensure_peers(root: &Path) -> Result<()> {
    ensure_reference(root)?;
    let python = root.join("target/bench-venv/bin/python");
    if !works(&python.to_string_lossy(), &["-c", "import torch"]) {
        run(Command::new(python).args(["-m", "pip", "install", "--quiet"]).args(PEER_PACKAGES))?;
    }
    // It is built in its own folder, where cargo finds its flags. The benches look for it in this target
    // folder, whatever the environment says of the project's.
    run(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(root.join("target/bench-peers"))
        .current_dir(root.join("benches/rust-peers")))
}
