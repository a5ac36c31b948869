//! Tests that cannot run here.

use std::io::Write;

/// Says that a test is skipped because `what` is missing, and `why`. Where the environment variable `EDIACARA_SKIPPED` names a file, a
/// line is added to it, so that whoever runs the tests can refuse to call them complete.
#[allow(clippy::print_stderr, reason = "for tests only: the message belongs to the test's output")]
pub fn skip(what: &str, why: &str) {
    eprintln!("SKIPPED: {what}: {why}");
    let Some(path) = std::env::var_os("EDIACARA_SKIPPED") else { return };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{what}: {why}")) {
        eprintln!("EDIACARA_SKIPPED: {error}");
    }
}
