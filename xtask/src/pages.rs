//! `cargo xtask pages`: the outputs and pictures of docs/textbook.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Runs the tests that hold pages and pictures, and lets them write what differs.
pub(crate) fn run(root: &Path) -> Result<()> {
    for [package, tests] in [["ediacara-cli", "pages_show"], ["ediacara-textbook", ""]] {
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root)
            .env("UPDATE_EXPECT", "1")
            .args(["test", "--locked", "--package", package, "--", tests])
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("the pages cannot be written");
        }
    }
    Ok(())
}
