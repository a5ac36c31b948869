//! `cargo xtask formal`: proves units of the hardware against what `tests/proofs` says of them, for every operand.
//!
//! Yosys writes a unit as a formula, and Bitwuzla looks for operands that meet a proof's assumptions and not its claim. A file
//! `MODULE.smt2` or `MODULE.CASE.smt2` is a proof: in SMT-LIB 2 it defines `assumed` and `claimed` of a `state` of the module,
//! with the words of `prelude.smt2`. Its first line says what it proves.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::programs::run as run_command;
use crate::synth::yosys;

/// The wheel of the solver.
const PACKAGE: &str = "bitwuzla==0.10.0";
/// Prints what the solver finds in a file, a line for each check.
const SOLVE: &str =
    "import bitwuzla, sys\nbitwuzla.Parser(bitwuzla.TermManager(), bitwuzla.Options()).parse(sys.argv[1])";
/// Whether operands meet the assumptions: they must.
const ASSUMPTIONS: &str = "(assert assumed)\n(check-sat)\n";
/// Whether any of these operands breaks the claim: none may.
const CLAIM: &str = "(assert assumed)\n(assert (not claimed))\n(check-sat)\n";
/// What every module may use.
const PACKAGES: &[&str] = &["ediacara_float_pkg.sv", "float_round.sv"];

/// Proves everything, or what `--only PROOF` names.
///
/// # Errors
/// A proof does not hold, which is named with its formula; or a tool fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let only = match std::env::args().skip(2).collect::<Vec<_>>().as_slice() {
        [] => None,
        [option, name] if option == "--only" => Some(name.clone()),
        _ => bail!("usage: formal [--only PROOF]"),
    };
    let mut proofs = names(root)?;
    proofs.retain(|name| only.as_ref().is_none_or(|only| only == name));
    if proofs.is_empty() {
        bail!("there is no such proof; known are {}", names(root)?.join(", "));
    }
    let (yosys, solver) = (yosys::ensure(root)?, ensure(root)?);
    let folder = root.join("target/formal");
    fs::create_dir_all(&folder)?;
    for module in proofs.iter().map(|name| module_of(name)).collect::<BTreeSet<_>>() {
        formula(root, &yosys, &folder, module)?;
    }
    let mut failed = Vec::new();
    for name in &proofs {
        let start = Instant::now();
        let (text, title) = text(root, &folder, name)?;
        let assumptions =
            answer(&solver, &folder.join(format!("{name}.assumed.smt2")), &[&text, ASSUMPTIONS])?;
        let path = folder.join(format!("{name}.smt2"));
        let verdict = match assumptions.as_str() {
            "sat" => verdict(&answer(&solver, &path, &[&text, CLAIM])?),
            _ => "SAYS NOTHING: no operand meets its assumptions",
        };
        println!("{name}: {title} {verdict} ({:.0} s)", start.elapsed().as_secs_f64());
        if verdict != PROVEN {
            failed.push(format!("{name} ({})", path.display()));
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} are not proven: {}", failed.len(), proofs.len(), failed.join(", "));
    }
    println!("{} proofs hold", proofs.len());
    Ok(())
}

const PROVEN: &str = "proven";

/// What it means that the solver finds operands that break a claim, or none.
fn verdict(answer: &str) -> &'static str {
    match answer {
        "unsat" => PROVEN,
        "sat" => "WRONG for some operands",
        _ => "UNDECIDED",
    }
}

/// What the solver says of a text, which is written into a file for it.
fn answer(solver: &Path, path: &Path, text: &[&str]) -> Result<String> {
    fs::write(path, text.concat()).with_context(|| path.display().to_string())?;
    let output = Command::new(solver).args(["-c", SOLVE]).arg(path).output().context("the solver")?;
    if !output.status.success() {
        bail!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn folder_of(root: &Path) -> PathBuf {
    root.join("tests/proofs")
}

/// The proofs, in the order of their names.
fn names(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder_of(root)).context("tests/proofs")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        found.extend(name.strip_suffix(".smt2").filter(|name| *name != "prelude").map(str::to_owned));
    }
    found.sort_unstable();
    Ok(found)
}

/// The module that a proof is about.
fn module_of(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Writes a module as a formula.
fn formula(root: &Path, yosys: &Path, folder: &Path, module: &str) -> Result<()> {
    let own = format!("{module}.sv");
    let files = PACKAGES.iter().copied().chain([own.as_str()]);
    for file in files.clone() {
        fs::copy(root.join("rtl").join(file), folder.join(file)).with_context(|| format!("rtl/{file}"))?;
    }
    let files = files.collect::<Vec<_>>().join(" ");
    let script = format!(
        "read_slang -j 1 --top {module} {files}\nhierarchy -check -top {module}\nproc -latches error\nflatten\nopt\n\
         write_smt2 {module}.formula\n"
    );
    yosys::run(yosys, folder, module, &script)
}

/// The unit and what is said of it, but for the question; and what the proof proves.
fn text(root: &Path, folder: &Path, name: &str) -> Result<(String, String)> {
    let module = module_of(name);
    let read = |path: PathBuf| fs::read_to_string(&path).with_context(|| path.display().to_string());
    let proof = read(folder_of(root).join(format!("{name}.smt2")))?;
    let title = proof.lines().next().and_then(|line| line.strip_prefix("; "));
    let title = title.with_context(|| format!("{name}: its first line must say what it proves"))?.to_owned();
    let text = [
        "(set-logic ALL)\n",
        &read(folder.join(format!("{module}.formula")))?,
        &read(folder_of(root).join("prelude.smt2"))?,
        &format!("(declare-const state |{module}_s|)\n"),
        &proof,
    ];
    Ok((text.concat(), title))
}

/// The Python that has the solver, in `target/formal-venv`, installed if need be.
fn ensure(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/formal-venv");
    let python = folder.join("bin/python");
    if !python.exists() {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    let there = Command::new(&python).args(["-c", "import bitwuzla"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        run_command(Command::new(&python).args(["-m", "pip", "install", "--quiet", PACKAGE]))?;
    }
    Ok(python)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    #[test]
    fn every_proof_is_about_a_module_and_says_what_it_proves() {
        let root = crate::workspace_root();
        let names = names(&root).unwrap();
        assert!(names.len() >= 10, "{names:?}");
        for name in names {
            assert!(root.join("rtl").join(format!("{}.sv", module_of(&name))).exists(), "{name}");
            let text = fs::read_to_string(folder_of(&root).join(format!("{name}.smt2"))).unwrap();
            assert!(text.starts_with("; "), "{name}");
            for word in ["(define-fun assumed () Bool", "(define-fun claimed () Bool"] {
                assert_eq!(text.matches(word).count(), 1, "{name}: {word}");
            }
        }
    }

    #[test]
    fn only_one_answer_is_a_proof() {
        assert_eq!(verdict("unsat"), PROVEN);
        for other in ["sat", "unknown", "", "unsat\nunsat"] {
            assert_ne!(verdict(other), PROVEN, "{other}");
        }
    }
}
