//! The pieces that were done, and for which commit.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// The outcome of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// The piece failed in this way.
    Failed(String),
    /// The piece cannot run here, for this reason.
    Skipped(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => write!(f, "passed"),
            Self::Failed(how) => write!(f, "FAILED ({how})"),
            Self::Skipped(why) => write!(f, "skipped ({why})"),
        }
    }
}

/// A piece that was run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) item: String,
    /// How much the piece does, which names it within its item.
    pub(super) amount: String,
    pub(super) seconds: f64,
    pub(super) outcome: Outcome,
}

impl Record {
    fn to_json(&self) -> Value {
        let (result, reason) = match &self.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(how) => ("failed", how.as_str()),
            Outcome::Skipped(why) => ("skipped", why.as_str()),
        };
        json!({ "item": self.item, "amount": self.amount, "seconds": self.seconds, "result": result, "reason": reason })
    }

    fn from_json(value: &Value) -> Option<Record> {
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let reason = text("reason")?;
        let outcome = match text("result")?.as_str() {
            "passed" => Outcome::Passed,
            "failed" => Outcome::Failed(reason),
            _ => Outcome::Skipped(reason),
        };
        let seconds = value.get("seconds")?.as_f64()?;
        Some(Record { item: text("item")?, amount: text("amount")?, seconds, outcome })
    }
}

/// The records of one commit, in a file.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    commit: String,
    records: Vec<Record>,
}

impl State {
    /// What the folder's file knows of this commit; nothing where it belongs to another one.
    pub(super) fn open(folder: &Path, commit: &str) -> Result<State> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let path = folder.join("state.json");
        let known: Value = fs::read_to_string(&path)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let is_same = known.get("commit").and_then(Value::as_str) == Some(commit);
        let records = known.get("records").and_then(Value::as_array).filter(|_| is_same);
        let records = records.into_iter().flatten().filter_map(Record::from_json).collect();
        Ok(State { path, commit: commit.to_owned(), records })
    }

    pub(super) fn commit(&self) -> &str {
        &self.commit
    }

    pub(super) fn find(&self, item: &str, amount: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.item == item && record.amount == amount)
    }

    pub(super) fn has_failed(&self, item: &str) -> bool {
        self.records.iter().any(|record| record.item == item && matches!(record.outcome, Outcome::Failed(_)))
    }

    pub(super) fn forget(&mut self, item: &str) {
        self.records.retain(|record| record.item != item);
    }

    /// Adds a record in place of an earlier one of the same piece, and writes the file.
    pub(super) fn add(&mut self, record: Record) -> Result<()> {
        self.records.retain(|known| known.item != record.item || known.amount != record.amount);
        self.records.push(record);
        let records: Vec<Value> = self.records.iter().map(Record::to_json).collect();
        let text = serde_json::to_string_pretty(&json!({ "commit": self.commit, "records": records }))?;
        let beside = self.path.with_extension("new");
        fs::write(&beside, text + "\n").with_context(|| beside.display().to_string())?;
        fs::rename(&beside, &self.path).with_context(|| self.path.display().to_string())
    }
}

/// The commit that is checked out; if files were changed since, with the hash of the changes.
pub(super) fn commit(root: &Path) -> Result<String> {
    let git = |arguments: &[&str]| -> Result<Vec<u8>> {
        let output =
            Command::new("git").current_dir(root).args(arguments).output().context("cannot start git")?;
        if !output.status.success() {
            bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    };
    let head = String::from_utf8(git(&["rev-parse", "HEAD"])?)?.trim().to_owned();
    let changes = git(&["diff", "HEAD", "--binary"])?;
    if changes.is_empty() {
        return Ok(format!("commit {head}"));
    }
    let mut hash = Command::new("git")
        .current_dir(root)
        .args(["hash-object", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start git")?;
    // Dropping the pipe closes it, and git waits for that.
    std::io::Write::write_all(&mut hash.stdin.take().context("git takes no input")?, &changes)?;
    let hash = String::from_utf8(hash.wait_with_output()?.stdout)?;
    Ok(format!("commit {head} with changes {}", hash.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(amount: &str, outcome: Outcome) -> Record {
        Record { item: "motifs".to_owned(), amount: amount.to_owned(), seconds: 1.5, outcome }
    }

    #[test]
    fn a_state_goes_on_with_its_commit_only() {
        let folder = std::env::temp_dir().join(format!("ediacara-nightly-{}", std::process::id()));
        let mut state = State::open(&folder, "commit a").unwrap();
        state.add(record("1", Outcome::Failed("badly".to_owned()))).unwrap();
        state.add(record("2", Outcome::Skipped("no data".to_owned()))).unwrap();
        assert!(state.has_failed("motifs"));
        state.add(record("1", Outcome::Passed)).unwrap();
        let again = State::open(&folder, "commit a").unwrap();
        assert_eq!(again.find("motifs", "1"), Some(&record("1", Outcome::Passed)));
        assert_eq!(again.find("motifs", "2"), Some(&record("2", Outcome::Skipped("no data".to_owned()))));
        assert!(!again.has_failed("motifs"));
        assert_eq!(State::open(&folder, "commit b").unwrap().records, []);
        state.forget("motifs");
        assert_eq!(state.records, []);
        fs::remove_dir_all(&folder).unwrap();
    }
}
