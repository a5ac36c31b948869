//! What `cargo metadata` says of the packages: their names, licences, folders and dependencies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The answer of `cargo metadata`.
pub(crate) struct Metadata(Value);

/// A crate of the workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    /// The name as in ARCHITECTURE.md: the package's name without `ediacara-`.
    pub(crate) name: String,
    /// The folder of its sources.
    pub(crate) source: PathBuf,
    /// The files at which its library and its commands begin, within `source`.
    pub(crate) roots: Vec<PathBuf>,
    /// The crates of the workspace that its `[dependencies]` and `[build-dependencies]` name, as ARCHITECTURE.md has them.
    pub(crate) dependencies: BTreeSet<String>,
}

impl Metadata {
    /// Asks Cargo.
    ///
    /// It fails where Cargo does, for instance where Cargo.lock is out of date.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).map(Self).context("cargo metadata printed no JSON")
    }

    /// Every package, including those of the registry.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &Value> {
        list(&self.0["packages"])
    }

    /// The crates of the workspace.
    pub(crate) fn members(&self) -> Vec<Member> {
        let ids: BTreeSet<&str> = list(&self.0["workspace_members"]).map(text).collect();
        self.packages().filter(|package| ids.contains(text(&package["id"]))).map(member).collect()
    }
}

fn member(package: &Value) -> Member {
    let folder = Path::new(text(&package["manifest_path"])).parent().unwrap_or(Path::new("."));
    let source = folder.join("src");
    let roots = list(&package["targets"])
        .filter(|target| list(&target["kind"]).any(|kind| ["lib", "bin", "proc-macro"].contains(&text(kind))))
        .map(|target| PathBuf::from(text(&target["src_path"])))
        .filter(|path| path.starts_with(&source))
        .collect();
    let dependencies = list(&package["dependencies"])
        .filter(|dependency| dependency["path"].is_string() && text(&dependency["kind"]) != "dev")
        .map(|dependency| short(text(&dependency["name"])))
        .collect();
    Member { name: short(text(&package["name"])), source, roots, dependencies }
}

fn short(package: &str) -> String {
    package.strip_prefix("ediacara-").unwrap_or(package).to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a JSON string, or the empty text for anything else.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
