//! The command as a user meets it: real networks, real files, exit status, JSON.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "helpers of tests")]

mod attention;
#[cfg(unix)]
mod big;
mod calibration;
mod data;
mod deeploy;
mod errors;
mod fidelity;
mod host_only;
#[cfg(unix)]
mod hostile;
mod kept;
mod mnist;
mod networks;
mod pages;
mod precision;
mod programs;
mod prove;
mod recurrent;
mod run;
mod summary;
mod textbook;
mod train;
mod verbose;
mod verify;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn ediacara(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ediacara")).args(arguments).current_dir(root()).output().unwrap()
}

/// Standard output of a command that succeeds.
fn succeed(arguments: &[&str]) -> String {
    let output = ediacara(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ediacara {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// The JSON object that a command prints.
fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeed(arguments)).unwrap()
}

/// Standard error of a command that fails.
fn fail(arguments: &[&str]) -> String {
    let output = ediacara(arguments);
    assert!(!output.status.success(), "ediacara {} should fail", arguments.join(" "));
    String::from_utf8(output.stderr).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}
