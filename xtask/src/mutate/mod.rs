//! `cargo xtask mutate`: checks that every rule of the documents is really compared with the hardware.
//!
//! The hardware once runs random programs of every shape, and the handwritten ones of
//! `crates/sim/tests/faults`, and its answers are recorded. Then each row of the tables beside changes one
//! rule of the simulator, in a copy below `target/mutate`. The changed simulator must give another answer to
//! some program. If a change goes unnoticed, these programs do not check the rule, unless [`EXPLAINED`] says
//! why nobody can notice it. Faults of the compiler have tests to notice them instead ([`compiler`]).

mod compiler;
mod float;
mod numerics;
mod timing;
mod workbench;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use workbench::{Fate, Workbench};

const USAGE: &str = "usage: mutate [--list] [--only RULE] [--programs N] [--answers FILE]";
/// Programs of each shape.
const PROGRAMS: u64 = 150;

/// A change of one rule.
pub(crate) struct Mutation {
    /// The rule, as the documents name it; `ISA` for docs/isa.md, which has no identifiers.
    rule: &'static str,
    file: &'static str,
    /// The text that is replaced, which occurs exactly once in the file.
    text: &'static str,
    replacement: &'static str,
    /// What the changed machine does.
    description: &'static str,
}

const fn mutation(
    rule: &'static str,
    file: &'static str,
    text: &'static str,
    replacement: &'static str,
    description: &'static str,
) -> Mutation {
    Mutation { rule, file, text, replacement, description }
}

/// Rule and description of mutations that do not change the behaviour, and why.
const EXPLAINED: &[(&str, &str, &str)] = &[(
    "T-DRAM-GRANT",
    "at reset load is first",
    "the first grant of a program is always fetch's, and settles who comes next",
)];

fn mutations() -> impl Iterator<Item = &'static Mutation> {
    timing::MUTATIONS.iter().chain(numerics::MUTATIONS).chain(float::MUTATIONS)
}

impl Mutation {
    /// The file with the change.
    fn apply(&self, root: &Path) -> Result<String> {
        let path = root.join(self.file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        match text.matches(self.text).count() {
            1 => Ok(text.replacen(self.text, self.replacement, 1)),
            count => bail!("{}: `{}` occurs {count} times in {}", self.rule, self.text, self.file),
        }
    }

    fn explanation(&self) -> Option<&'static str> {
        let known = |(rule, description, _): &&(&str, &str, &str)| {
            *rule == self.rule && *description == self.description
        };
        EXPLAINED.iter().find(known).map(|(_, _, why)| *why)
    }
}

/// `--list`, `--only RULE`, `--programs N`, `--answers FILE` for answers that were recorded before.
pub(crate) fn run(root: &Path) -> Result<()> {
    let (mut only, mut answers, mut programs, mut is_list) = (None, None, PROGRAMS, false);
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => is_list = true,
            "--only" => only = Some(arguments.next().context("--only wants a rule")?),
            "--answers" => answers = Some(arguments.next().context("--answers wants a file")?),
            "--programs" => programs = arguments.next().context("--programs wants a number")?.parse()?,
            other => bail!("unknown argument `{other}`; {USAGE}"),
        }
    }
    let chosen: Vec<_> =
        mutations().filter(|row| only.as_deref().is_none_or(|rule| row.rule == rule)).collect();
    let with_compiler = only.as_deref().is_none_or(|rule| rule == compiler::RULE);
    if chosen.is_empty() && !with_compiler {
        bail!("no row of that rule; see --list");
    }
    if is_list {
        chosen.iter().for_each(|row| println!("{:<18} {:<45} {}", row.rule, row.description, row.file));
        let without = timing::WITHOUT.iter().chain(numerics::WITHOUT);
        without.for_each(|(rule, why)| println!("{rule:<18} no row: {why}"));
        for (detector, edits) in compiler::ROWS {
            println!("{:<18} {:<45} noticed by {detector} alone", compiler::RULE, edits[0].description);
        }
        return Ok(());
    }
    let mut survivors = if with_compiler { compiler::run(root)? } else { Vec::new() };
    if chosen.is_empty() {
        return end(&survivors);
    }
    let bench = Workbench::prepare(root, programs, answers.as_deref())?;
    let (mut killed, mut explained) = (0, 0);
    for row in &chosen {
        let changed = row.apply(root)?;
        let fate = bench.with_change(row.file, &changed)?;
        let verdict = match (&fate, row.explanation()) {
            (Fate::Killed(how), _) => {
                killed += 1;
                format!("killed    {how}")
            }
            (Fate::Survived, Some(why)) => {
                explained += 1;
                format!("explained {why}")
            }
            (Fate::Survived, None) => {
                survivors.push(format!("{}: {}", row.rule, row.description));
                "SURVIVED".to_owned()
            }
        };
        println!("{:<18} {:<52} {verdict}", row.rule, row.description);
    }
    println!("{} mutations: {killed} killed, {explained} explained", chosen.len());
    end(&survivors)
}

/// Fails where a change was not noticed.
fn end(survivors: &[String]) -> Result<()> {
    if !survivors.is_empty() {
        bail!("{} survive:\n  {}", survivors.len(), survivors.join("\n  "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_applies() {
        let root = crate::workspace_root();
        let rows = mutations().chain(compiler::ROWS.iter().flat_map(|(_, edits)| edits.iter().copied()));
        let problems: Vec<_> =
            rows.filter_map(|row| row.apply(&root).err()).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        let rows: BTreeSet<_> = mutations().map(|row| (row.rule, row.description)).collect();
        assert_eq!(rows.len(), mutations().count(), "two rows of one description");
        let is_known = |rule: &str, description: &str| rows.contains(&(rule, description));
        assert!(EXPLAINED.iter().all(|(rule, description, _)| is_known(rule, description)));
    }

    /// The identifiers that a document defines.
    fn rules(page: &str, prefix: &str) -> BTreeSet<String> {
        let path = crate::workspace_root().join("docs").join(page);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let start = format!("**{prefix}");
        let starts = text.lines().filter_map(|line| line.strip_prefix(&start));
        starts
            .filter_map(|rest| Some(format!("{prefix}{}", rest.split_once("**")?.0.trim_end_matches('.'))))
            .collect()
    }

    #[test]
    fn every_rule_has_a_row_or_a_reason() {
        let mut documented = rules("microarchitecture.md", "T-");
        documented.append(&mut rules("numerics.md", "N-"));
        assert!(documented.len() > 30, "{documented:?}");
        let without = timing::WITHOUT.iter().chain(numerics::WITHOUT).map(|(rule, _)| *rule);
        let told: BTreeSet<String> = mutations()
            .map(|row| row.rule)
            .filter(|rule| *rule != "ISA")
            .chain(without)
            .map(str::to_owned)
            .collect();
        assert_eq!(told, documented);
    }
}
