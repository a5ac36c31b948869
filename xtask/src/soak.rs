//! `cargo xtask soak`: the random programs of the tests in lockstep, with other seeds, until time is up.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::verilator;

/// The distance from one round's first seed to the next one's: no round comes near so many programs.
const ROUND: u64 = 1_000_000;
/// RTL cycles of a round: about a minute.
const CYCLES: u64 = 40_000_000;

/// Runs the rounds.
///
/// Arguments are `--minutes N` (10 by default) and `--seed S` of the first round (1,000,000 by default, since
/// CI has those below).
pub(crate) fn run(root: &Path) -> Result<()> {
    let (mut minutes, mut seed) = (10, ROUND);
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} wants a number"))?;
        match argument.as_str() {
            "--minutes" => minutes = value.parse().context("--minutes")?,
            "--seed" => seed = value.replace('_', "").parse().context("--seed")?,
            other => bail!("unknown argument `{other}`; usage: soak [--minutes N] [--seed S]"),
        }
    }
    let (verilator, start) = (verilator::ensure(root)?, Instant::now());
    // There are whole rounds only, so that a run is repeated by its seed.
    while start.elapsed() < Duration::from_secs(60 * minutes) {
        println!("== seeds from {seed}");
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root)
            .args(["test", "--quiet", "--locked", "--package", "ediacara-rtl", "--test", "fuzz"])
            .args(["random_programs", "--", "--nocapture"])
            .env("EDIACARA_FUZZ_SEED", seed.to_string())
            .env("EDIACARA_FUZZ_CYCLES", CYCLES.to_string())
            .env("EDIACARA_VERILATOR", &verilator)
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("a round from seed {seed} failed");
        }
        seed += ROUND;
    }
    Ok(())
}
