//! Puts back earlier faults of the compiler in a copy: every detector must notice them alone.
//!
//! A detector is a test of `crates/compiler/tests/all/detectors.rs`. Where the compiler itself would refuse
//! to go on, its own check is taken out as well, so that the other detectors are asked.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::workbench::{cargo, copy_tracked, target, write_if_other};
use super::{Mutation, mutation};

/// The name for `--only`.
pub(super) const RULE: &str = "KEEP";

const KEEP: &str = "crates/compiler/src/keep/decide.rs";
const COMPILE: &str = "crates/compiler/src/compile.rs";

const BY_START: Mutation = mutation(
    RULE,
    KEEP,
    "taken.sort_unstable_by_key(|range| Reverse(range.end));",
    "taken.sort_unstable_by_key(|range| Reverse((range.start, range.end)));",
    "what is kept is placed by where taken ranges start",
);
const UNCHECKED: Mutation = mutation(
    RULE,
    COMPILE,
    "        disjoint::check(&allocations, &lowering.steps, memory_sizes(self.machine))?;\n",
    "",
    "and nobody checks allocations",
);

/// The test that must fail, and the mutations under which it must.
pub(super) const ROWS: [(&str, &[&Mutation]); 3] = [
    ("compilation", &[&BY_START]),
    ("provenance", &[&BY_START, &UNCHECKED]),
    ("comparison", &[&BY_START, &UNCHECKED]),
];

/// Asks every detector, and returns those that noticed nothing.
pub(super) fn run(root: &Path) -> Result<Vec<String>> {
    let folder = target(root).join("mutate/compiler");
    copy_tracked(root, &folder, &["crates", "xtask", "Cargo.toml", "Cargo.lock"])?;
    for (detector, _) in ROWS {
        if !passes(&folder, detector)? {
            bail!("detectors::{detector} fails without any change");
        }
    }
    let mut survivors = Vec::new();
    for (detector, edits) in ROWS {
        for edit in edits {
            write_if_other(&folder.join(edit.file), edit.apply(root)?.as_bytes())?;
        }
        let survives = passes(&folder, detector);
        for edit in edits {
            write_if_other(&folder.join(edit.file), &std::fs::read(root.join(edit.file))?)?;
        }
        let verdict = if survives? {
            survivors
                .push(format!("{RULE}: {} is not noticed by detectors::{detector}", edits[0].description));
            "SURVIVED"
        } else {
            "killed   "
        };
        let descriptions: Vec<_> = edits.iter().map(|edit| edit.description).collect();
        println!("{RULE:<18} {:<52} {verdict} by {detector} alone", descriptions.join(", "));
    }
    Ok(survivors)
}

/// Whether a detector's test passes.
///
/// The test must compile.
fn passes(folder: &Path, detector: &str) -> Result<bool> {
    let test = |more: &[&str]| {
        cargo(folder)
            .args(["test", "--quiet", "--offline", "--package", "ediacara-compiler", "--test", "all"])
            .args(more)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("RUSTFLAGS", "-Awarnings")
            .output()
            .context("cannot start cargo")
    };
    let built = test(&["--no-run"])?;
    if !built.status.success() {
        bail!("a change does not compile:\n{}", String::from_utf8_lossy(&built.stderr));
    }
    let said = test(&["--", "--exact", &format!("detectors::{detector}")])?;
    let text = String::from_utf8_lossy(&said.stdout);
    if !text.contains("running 1 test") {
        bail!("there is no test detectors::{detector}:\n{text}");
    }
    Ok(said.status.success())
}
