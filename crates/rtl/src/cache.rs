//! Building the hardware, once for the same inputs.
//!
//! One text lists what a build depends on: Verilator's version, its arguments, every source. A build lies in
//! a folder whose name is a hash of that text. The text lies beside it, so that even two texts of the same
//! hash are told apart.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::RtlError;
use crate::sources::SourceFile;
use crate::verilator::Verilator;

/// Name of the simulated core inside a build's folder.
const HARNESS: &str = "harness";
/// Name of the text of everything that the build was made of.
const INPUTS: &str = "inputs.txt";
/// How many bytes of a failed build's messages are quoted.
const QUOTED_BYTES: usize = 4_000;

/// Arguments of every build.
///
/// No warning stops a build, because a newer Verilator with new warnings must still build the hardware. The
/// tests of the hardware look at warnings.
const ARGUMENTS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "--flatten",
    "--x-assign",
    "fast",
    "--x-initial",
    "unique",
    "--noassert",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--top-module",
    "ediacara_core",
    "--Mdir",
    "obj",
    "-o",
    HARNESS,
    "-CFLAGS",
    "-std=c++17",
    "-MAKEFLAGS",
    "OPT_FAST=-O2",
    "-MAKEFLAGS",
    "OPT_GLOBAL=-O2",
    // The PyPI wheel was configured without a compiler at hand, and knows neither of these.
    "-MAKEFLAGS",
    "CFG_CXXFLAGS_PCH_I=-include",
    "-LDFLAGS",
    "-pthread",
];

/// The path of the simulated core, which is built if it is not in the cache.
///
/// `building` is called before a build.
pub(crate) fn harness(
    verilator: &Verilator,
    sources: &[SourceFile],
    wave: bool,
    cache: &Path,
    building: &mut dyn FnMut(),
) -> Result<PathBuf, RtlError> {
    let arguments = arguments(sources, wave);
    let inputs = inputs(verilator, &arguments, sources);
    let folder = cache.join(format!("rtl-{:016x}", hash(inputs.as_bytes())));
    if is_built(&folder, &inputs) {
        return Ok(folder.join(HARNESS));
    }
    fs::create_dir_all(cache).map_err(RtlError::file(cache))?;
    // If two processes want the same core, the second waits for the first and finds its work.
    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(RtlError::file(&lock_path))?;
    lock.lock().map_err(RtlError::file(&lock_path))?;
    if !is_built(&folder, &inputs) {
        building();
        build(verilator, &arguments, sources, &inputs, &folder)?;
    }
    Ok(folder.join(HARNESS))
}

fn is_built(folder: &Path, inputs: &str) -> bool {
    folder.join(HARNESS).exists()
        && fs::read(folder.join(INPUTS)).is_ok_and(|found| found == inputs.as_bytes())
}

fn arguments(sources: &[SourceFile], wave: bool) -> Vec<String> {
    let mut arguments: Vec<String> = ARGUMENTS.iter().map(|argument| (*argument).to_owned()).collect();
    if wave {
        // Whoever looks at waveforms also wants to see structures and arrays.
        arguments.extend(["--trace".to_owned(), "--trace-structs".to_owned()]);
    }
    arguments.extend(sources.iter().map(|source| source.name.clone()));
    arguments
}

fn inputs(verilator: &Verilator, arguments: &[String], sources: &[SourceFile]) -> String {
    let mut text = format!("{}\n{}\n", verilator.version(), arguments.join(" "));
    for source in sources {
        text.push_str(&format!("== {} {}\n{}", source.name, source.text.len(), source.text));
    }
    text
}

/// The FNV-1a hash.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Builds in a folder beside the final one, and renames it when everything is in it.
fn build(
    verilator: &Verilator,
    arguments: &[String],
    sources: &[SourceFile],
    inputs: &str,
    folder: &Path,
) -> Result<(), RtlError> {
    let scratch = folder.with_extension("building");
    for stale in [&scratch, folder] {
        if stale.exists() {
            fs::remove_dir_all(stale).map_err(RtlError::file(stale))?;
        }
    }
    fs::create_dir_all(&scratch).map_err(RtlError::file(&scratch))?;
    let write = |folder: &Path, name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(RtlError::file(&path))
    };
    let elsewhere = workshop(&scratch)?;
    let place = elsewhere.as_ref().map_or(scratch.as_path(), |folder| folder.path());
    for source in sources {
        write(place, &source.name, &source.text)?;
    }
    compile(verilator, arguments, place)?;
    let made = place.join("obj").join(HARNESS);
    // The program is copied, because the folder for temporary files may be on another disk.
    fs::copy(&made, scratch.join(HARNESS)).map_err(RtlError::file(&made))?;
    // Generated code and objects are many megabytes that nobody reads again.
    let _ = fs::remove_dir_all(place.join("obj"));
    write(&scratch, INPUTS, inputs)?;
    fs::rename(&scratch, folder).map_err(RtlError::file(folder))
}

/// Where to build instead of `scratch`, because make works in no folder with a blank in its path.
fn workshop(scratch: &Path) -> Result<Option<TempDir>, RtlError> {
    if !scratch.as_os_str().to_string_lossy().contains(char::is_whitespace) {
        return Ok(None);
    }
    let folder = tempfile::Builder::new().prefix("ediacara-rtl-").tempdir();
    folder.map(Some).map_err(RtlError::file(&std::env::temp_dir()))
}

fn compile(verilator: &Verilator, arguments: &[String], folder: &Path) -> Result<(), RtlError> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = verilator.command();
    command.current_dir(folder).args(["--build-jobs", &jobs.to_string()]).args(arguments);
    let output = command
        .output()
        .map_err(|source| RtlError::Program { program: command.get_program().into(), source })?;
    if output.status.success() {
        return Ok(());
    }
    // Verilator's errors come first and on standard error; the compiler's, called by make, come last.
    let mut messages = String::from_utf8_lossy(&output.stdout).into_owned();
    messages.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(RtlError::Build {
        command: format!("{} in {}", command.get_program().display(), folder.display()),
        status: output.status.to_string(),
        messages: last(&messages, QUOTED_BYTES).to_owned(),
    })
}

/// The end of a text, at most `bytes` long and cut between characters.
pub(crate) fn last(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}
