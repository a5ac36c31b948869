//! `cargo xtask replay OLD`: compares the programs of two builds.
//!
//! A refactor shows an empty difference.
//!
//! Each build prints its own lines (`crates/ediacara/examples/replay.rs`), one for each program, and
//! [`difference()`] compares them. An older revision is built in a worktree of its own. Its lines stay in
//! `target/replay`, so that they are made once.

mod difference;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use difference::difference;

const USAGE: &str =
    "usage: replay OLD [--motifs N] [--only PART]; OLD is a revision, or a file of lines of an earlier run";
/// Networks of motifs of a whole comparison.
const MOTIFS: u64 = 2_000;
/// Stack of a thread that compiles.
const STACK_BYTES: u64 = 1 << 30;
/// Differences that are printed in full.
const PRINTED: usize = 40;

/// What is compiled.
struct Extent {
    motifs: u64,
    /// Only networks whose name contains this.
    only: String,
}

impl Extent {
    /// Part of a file's name.
    fn name(&self) -> String {
        let part: String = self.only.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        format!("{}-{part}", self.motifs)
    }
}

/// Runs the comparison.
///
/// Arguments are `OLD`, `--motifs N`, and `--only PART` of a network's name.
pub(crate) fn run(root: &Path) -> Result<()> {
    let (mut old, mut extent) = (None, Extent { motifs: MOTIFS, only: String::new() });
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--motifs" => {
                let count = arguments.next().and_then(|text| text.replace('_', "").parse().ok());
                extent.motifs = count.context("--motifs wants a number")?;
            }
            "--only" => extent.only = arguments.next().context("--only wants a part of a name")?,
            other if other.starts_with('-') || old.is_some() => bail!("unknown argument `{other}`; {USAGE}"),
            _ => old = Some(argument),
        }
    }
    let old = old.context(USAGE)?;
    let folder = root.join("target/replay");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let before = match Path::new(&old) {
        path if path.is_file() => fs::read_to_string(path).with_context(|| old.clone())?,
        _ => lines_of_revision(root, &folder, &old, &extent)?,
    };
    println!("== this tree");
    let after = lines(root, root, &extent)?;
    let file = folder.join(format!("new-{}.txt", extent.name()));
    fs::write(&file, &after).with_context(|| file.display().to_string())?;
    println!("== {old} beside this tree, whose lines are in {}", file.display());
    report(&before, &after)
}

fn report(before: &str, after: &str) -> Result<()> {
    let found = difference(before, after)?;
    for change in found.changes.iter().take(PRINTED) {
        println!("{change}");
    }
    if found.changes.len() > PRINTED {
        println!("and {} more", found.changes.len() - PRINTED);
    }
    if found.same == 0 && found.changes.is_empty() {
        bail!("nothing was compared: both builds printed no line");
    }
    println!("{} lines are the same", found.same);
    match found.changes.len() {
        0 => Ok(()),
        count => bail!("{count} lines differ"),
    }
}

/// The lines of a revision, made in a worktree that is removed again.
fn lines_of_revision(root: &Path, folder: &Path, revision: &str, extent: &Extent) -> Result<String> {
    let commit = git(root, &["rev-parse", "--verify", &format!("{revision}^{{commit}}")])?;
    let short = commit.get(..12).unwrap_or(&commit);
    let file = folder.join(format!("{short}-{}.txt", extent.name()));
    if let Ok(lines) = fs::read_to_string(&file) {
        println!("== {revision}: its lines are in {}", file.display());
        return Ok(lines);
    }
    println!("== {revision}");
    let tree = folder.join(short);
    // Removes what an interrupted run left.
    let _ = git(root, &["worktree", "remove", "--force", &tree.display().to_string()]);
    git(root, &["worktree", "add", "--detach", &tree.display().to_string(), &commit])?;
    let lines = match tree.join("crates/ediacara/examples/replay.rs").is_file() {
        true => lines(root, &tree, extent),
        false => Err(anyhow::anyhow!("{revision} is older than this comparison: it has no example `replay`")),
    };
    git(root, &["worktree", "remove", "--force", &tree.display().to_string()])?;
    let lines = lines?;
    fs::write(&file, &lines).with_context(|| file.display().to_string())?;
    Ok(lines)
}

/// Builds a tree, beside what is built of the other, and lets it print its lines.
fn lines(root: &Path, tree: &Path, extent: &Extent) -> Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(tree)
        .args(["run", "--release", "--locked", "--package", "ediacara", "--example", "replay", "--"])
        .args([extent.motifs.to_string(), extent.only.clone()])
        .env("CARGO_TARGET_DIR", target(root))
        .env("EDIACARA_DATA", crate::data(root))
        // In an older build, a network may begin inside the other.
        .env("RUST_MIN_STACK", STACK_BYTES.to_string())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("{}: the example `replay` ended with {}", tree.display(), output.status);
    }
    String::from_utf8(output.stdout).context("its lines are no text")
}

fn target(root: &Path) -> OsString {
    std::env::var_os("CARGO_TARGET_DIR")
        .unwrap_or_else(|| PathBuf::from(root).join("target").into_os_string())
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("git").current_dir(root).args(arguments).output().context("cannot start git")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
