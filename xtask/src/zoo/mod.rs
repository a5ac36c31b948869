//! `cargo xtask zoo`: real networks out of packages, as nobody tuned them for this project, each run on a real input;
//! the tables of docs/zoo.md.
//!
//! The example `zoo` of the crate `ediacara` runs one network and prints what it found. Each network is a process of
//! its own, so that one that fails becomes a row and stops no other.

mod packages;
mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::page;

const PAGE: &str = "docs/zoo.md";
/// The page's tables by name, each with its head.
const TABLES: [(&str, &[&str]); 5] = [
    ("figures", rows::FIGURES),
    ("answers", rows::ANSWERS),
    ("floats", rows::FLOATS),
    ("host", rows::HOST),
    ("files", rows::USAGE),
];
const USAGE: &str = "usage: zoo [--only PART] [--check]";

/// Fetches the packages, runs the networks and rewrites the page.
///
/// `--only PART` runs the networks whose names have this part, and leaves the other rows. `--check` leaves the page. It
/// fails at the end if a network failed, differs from the host, is not proven, runs too little on the DLP, or answers
/// wrongly.
pub(crate) fn run(root: &Path) -> Result<()> {
    let (mut only, mut is_check) = (String::new(), false);
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only = arguments.next().context("--only wants a part of a network's name")?,
            "--check" => is_check = true,
            other => bail!("unknown argument `{other}`; {USAGE}"),
        }
    }
    let start = Instant::now();
    let packages = packages::ensure(root)?;
    let example = build(root, &["ediacara", "--example"], "zoo")?;
    let zoo = Zoo { root, packages, example, command: build(root, &["ediacara-cli", "--bin"], "ediacara")? };
    let names = zoo.names()?;
    let mut tables: [_; TABLES.len()] = std::array::from_fn(|_| BTreeMap::new());
    let mut problems = Vec::new();
    let mut tried = BTreeMap::new();
    for name in names.iter().filter(|name| name.contains(&only)) {
        let begun = Instant::now();
        let row = match zoo.measure(name)? {
            Ok(found) => {
                problems
                    .extend(rows::problems(&found).into_iter().map(|problem| format!("{name}: {problem}")));
                let file = zoo.packages.join(rows::text(&found, "package")).join(rows::text(&found, "file"));
                let alone = tried.entry(file.clone()).or_insert_with(|| zoo.alone(&file));
                problems
                    .extend(rows::complaints(alone).map(|problem| format!("{name}, file alone: {problem}")));
                [
                    rows::figures(&found),
                    rows::answers(&found),
                    rows::floats(&found),
                    rows::host(&found),
                    rows::usage(&found, alone),
                ]
            }
            Err(error) => {
                let line = error.lines().next().unwrap_or("it ended without a word").to_owned();
                problems.push(format!("{name}: {line}"));
                [
                    rows::failed(name, &line, rows::FIGURES),
                    rows::failed(name, &line, rows::ANSWERS),
                    String::new(),
                    rows::failed(name, &line, rows::HOST),
                    String::new(),
                ]
            }
        };
        println!("{} {:.0} s", row[0], begun.elapsed().as_secs_f64());
        for (table, row) in tables.iter_mut().zip(row) {
            table.insert(name.clone(), row);
        }
    }
    if !is_check {
        for ((task, head), table) in TABLES.into_iter().zip(&tables) {
            write(root, task, head, &names, table)?;
        }
    }
    println!("{:.1} minutes", start.elapsed().as_secs_f64() / 60.0);
    if !problems.is_empty() {
        bail!("{} problems:\n{}", problems.len(), problems.join("\n"));
    }
    Ok(())
}

/// Builds a program, and returns where it is.
fn build(root: &Path, package: &[&str], name: &str) -> Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args([
        "build",
        "--release",
        "--locked",
        "--message-format=json-render-diagnostics",
    ]);
    command.arg("--package").args(package).arg(name).stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo")?;
    let built = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    };
    let found = String::from_utf8_lossy(&output.stdout).lines().filter_map(built).next_back();
    found.filter(|_| output.status.success()).with_context(|| format!("{name} cannot be built"))
}

struct Zoo<'a> {
    root: &'a Path,
    packages: PathBuf,
    /// The example that runs one network.
    example: PathBuf,
    /// The command `ediacara`.
    command: PathBuf,
}

impl Zoo<'_> {
    /// The example, for the network of a name or for the list of names.
    fn example(&self, name: Option<&str>) -> Result<Output> {
        let mut command = Command::new(&self.example);
        command.current_dir(self.root).arg(&self.packages).args(name);
        command.env("EDIACARA_DATA", crate::data(self.root)).stdin(Stdio::null());
        command.output().context("the zoo cannot be started")
    }

    fn names(&self) -> Result<Vec<String>> {
        let output = self.example(None)?;
        let names: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        if names.is_empty() {
            bail!("the zoo names no network: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(names)
    }

    /// What was found of a network, or its error.
    fn measure(&self, name: &str) -> Result<Result<Value, String>> {
        let output = self.example(Some(name))?;
        if output.status.success() {
            return Ok(Ok(serde_json::from_slice(&output.stdout).context("the zoo printed no JSON")?));
        }
        let error = String::from_utf8_lossy(&output.stderr).trim().trim_start_matches("error: ").to_owned();
        Ok(Err(error))
    }

    /// What `ediacara run` says of a file that is given no option, where that is an error.
    fn alone(&self, file: &Path) -> Option<String> {
        let output = Command::new(&self.command).arg("run").arg(file).stdin(Stdio::null()).output();
        let output = output.ok().filter(|output| !output.status.success())?;
        let folder = format!("{}/", self.packages.display());
        Some(String::from_utf8_lossy(&output.stderr).trim().replace(&folder, ""))
    }
}

/// Writes a table; rows of networks that were not run stay as the page has them.
fn write(
    root: &Path,
    task: &str,
    head: &[&str],
    names: &[String],
    rows: &BTreeMap<String, String>,
) -> Result<()> {
    let text = fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let old = rows::by_name(&text, task);
    let mut table = rows::head(head);
    for name in names {
        if let Some(row) = rows.get(name).or_else(|| old.get(name)).filter(|row| !row.is_empty()) {
            table += &format!("\n{row}");
        }
    }
    page::replace(root, PAGE, &format!("zoo {task}"), &table)
}
