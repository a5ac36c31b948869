//! The list of work that is too long for CI, in pieces of minutes.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::verilator;

/// Something that takes long.
pub(super) struct Item {
    /// The name for `--only`.
    pub(super) name: &'static str,
    /// What it is, and how much of it.
    pub(super) help: &'static str,
    /// How many processors it keeps busy.
    pub(super) load: Load,
    /// Its pieces, where items without an end run for so many minutes.
    pub(super) pieces: fn(&Path, u64) -> Vec<Piece>,
}

/// How many processors an item keeps busy.
///
/// Items of one kind run one after the other, beside those of the other kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// As many as there are.
    Many,
    /// One, for the most part.
    One,
}

impl Load {
    /// Both kinds.
    pub(super) const ALL: [Load; 2] = [Load::Many, Load::One];
}

/// A command that is run, and resumed, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// How much it does, which names it within its item.
    pub(super) amount: String,
    pub(super) job: Job,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// A command of cargo's, with another toolchain where one is named.
    Cargo {
        toolchain: Option<&'static str>,
        arguments: Vec<String>,
        environment: Vec<(&'static str, String)>,
    },
    /// Something is missing, which is named.
    Absent(String),
}

pub(super) const ITEMS: &[Item] = &[
    Item {
        name: "motifs",
        help: "20,000 networks of motifs on every preset, host and simulator",
        load: Load::Many,
        pieces: motifs,
    },
    Item {
        name: "strewn",
        help: "20,000 networks with a node in five on the host, host and simulator, proven",
        load: Load::Many,
        pieces: strewn,
    },
    Item {
        name: "onnx-files",
        help: "5,000 random ONNX files against onnxruntime, host and simulator, proven",
        load: Load::Many,
        pieces: onnx_files,
    },
    Item {
        name: "soak",
        help: "random programs, simulator and RTL in lockstep (--minutes)",
        load: Load::Many,
        pieces: soak,
    },
    Item {
        name: "floats",
        help: "10 million elements of random float instructions, reference, simulator and RTL",
        load: Load::Many,
        pieces: floats,
    },
    Item {
        name: "rtl-networks",
        help: "whole networks, simulator and RTL",
        load: Load::One,
        pieces: rtl_networks,
    },
    Item {
        name: "mutate",
        help: "every mutation of the simulator and the compiler",
        load: Load::One,
        pieces: mutate,
    },
    Item {
        name: "formal",
        help: "units of the hardware against the theory of floating point, for every operand",
        load: Load::One,
        pieces: formal,
    },
    Item {
        name: "bench-compiler",
        help: "cycles of the networks as docs/results.md has them",
        load: Load::One,
        pieces: bench_compiler,
    },
    Item {
        name: "zoo",
        help: "real networks out of packages on real inputs, as docs/zoo.md has them",
        load: Load::One,
        pieces: zoo,
    },
    Item {
        name: "formats",
        help: "networks as onnxruntime quantises them, beside it, whole and layer by layer, as docs/results.md has them",
        load: Load::One,
        pieces: formats,
    },
    Item {
        name: "fuzz",
        help: "damaged programs, executables and models (--minutes)",
        load: Load::One,
        pieces: fuzz,
    },
    Item {
        name: "fuzz-address-sanitizer",
        help: "the same under the address sanitizer (--minutes)",
        load: Load::One,
        pieces: fuzz_address_sanitizer,
    },
];

fn cargo(arguments: &[&str], environment: Vec<(&'static str, String)>) -> Job {
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    Job::Cargo { toolchain: None, arguments, environment }
}

/// Tests run in an optimised build that keeps its assertions: see the profile in Cargo.toml.
const TEST: [&str; 4] = ["test", "--locked", "--profile", "thorough"];
const OUTPUT: [&str; 2] = ["--", "--nocapture"];

fn motifs(_: &Path, _: u64) -> Vec<Piece> {
    networks("motifs", "EDIACARA_MOTIFS", 1000)
}

fn strewn(_: &Path, _: u64) -> Vec<Piece> {
    networks("strewn", "EDIACARA_STREWN", 10_000)
}

fn onnx_files(_: &Path, _: u64) -> Vec<Piece> {
    let piece = |number: u64| {
        let seeds = format!("{}..{}", 1000 * number, 1000 * (number + 1));
        Piece {
            amount: format!("seeds {seeds}"),
            job: cargo(&["xtask", "onnx-files", "--seeds", &seeds], Vec::new()),
        }
    };
    (0..5).map(piece).collect()
}

/// The first 20,000 seeds of a test of the compiler, so many a piece; `variable` tells it which.
fn networks(test: &str, variable: &'static str, each: u64) -> Vec<Piece> {
    let piece = |number: u64| {
        let (from, to) = (each * number, each * (number + 1));
        let arguments = [&TEST[..], &["--package", "ediacara-compiler", "--test", "all", test], &OUTPUT[..]];
        let job = cargo(&arguments.concat(), vec![(variable, format!("{from}..{to}"))]);
        Piece { amount: format!("networks {from} to {to}"), job }
    };
    (0..20_000 / each).map(piece).collect()
}

/// Rounds of ten minutes, so that little is lost if one is interrupted.
fn soak(_: &Path, minutes: u64) -> Vec<Piece> {
    let piece = |round: u64| {
        // Seeds are far apart: no round of ten minutes comes near so many. CI has the seeds below.
        let seed = 1_000_000_000 * (round + 1);
        let length = (minutes - 10 * round).min(10);
        let (length, seed) = (length.to_string(), seed.to_string());
        let job = cargo(&["xtask", "soak", "--minutes", &length, "--seed", &seed], Vec::new());
        Piece { amount: format!("{length} minutes from seed {seed}"), job }
    };
    (0..minutes.div_ceil(10)).map(piece).collect()
}

/// 500 programs of every machine a piece; CI has the seeds below 1000.
fn floats(_: &Path, _: u64) -> Vec<Piece> {
    let piece = |number: u64| {
        let (from, to) = (1000 + 500 * number, 1500 + 500 * number);
        let arguments = [&TEST[..], &["--package", "ediacara-rtl", "--test", "rtl", "float::"], &OUTPUT[..]];
        let job = cargo(&arguments.concat(), vec![("EDIACARA_FLOATS", format!("{from}..{to}"))]);
        Piece { amount: format!("seeds {from} to {to}"), job }
    };
    (0..5).map(piece).collect()
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
        let path = crate::data(root).join("models").join(name).join("model.onnx");
        let job = if path.exists() {
            run(&path.display().to_string())
        } else {
            Job::Absent("its file is not in the data folder".to_owned())
        };
        Piece { amount: name.to_owned(), job }
    });
    built_in.chain(models).collect()
}

fn mutate(_: &Path, _: u64) -> Vec<Piece> {
    vec![Piece { amount: "all rows".to_owned(), job: cargo(&["xtask", "mutate"], Vec::new()) }]
}

fn formal(_: &Path, _: u64) -> Vec<Piece> {
    vec![Piece { amount: "all proofs".to_owned(), job: cargo(&["xtask", "formal"], Vec::new()) }]
}

fn bench_compiler(_: &Path, _: u64) -> Vec<Piece> {
    let job = cargo(&["xtask", "bench-compiler", "--check"], Vec::new());
    vec![Piece { amount: "all networks".to_owned(), job }]
}

fn zoo(_: &Path, _: u64) -> Vec<Piece> {
    vec![Piece { amount: "all networks".to_owned(), job: cargo(&["xtask", "zoo", "--check"], Vec::new()) }]
}

fn formats(_: &Path, _: u64) -> Vec<Piece> {
    vec![Piece {
        amount: "all networks".to_owned(),
        job: cargo(&["xtask", "formats", "--check"], Vec::new()),
    }]
}

/// Entry points for fuzzing: the tests that call them with damaged input.
const TARGETS: &[(&str, &str, &str, &str)] = &[
    ("programs (fuzz_assemble)", "ediacara-isa", "damage", "damaged_sources"),
    ("executables (fuzz_executable)", "ediacara-isa", "damage", "damaged_files"),
    ("models (fuzz_import)", "ediacara-onnx", "hostile", "damaged_models"),
];

/// Rounds of other seeds than CI's, one for each five minutes, since each target takes up to two.
fn fuzz(_: &Path, minutes: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for round in 1..=minutes.div_ceil(5) {
        for (name, package, test, case) in TARGETS {
            let arguments = [&TEST[..], &["--package", package, "--test", test, case], &OUTPUT[..]];
            let job = cargo(&arguments.concat(), vec![("EDIACARA_FUZZ_ROUND", round.to_string())]);
            pieces.push(Piece { amount: format!("{name}, round {round}"), job });
        }
    }
    pieces
}

/// The toolchain that has sanitizers by right.
const NIGHTLY: &str = "nightly";

/// A toolchain that compiles with the address sanitizer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sanitizer {
    /// The toolchain, by rustup's name; without one, it is the toolchain that runs this.
    toolchain: Option<&'static str>,
    /// Its host's triple.
    host: String,
}

fn fuzz_address_sanitizer(root: &Path, minutes: u64) -> Vec<Piece> {
    let found = sanitizer(root);
    let under_sanitizer = |piece: Piece| {
        let job = match (&found, piece.job) {
            (Err(why), _) => Job::Absent(why.clone()),
            (Ok(Sanitizer { toolchain, host }), Job::Cargo { mut arguments, mut environment, .. }) => {
                // With a target, the sanitizer leaves build scripts and macros as they are.
                arguments.splice(1..1, ["--target".to_owned(), host.clone()]);
                environment.push(("RUSTFLAGS", "-Zsanitizer=address".to_owned()));
                // What was freed is kept for a while to catch its use. A test of how memory grows wants little of that.
                environment.push(("ASAN_OPTIONS", "quarantine_size_mb=16".to_owned()));
                environment.push(("CARGO_TARGET_DIR", root.join("target/asan").display().to_string()));
                if toolchain.is_none() {
                    environment.push(("RUSTC_BOOTSTRAP", "1".to_owned()));
                }
                Job::Cargo { toolchain: *toolchain, arguments, environment }
            }
            (Ok(_), absent) => absent,
        };
        Piece { job, ..piece }
    };
    fuzz(root, minutes).into_iter().map(under_sanitizer).collect()
}

/// The nightly toolchain, if rustup has one with the address sanitizer.
///
/// Otherwise it is the toolchain that runs this, if that comes with the sanitizer's runtime, as stable ones
/// do. Such a toolchain refuses only `-Zsanitizer`, unless RUSTC_BOOTSTRAP is set. A release is not compiled
/// that way, but the code that is tested is the same.
fn sanitizer(root: &Path) -> Result<Sanitizer, String> {
    let nightly = || {
        let mut command = Command::new("rustup");
        command.args(["run", NIGHTLY, "rustc"]);
        command
    };
    let own = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let found = |toolchain, host| Sanitizer { toolchain, host };
    let by_nightly = host_with_sanitizer(root, nightly).map(|host| found(Some(NIGHTLY), host));
    by_nightly.or_else(|why| match host_with_sanitizer(root, own) {
        Ok(host) => Ok(found(None, host)),
        Err(too) => Err(format!(
            "the nightly toolchain {why}, and the one in use {too}: `rustup toolchain install {NIGHTLY}`"
        )),
    })
}

/// The triple of a compiler's host, if the compiler comes with the address sanitizer's runtime for it.
fn host_with_sanitizer(root: &Path, compiler: impl Fn() -> Command) -> Result<String, String> {
    let asked = |arguments: &[&str]| {
        let output = compiler().args(arguments).current_dir(root).stderr(Stdio::null()).output();
        let output = output.ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let missing = "is not there";
    let about = asked(&["-vV"]).ok_or(missing)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).ok_or(missing)?;
    let folder = asked(&["--print", "target-libdir"]).ok_or(missing)?;
    // The runtime's name has the toolchain's channel: librustc-stable_rt.asan.a.
    let is_runtime = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().contains("rt.asan");
    match std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| is_runtime(&entry)) {
        true => Ok(host.to_owned()),
        false => Err(format!("has no address sanitizer for {host}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
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

    /// A compiler that answers as a script says.
    #[cfg(unix)]
    #[test]
    fn a_compiler_with_the_runtime_is_found() {
        let root = crate::workspace_root();
        let folder = tempfile::tempdir().unwrap();
        let compiler = || {
            let script = "test $1 = -vV && printf 'rustc 1.0.0\\nhost: x86_64-any\\n' || echo \"$0\"";
            let mut command = Command::new("sh");
            command.args(["-c", script]).arg(folder.path());
            command
        };
        let found = host_with_sanitizer(&root, compiler);
        assert_eq!(found, Err("has no address sanitizer for x86_64-any".to_owned()));
        std::fs::write(folder.path().join("librustc-stable_rt.asan.a"), "").unwrap();
        assert_eq!(host_with_sanitizer(&root, compiler), Ok("x86_64-any".to_owned()));
        let none = || Command::new(folder.path().join("none"));
        assert_eq!(host_with_sanitizer(&root, none), Err("is not there".to_owned()));
    }

    #[test]
    fn rounds_make_up_the_minutes() {
        let amounts: Vec<_> = soak(Path::new("."), 25).into_iter().map(|piece| piece.amount).collect();
        let wanted = [(10, 1), (10, 2), (5, 3)]
            .map(|(length, round)| format!("{length} minutes from seed {round}000000000"));
        assert_eq!(amounts, wanted);
    }
}
