//! `cargo xtask tidy`: what the compiler does not check. Layering, licences, file hygiene.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The crates in the order of ARCHITECTURE.md's table. A crate depends only on crates before it.
const LAYERS: &[&str] = &[
    "ediacara-hint",
    "ediacara-files",
    "ediacara-tensor",
    "ediacara-kernels",
    "ediacara-arch",
    "ediacara-isa",
    "ediacara-prove",
    "ediacara-graph",
    "ediacara-autodiff",
    "ediacara-onnx",
    "ediacara-data",
    "ediacara-nn",
    "ediacara-host",
    "ediacara-optimiser",
    "ediacara-train",
    "ediacara-compiler",
    "ediacara-sim",
    "ediacara-rtl",
    "ediacara-fuzzgen",
    "ediacara-profile",
    "ediacara-plot",
    "ediacara-textbook",
    "ediacara",
    "ediacara-cli",
    "xtask",
];

/// Licences a dependency may have; every alternative of an `OR` is looked at, every part of an `AND` must be here.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
    "ISC",
    "BSL-1.0",
    "CC0-1.0",
];

/// Largest file that may be committed outside `models/`, `assets/` and lock files, in bytes.
const LARGEST_FILE_BYTES: u64 = 1_000_000;

/// Checks everything and lists every offence at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = metadata(root)?;
    let mut offences = Vec::new();
    layering(&metadata, &mut offences);
    licences(&metadata, &mut offences);
    files(root, &mut offences)?;
    if offences.is_empty() {
        return Ok(());
    }
    bail!("tidy:\n  {}", offences.join("\n  "))
}

fn metadata(root: &Path) -> Result<Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn layering(metadata: &Value, offences: &mut Vec<String>) {
    let rank: BTreeMap<&str, usize> = LAYERS.iter().enumerate().map(|(rank, name)| (*name, rank)).collect();
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for package in packages(metadata).filter(|package| members.contains(text(&package["id"]))) {
        let name = text(&package["name"]);
        let Some(own) = rank.get(name) else {
            offences.push(format!(
                "crate {name} is missing from the layers of xtask/src/tidy.rs and ARCHITECTURE.md"
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let (other, development) = (text(&dependency["name"]), text(&dependency["kind"]) == "dev");
            if rank.get(other).is_some_and(|rank| rank >= own) && !development {
                offences.push(format!(
                    "crate {name} depends on {other}, which is not above it in ARCHITECTURE.md"
                ));
            }
        }
    }
}

fn licences(metadata: &Value, offences: &mut Vec<String>) {
    for package in packages(metadata) {
        let licence = text(&package["license"]).replace('/', " OR ").replace(['(', ')'], "");
        let allowed = licence
            .split(" OR ")
            .any(|choice| choice.split(" AND ").all(|part| LICENCES.contains(&part.trim())));
        if !allowed {
            offences.push(format!(
                "{} {}: licence {licence:?}",
                text(&package["name"]),
                text(&package["version"])
            ));
        }
    }
}

fn files(root: &Path, offences: &mut Vec<String>) -> Result<()> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    for name in String::from_utf8_lossy(&output.stdout).split('\0').filter(|name| !name.is_empty()) {
        let path = root.join(name);
        let Ok(information) = std::fs::metadata(&path) else { continue };
        let data = name.starts_with("models/") || name.starts_with("assets/") || name.ends_with(".lock");
        if information.len() > LARGEST_FILE_BYTES && !data {
            offences.push(format!("{name} has {} bytes", information.len()));
        }
        if name.ends_with(".rs") || name.ends_with(".md") || name.ends_with(".toml") {
            source(name, &std::fs::read_to_string(&path)?, offences);
        }
    }
    Ok(())
}

fn source(name: &str, text: &str, offences: &mut Vec<String>) {
    if !text.ends_with('\n') && !text.is_empty() {
        offences.push(format!("{name} does not end with a newline"));
    }
    for (index, line) in text.lines().enumerate() {
        if line.ends_with(' ') || line.contains('\t') {
            offences.push(format!("{name}:{} has trailing space or a tab", index + 1));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
