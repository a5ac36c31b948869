//! `cargo xtask bench-compiler`: the tables of docs/results.md that show how well the compiler does on the
//! networks.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::page;

const PAGE: &str = "docs/results.md";

/// Compiles the networks and rewrites the page.
///
/// It fails where a network is further from its roofline than it may be. With `--check` the page stays, and a
/// table that differs from the page's is a failure.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut is_check = false;
    for argument in std::env::args().skip(2) {
        match argument.as_str() {
            "--check" => is_check = true,
            other => bail!("unknown argument `{other}`; usage: bench-compiler [--check]"),
        }
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
    let mut stale = Vec::new();
    for (name, table) in ["bounds", "fusion", "keeping", "engines"].into_iter().zip(groups) {
        let (task, table) = (format!("bench-compiler {name}"), table.trim_end());
        if !is_check {
            page::replace(root, PAGE, &task, table)?;
        } else if !page::holds(root, PAGE, &task, table)? {
            stale.push(name);
        }
    }
    if !stale.is_empty() {
        bail!("{PAGE} has other tables of {}: run `cargo xtask bench-compiler`", stale.join(", "));
    }
    if !output.status.success() {
        bail!("a network is further from its roofline than it may be");
    }
    Ok(())
}
