//! Fetches the ONNX conformance suite: the test data inside the PyPI package `onnx` 1.22.0 (later wheels lack it).
//!
//! It is a test-time dependency that is never committed. It lands in `target/onnx-suite/`, where the tests of
//! crates/onnx look for it when `EDIACARA_ONNX_SUITE` is not set.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The version of the PyPI package that carries the suite.
const VERSION: &str = "1.22.0";

/// Unpacks the wheel in `argv[1]` into the folder `argv[2]`, keeping only the suite, with its prefix cut off.
const UNPACK: &str = r#"
import os, sys, zipfile
prefix = "onnx/backend/test/data/"
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for entry in wheel.infolist():
        if entry.filename.startswith(prefix) and not entry.is_dir():
            relative = entry.filename[len(prefix):]
            if ".." in relative.split("/"):
                sys.exit("the wheel holds a path that leaves its folder: " + entry.filename)
            target = os.path.join(sys.argv[2], *relative.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(wheel.read(entry))
"#;

/// The folder of the suite (it holds `node/`, `simple/`, `light/`, ...), fetched if it is not there yet.
///
/// # Errors
/// When Python with pip is missing, the package cannot be downloaded or the wheel does not hold the suite.
pub(crate) fn ensure(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os("EDIACARA_ONNX_SUITE") {
        let folder = PathBuf::from(folder);
        if !is_suite(&folder) {
            bail!(
                "EDIACARA_ONNX_SUITE names {}, which holds no node/ and light/ folders; point it at \
                 onnx/backend/test/data of the PyPI package onnx {VERSION}, or unset it",
                folder.display()
            );
        }
        return Ok(folder);
    }
    let folder = root.join("target/onnx-suite");
    if is_suite(&folder) {
        return Ok(folder);
    }
    // Everything happens in a scratch folder that is renamed at the end, so that an interrupted run leaves no
    // half suite.
    let scratch = root.join("target").join(format!("onnx-suite-{}.part", std::process::id()));
    std::fs::create_dir_all(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
    let fetched = fetch(&scratch).and_then(|suite| {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::rename(&suite, &folder)?;
        Ok(())
    });
    let _ = std::fs::remove_dir_all(&scratch);
    fetched?;
    Ok(folder)
}

fn is_suite(folder: &Path) -> bool {
    folder.join("node").is_dir() && folder.join("light").is_dir()
}

/// Downloads and unpacks into `scratch`, and returns the unpacked suite's folder inside it.
fn fetch(scratch: &Path) -> anyhow::Result<PathBuf> {
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"])
        .args(["--only-binary=:all:", "--dest"])
        .arg(scratch)
        .arg(format!("onnx=={VERSION}")))
    .context("cannot download the ONNX conformance suite; it needs python3 with pip and a package index")?;
    let wheel = std::fs::read_dir(scratch)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip reported success but left no wheel")?;
    let suite = scratch.join("suite");
    run(Command::new("python3").args(["-c", UNPACK]).arg(&wheel).arg(&suite))
        .context("cannot unpack the wheel")?;
    if !is_suite(&suite) {
        bail!("the wheel {} does not hold the conformance suite", wheel.display());
    }
    Ok(suite)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
