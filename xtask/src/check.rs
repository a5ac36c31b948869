//! `cargo xtask test`: all checks, the cheapest first, with the time that each takes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{environment, page, tidy};

/// The most time that all checks together may take; docs/ci.md says how it is divided.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// Runs every check and stops at the first that fails; `--record` puts the times into docs/ci.md.
pub(crate) fn test(root: &Path) -> Result<()> {
    let mut is_recorded = false;
    for argument in std::env::args().skip(2) {
        match argument.as_str() {
            "--record" => is_recorded = true,
            other => bail!("unknown argument `{other}`; usage: test [--record]"),
        }
    }
    let mut times = Times::default();
    let checked = check(root, &mut times);
    // A failed run reports its times too, because one of its steps may have hung.
    let table = times.table();
    println!("== times\n{table}");
    std::fs::write(root.join("target/ci-times.md"), &table).context("cannot write target/ci-times.md")?;
    checked?;
    if is_recorded {
        page::replace(root, "docs/ci.md", "test --record", table.trim_end())?;
    }
    times.within(LIMIT)
}

fn check(root: &Path, times: &mut Times) -> Result<()> {
    times.step("format", || status(cargo(root).args(["fmt", "--all", "--check"])))?;
    times.step("tidy", || tidy::run(root))?;
    let prepared = times.step("setup", || environment::ensure(root))?;
    times.step("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        status(cargo(root).args(arguments))
    })?;
    times.step("documentation", || {
        let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
        status(cargo(root).args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
    })?;

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
    tests.envs(prepared.onnx_files.iter().map(|folder| ("EDIACARA_ONNX_FILES", folder)));
    // The tests are built first, so that the time of the tests is theirs alone.
    let mut build = cargo(root);
    build.args(["test", "--workspace", "--locked", "--no-run", "--lib", "--bins", "--tests"]);
    times.step("build of the tests", || status(&mut build))?;
    times.step("tests", || status(&mut tests))?;
    times.step("documentation tests", || {
        status(cargo(root).args(["test", "--workspace", "--locked", "--doc", "--quiet"]))
    })?;
    report_skipped(root, &skipped)
}

/// How long each step took.
#[derive(Debug, Default)]
struct Times {
    steps: Vec<(&'static str, Duration)>,
}

impl Times {
    /// Runs a step, and names it where it fails.
    fn step<T>(&mut self, name: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("== {name}");
        let start = Instant::now();
        let result = run();
        let time = start.elapsed();
        println!("== {name}: {}", minutes(time));
        self.steps.push((name, time));
        result.with_context(|| format!("{name} failed"))
    }

    fn total(&self) -> Duration {
        self.steps.iter().map(|(_, time)| *time).sum()
    }

    fn table(&self) -> String {
        let mut text = "| step | wall time |\n| --- | --- |\n".to_owned();
        for (name, time) in &self.steps {
            text += &format!("| {name} | {} |\n", minutes(*time));
        }
        text + &format!("| all | {} |\n", minutes(self.total()))
    }

    /// An error that names the longest step where all took more than `limit`.
    fn within(&self, limit: Duration) -> Result<()> {
        let Some((name, time)) = self.steps.iter().max_by_key(|(_, time)| *time) else { return Ok(()) };
        if self.total() > limit {
            let (total, limit, time) = (minutes(self.total()), minutes(limit), minutes(*time));
            bail!(
                "the checks took {total}, more than {limit}, of which {name} took {time}: make it shorter, or an item \
                 of `cargo xtask nightly` (docs/ci.md)"
            );
        }
        Ok(())
    }
}

/// The time as tables have it: `1 min 05 s`.
pub(crate) fn minutes(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

/// Names the skipped tests, which are a failure where the data is at hand.
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

fn status(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_time_is_an_error_that_names_the_longest_step() {
        let steps = vec![("clippy", Duration::from_secs(600)), ("tests", Duration::from_secs(3001))];
        let times = Times { steps };
        assert!(times.within(Duration::from_secs(3601)).is_ok());
        let error = times.within(LIMIT).unwrap_err().to_string();
        assert!(
            error.contains("took 60 min 01 s, more than 60 min 00 s, of which tests took 50 min 01 s"),
            "{error}"
        );
        assert!(times.table().ends_with("| tests | 50 min 01 s |\n| all | 60 min 01 s |\n"));
    }
}
