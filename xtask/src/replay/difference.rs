//! What differs between the lines of two builds.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result, bail};

/// The text between the subject of a line and its outcome.
const SEPARATOR: &str = " | ";

/// A line that is not the same in both builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The network, the machine, and the passes that were left out.
    subject: String,
    /// The outcome; nothing where a build has no such line.
    before: Option<String>,
    after: Option<String>,
}

/// What [`difference`] finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The changes by subject.
    pub(super) changes: Vec<Change>,
    /// Lines that both builds have alike.
    pub(super) same: usize,
}

/// Compares lines by their subjects, in whatever order they come.
///
/// # Errors
/// A line has no separator, or two lines of a build have the same subject.
pub(super) fn difference(before: &str, after: &str) -> Result<Difference> {
    let (before, after) = (by_subject(before)?, by_subject(after)?);
    let mut found = Difference::default();
    let subjects: std::collections::BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for subject in subjects {
        let (old, new) = (before.get(subject), after.get(subject));
        if old == new {
            found.same += 1;
            continue;
        }
        let text = |line: Option<&&str>| line.map(|line| (*line).to_owned());
        found.changes.push(Change { subject: subject.to_owned(), before: text(old), after: text(new) });
    }
    Ok(found)
}

fn by_subject(lines: &str) -> Result<BTreeMap<&str, &str>> {
    let mut found = BTreeMap::new();
    for line in lines.lines() {
        let parts = line.split_once(SEPARATOR);
        let (subject, result) = parts.with_context(|| format!("`{line}` is no line of a comparison"))?;
        if found.insert(subject, result).is_some() {
            bail!("two lines are about `{subject}`");
        }
    }
    Ok(found)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |line: &Option<String>| line.clone().unwrap_or_else(|| "(no such line)".to_owned());
        write!(f, "{}\n  before {}\n  after  {}", self.subject, text(&self.before), text(&self.after))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_by_what_they_are_about() {
        let before = "a dlp16 - | 12 cycles\nb dlp16 - | 5 cycles\nc dlp16 - | 7 cycles\n";
        let after = "d dlp16 - | 9 cycles\nb dlp16 - | 6 cycles\na dlp16 - | 12 cycles\n";
        let found = difference(before, after).unwrap();
        assert_eq!(found.same, 1);
        let texts: Vec<String> = found.changes.iter().map(Change::to_string).collect();
        assert_eq!(
            texts,
            [
                "b dlp16 -\n  before 5 cycles\n  after  6 cycles",
                "c dlp16 -\n  before 7 cycles\n  after  (no such line)",
                "d dlp16 -\n  before (no such line)\n  after  9 cycles",
            ]
        );
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let problem = |text| difference(text, "").unwrap_err().to_string();
        assert_eq!(problem("panicked"), "`panicked` is no line of a comparison");
        assert_eq!(problem("a | 1\na | 1"), "two lines are about `a`");
    }
}
