//! `cargo xtask bench-compiler`: the tables of docs/results.md that say what the compiler makes of the networks.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::page;

/// Compiles the networks, rewrites the page, and fails where one is further from its roofline than it may be.
pub(crate) fn run(root: &Path) -> Result<()> {
    if let Some(argument) = std::env::args().nth(2) {
        bail!("unknown argument `{argument}`; usage: bench-compiler");
    }
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["run", "--release", "--locked", "--package", "ediacara", "--example", "compiler_results"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    let tables = String::from_utf8(output.stdout).context("the tables are no text")?;
    if tables.is_empty() {
        bail!("the networks were not compiled");
    }
    print!("{tables}");
    let groups: Vec<&str> = tables.split("\n\n").collect();
    for (name, table) in ["bounds", "fusion", "keeping", "engines"].into_iter().zip(groups) {
        page::replace(root, "docs/results.md", &format!("bench-compiler {name}"), table.trim_end())?;
    }
    if !output.status.success() {
        bail!("a network is further from its roofline than it may be");
    }
    Ok(())
}
