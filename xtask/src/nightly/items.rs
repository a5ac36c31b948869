//! The list: what is too long for CI, in pieces of minutes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::verilator;

/// Something that takes long.
pub(super) struct Item {
    /// For `--only`.
    pub(super) name: &'static str,
    /// What it is, and how much of it.
    pub(super) help: &'static str,
    /// Its pieces, where items without an end run for so many minutes.
    pub(super) pieces: fn(&Path, u64) -> Vec<Piece>,
}

/// What is run, and resumed, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// How much, which names it within its item.
    pub(super) amount: String,
    pub(super) job: Job,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// A command of cargo's, of another toolchain where one is named.
    Cargo {
        toolchain: Option<&'static str>,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    },
    /// What is missing.
    Absent(String),
}

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "motifs",
        help: "20,000 networks of motifs on every preset, host and simulator",
        pieces: motifs,
    },
    Item { name: "soak", help: "random programs, simulator and RTL in lockstep (--minutes)", pieces: soak },
    Item { name: "rtl-networks", help: "whole networks, simulator and RTL", pieces: rtl_networks },
    Item { name: "mutate", help: "every mutation of the simulator and the compiler", pieces: mutate },
    Item {
        name: "bench-compiler",
        help: "cycles of the networks as docs/results.md has them",
        pieces: bench_compiler,
    },
    Item { name: "fuzz", help: "damaged programs, executables and models (--minutes)", pieces: fuzz },
    Item {
        name: "fuzz-address-sanitizer",
        help: "the same under the address sanitizer (--minutes)",
        pieces: fuzz_address_sanitizer,
    },
];

fn cargo(arguments: &[&str], environment: Vec<(&'static str, String)>) -> Job {
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Job::Cargo { toolchain: None, arguments, environment }
}

fn motifs(_: &Path, _: u64) -> Vec<Piece> {
    let piece = |thousand: u64| {
        let (from, to) = (1000 * thousand, 1000 * (thousand + 1));
        let test = ["test", "--locked", "--package", "ediacara-compiler", "--test", "all", "motifs"];
        let job = cargo(
            &[&test[..], &["--", "--nocapture"]].concat(),
            vec![("EDIACARA_MOTIFS", format!("{from}..{to}"))],
        );
        Piece { amount: format!("networks {from} to {to}"), job }
    };
    (0..20).map(piece).collect()
}

/// Rounds of ten minutes, so that little is lost where one is interrupted.
fn soak(_: &Path, minutes: u64) -> Vec<Piece> {
    let piece = |round: u64| {
        // Far apart: no round of ten minutes comes near so many seeds. CI has those below.
        let seed = 1_000_000_000 * (round + 1);
        let length = (minutes - 10 * round).min(10);
        let (length, seed) = (length.to_string(), seed.to_string());
        let job = cargo(&["xtask", "soak", "--minutes", &length, "--seed", &seed], Vec::new());
        Piece { amount: format!("{length} minutes from seed {seed}"), job }
    };
    (0..minutes.div_ceil(10)).map(piece).collect()
}

/// Networks that come with the tools, and those of the data folder.
const NETWORKS: &[&str] = &["efficientnet_lite0", "mobilenet_v2", "alexnet", "resnet50", "resnet152"];
const MODELS: &[&str] =
    &["mobilenet_v2_qdq", "resnet20_cifar10", "squeezenet10_deepcompressed", "fastestdet"];

fn rtl_networks(root: &Path, _: u64) -> Vec<Piece> {
    let run = |name: &str| {
        let verilator = match verilator::ensure(root) {
            Ok(command) => command.display().to_string(),
            Err(error) => return Job::Absent(format!("{error:#}")),
        };
        let arguments =
            ["run", "--release", "--locked", "--package", "ediacara-cli", "--", "verify", name, "--json"];
        cargo(&arguments, vec![("EDIACARA_VERILATOR", verilator)])
    };
    let built_in = NETWORKS.iter().map(|&name| Piece { amount: name.to_owned(), job: run(name) });
    let models = MODELS.iter().map(|&name| {
        let path = data(root).join("models").join(name).join("model.onnx");
        let job = if path.exists() {
            run(&path.display().to_string())
        } else {
            Job::Absent("its file is not in the data folder".to_owned())
        };
        Piece { amount: name.to_owned(), job }
    });
    built_in.chain(models).collect()
}

/// Where the tests find their data.
fn data(root: &Path) -> PathBuf {
    std::env::var_os("EDIACARA_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from)
}

fn mutate(_: &Path, _: u64) -> Vec<Piece> {
    vec![Piece { amount: "all rows".to_owned(), job: cargo(&["xtask", "mutate"], Vec::new()) }]
}

fn bench_compiler(_: &Path, _: u64) -> Vec<Piece> {
    let job = cargo(&["xtask", "bench-compiler", "--check"], Vec::new());
    vec![Piece { amount: "all networks".to_owned(), job }]
}

/// Entry points for fuzzing: the tests that call them with damaged input.
const TARGETS: &[(&str, &str, &str, &str)] = &[
    ("programs (fuzz_assemble)", "ediacara-isa", "damage", "damaged_sources"),
    ("executables (fuzz_executable)", "ediacara-isa", "damage", "damaged_files"),
    ("models (fuzz_import)", "ediacara-onnx", "hostile", "damaged_models"),
];

/// Rounds of other seeds than CI's: one for each five minutes, as each target takes up to two.
fn fuzz(_: &Path, minutes: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for round in 1..=minutes.div_ceil(5) {
        for (name, package, test, case) in TARGETS {
            let arguments =
                ["test", "--locked", "--package", package, "--test", test, case, "--", "--nocapture"];
            let job = cargo(&arguments, vec![("EDIACARA_FUZZ_ROUND", round.to_string())]);
            pieces.push(Piece { amount: format!("{name}, round {round}"), job });
        }
    }
    pieces
}

/// The toolchain that has sanitizers.
const NIGHTLY: &str = "nightly";

fn fuzz_address_sanitizer(root: &Path, minutes: u64) -> Vec<Piece> {
    let host = host_with_sanitizer();
    let under_sanitizer = |piece: Piece| {
        let job = match (&host, piece.job) {
            (Err(why), _) => Job::Absent(why.clone()),
            (Ok(host), Job::Cargo { mut arguments, mut environment, .. }) => {
                // With a target, so that build scripts and macros stay as they are.
                arguments.splice(1..1, ["--target".to_owned(), host.clone()]);
                environment.push(("RUSTFLAGS", "-Zsanitizer=address".to_owned()));
                environment.push(("CARGO_TARGET_DIR", root.join("target/asan").display().to_string()));
                Job::Cargo { toolchain: Some(NIGHTLY), arguments, environment }
            }
            (Ok(_), absent) => absent,
        };
        Piece { job, ..piece }
    };
    fuzz(root, minutes).into_iter().map(under_sanitizer).collect()
}

/// The host's triple, if its nightly toolchain has the address sanitizer.
fn host_with_sanitizer() -> Result<String, String> {
    let missing = |what: &str| format!("{what}: `rustup toolchain install {NIGHTLY}`");
    let output = Command::new("rustup")
        .args(["run", NIGHTLY, "rustc", "-vV"])
        .stderr(Stdio::null())
        .output()
        .map_err(|_| missing("no rustup"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.filter(|_| output.status.success()).ok_or_else(|| missing("no nightly toolchain"))?;
    let folder = Command::new("rustup")
        .args(["run", NIGHTLY, "rustc", "--print", "target-libdir"])
        .output()
        .map_err(|_| missing("no rustup"))?;
    let folder = PathBuf::from(String::from_utf8_lossy(&folder.stdout).trim());
    let is_sanitizer = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().contains("rt.asan");
    let mut files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    match files.any(|entry| is_sanitizer(&entry)) {
        true => Ok(host.to_owned()),
        false => Err(format!("the nightly toolchain has no address sanitizer for {host}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pieces_have_names_of_their_own() {
        let root = crate::workspace_root();
        for item in ITEMS.iter().filter(|item| item.name != "rtl-networks") {
            let pieces = (item.pieces)(&root, 25);
            let names: BTreeSet<_> = pieces.iter().map(|piece| piece.amount.clone()).collect();
            assert_eq!(names.len(), pieces.len(), "{}", item.name);
        }
    }

    #[test]
    fn rounds_make_up_the_minutes() {
        let amounts: Vec<_> = soak(Path::new("."), 25).into_iter().map(|piece| piece.amount).collect();
        let wanted = [(10, 1), (10, 2), (5, 3)]
            .map(|(length, round)| format!("{length} minutes from seed {round}000000000"));
        assert_eq!(amounts, wanted);
    }
}
