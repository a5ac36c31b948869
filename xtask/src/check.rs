//! `cargo xtask test`: all checks, the cheapest first.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{environment, tidy};

/// Runs every check, stopping at the first that fails.
pub(crate) fn test(root: &Path) -> Result<()> {
    step("format", cargo(root).args(["fmt", "--all", "--check"]))?;
    println!("== tidy");
    tidy::run(root)?;
    let prepared = environment::ensure(root)?;
    step(
        "clippy",
        cargo(root).args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    )?;

    let skipped = root.join("target/skipped.txt");
    let _ = std::fs::remove_file(&skipped);
    let mut tests = cargo(root);
    if prepared.nextest {
        tests.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
    } else {
        tests.args(["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests"]);
    }
    tests.env("EDIACARA_SKIPPED", &skipped).env("EDIACARA_ONNX_SUITE", &prepared.onnx_suite);
    tests.env("EDIACARA_VERILATOR", &prepared.verilator);
    step("tests", &mut tests)?;
    step("documentation tests", cargo(root).args(["test", "--workspace", "--locked", "--doc", "--quiet"]))?;
    step(
        "documentation",
        cargo(root)
            .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    report_skipped(root, &skipped)
}

/// Skipped tests are named; where the data is at hand they are a failure.
fn report_skipped(root: &Path, skipped: &Path) -> Result<()> {
    let text = std::fs::read_to_string(skipped).unwrap_or_default();
    let count = text.lines().count();
    if count == 0 {
        println!("== nothing was skipped");
        return Ok(());
    }
    println!("== {count} skipped:\n{text}");
    let data_at_hand = root.join("../shared/data").exists() || std::env::var_os("EDIACARA_DATA").is_some();
    if data_at_hand {
        bail!("{count} tests were skipped although the data folder exists");
    }
    Ok(())
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn step(name: &str, command: &mut Command) -> Result<()> {
    println!("== {name}");
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}
