//! Skips tests whose needs this machine may lack.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that a test is skipped because `what` is missing, and `why`.
///
/// If the environment variable `EDIACARA_SKIPPED` names a file, a line is added to it. So whoever runs the
/// tests can refuse to call them complete.
#[allow(clippy::print_stderr, reason = "for tests only: the message belongs to the test's output")]
pub fn skip(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    let Some(path) = std::env::var_os("EDIACARA_SKIPPED") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{what}: {why}")) {
        eprintln!("EDIACARA_SKIPPED: {error}");
    }
}

/// A Python that has NumPy and onnxruntime: that of `cargo xtask setup`, or the machine's own.
///
/// If there is none, it says that `what` is skipped.
pub fn onnxruntime_python(what: &str) -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-venv/bin/python");
    let has_onnxruntime = |python: &PathBuf| {
        let found = Command::new(python).args(["-c", "import numpy, onnxruntime"]).output();
        found.is_ok_and(|output| output.status.success())
    };
    let found = [installed, PathBuf::from("python3")].into_iter().find(has_onnxruntime);
    if found.is_none() {
        skip(what, "no Python with numpy and onnxruntime; `cargo xtask setup` installs them");
    }
    found
}
