//! The committed files: none is large, and text has no tabs, no trailing space and a newline at its end.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// Largest file that may be committed outside `models/`, `assets/` and lock files, in bytes.
const LARGEST_FILE_BYTES: u64 = 1_000_000;

/// What is wrong with the files that Git knows.
///
/// It fails where Git cannot be started or a text is not UTF-8.
pub(crate) fn offences(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let output = output.context("cannot start git")?;
    let mut offences = Vec::new();
    for name in String::from_utf8_lossy(&output.stdout).split('\0').filter(|name| !name.is_empty()) {
        let path = root.join(name);
        let Ok(information) = std::fs::metadata(&path) else { continue };
        let data = name.starts_with("models/") || name.starts_with("assets/") || name.ends_with(".lock");
        if information.len() > LARGEST_FILE_BYTES && !data {
            offences.push(format!("{name} has {} bytes", information.len()));
        }
        if name.ends_with(".rs") || name.ends_with(".md") || name.ends_with(".toml") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
            offences.extend(text_offences(name, &text));
        }
    }
    Ok(offences)
}

fn text_offences(name: &str, text: &str) -> Vec<String> {
    let mut offences = Vec::new();
    if !text.ends_with('\n') && !text.is_empty() {
        offences.push(format!("{name} does not end with a newline"));
    }
    for (index, line) in text.lines().enumerate() {
        if line.ends_with(' ') || line.contains('\t') {
            offences.push(format!("{name}:{} has trailing space or a tab", index + 1));
        }
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_trailing_space_and_a_missing_newline_are_named() {
        assert_eq!(text_offences("a.md", "one\ntwo\n"), Vec::<String>::new());
        let wanted = [
            "a.md does not end with a newline",
            "a.md:1 has trailing space or a tab",
            "a.md:2 has trailing space or a tab",
        ];
        assert_eq!(text_offences("a.md", "one \n\ttwo\nthree"), wanted);
    }
}
