//! The pages: a file that a page names in code letters exists.
//!
//! A name is a span between backquotes that begins with a folder of the project and holds nothing but letters, digits and `/._-`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

/// The folders that names begin with.
const FOLDERS: [&str; 9] =
    ["assets/", "benches/", "crates/", "docs/", "examples/", "recipes/", "rtl/", "tests/", "xtask/"];

/// The changelog names files that are gone.
const CHANGELOG: &str = "CHANGELOG.md";

/// The names of files that do not exist, in the pages that Git knows.
pub(crate) fn offences(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z", "*.md"]).current_dir(root).output();
    let output = output.context("cannot start git")?;
    let mut offences = Vec::new();
    for page in String::from_utf8_lossy(&output.stdout).split('\0') {
        if page.is_empty() || page == CHANGELOG {
            continue;
        }
        let text = std::fs::read_to_string(root.join(page)).with_context(|| format!("cannot read {page}"))?;
        for (line, name) in names(&text) {
            if !root.join(name).exists() {
                offences.push(format!("{page}:{line} names `{name}`, which does not exist"));
            }
        }
    }
    Ok(offences)
}

/// Line numbers, from 1, and names of files.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let spans = line.split('`').skip(1).step_by(2);
        spans.filter(|span| is_name(span)).map(move |span| (index + 1, span))
    })
}

fn is_name(span: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    FOLDERS.iter().any(|folder| span.starts_with(folder)) && span.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_told_from_other_spans() {
        let page =
            "See `crates/isa/src/table.rs` and `isa`.\nNot `crates/*/src`, but `rtl/ram.sv`, `docs`.\n";
        let found: Vec<_> = names(page).collect();
        assert_eq!(found, [(1, "crates/isa/src/table.rs"), (2, "rtl/ram.sv")]);
    }
}
