//! `cargo xtask onnx-files`: random ONNX files with onnxruntime's answers, and what is made of them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::programs::run;
use crate::reference::ensure_reference;

/// The seeds of CI, and without `--seeds`.
pub(crate) const SEEDS: Range<u64> = 0..500;

/// Generates the files of the seeds `--seeds FROM..TO`, and judges them.
pub(crate) fn judge(root: &Path) -> Result<()> {
    let mut seeds = SEEDS;
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{argument} wants FROM..TO"))?;
        match (argument.as_str(), value.split_once("..")) {
            ("--seeds", Some((from, to))) => {
                seeds = from.parse().context("--seeds")?..to.parse().context("--seeds")?;
            }
            _ => bail!("unknown argument `{argument} {value}`; usage: onnx-files [--seeds FROM..TO]"),
        }
    }
    ensure_reference(root)?;
    let folder = generate(root, seeds)?;
    run(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["test", "--quiet", "--locked", "--profile", "thorough", "--package", "ediacara"])
        .args(["--test", "onnx_files", "--", "--nocapture"])
        .env("EDIACARA_ONNX_FILES", folder))
}

/// The folder of the files of these seeds, which are generated anew: the generator may have changed.
///
/// # Errors
/// onnxruntime is not there: see [`ensure_reference`].
pub(crate) fn generate(root: &Path, seeds: Range<u64>) -> Result<PathBuf> {
    let folder = root.join(format!("target/onnx-files/{}-{}", seeds.start, seeds.end));
    // An interrupted run leaves no folder with a part of the files.
    let scratch = folder.with_extension("part");
    for old in [&folder, &scratch] {
        if old.exists() {
            std::fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    run(Command::new(root.join("target/bench-venv/bin/python"))
        .args(["-W", "ignore"])
        .arg(root.join("tests/onnx_files/generate.py"))
        .args([seeds.start.to_string(), seeds.end.to_string()])
        .arg(&scratch))
    .context("cannot generate random ONNX files")?;
    std::fs::rename(&scratch, &folder).with_context(|| format!("cannot name {}", folder.display()))?;
    Ok(folder)
}
