//! Random ONNX files that look like published networks, against onnxruntime's answers: importer, quantiser,
//! layouts and segments together.
//!
//! `cargo xtask test` has `tests/onnx_files/generate.py` write some, and `cargo xtask onnx-files` others. `EDIACARA_ONNX_FILES` names their folder. A file NAME.onnx lies beside NAME.npz, which holds
//! inputs (`in.NAME`), a sample to calibrate with (`cal.NAME`) and onnxruntime's answers (`out.NAME`).

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ediacara::arch::Machine;
use ediacara::data::{Random, skip};
use ediacara::host::Executor;
use ediacara::isa::Plan;
use ediacara::prove::{Options as Proving, prove_values};
use ediacara::runner::Runner;
use ediacara::tensor::{DType, Tensor, npz};
use ediacara::{CalibrationSource, HostOnly, Model, Precision, Prepared, RunOptions};

/// How far an answer in f32 may be from onnxruntime's, as a part of the largest number of the answer.
///
/// Sums are made in another order, and some networks enlarge what that changes.
const TOLERANCE: f64 = 1e-3;

/// The least signal-to-noise ratio, in dB, of a file that onnxruntime quantised: answers differ where a sum
/// falls on a tie, and further layers enlarge it.
const QUANTISED_DECIBELS: f64 = 20.0;

/// The least signal-to-noise ratio, in dB, of int8 to f32: below it an answer is another answer.
///
/// Random weights make networks that are harder to quantise than trained ones.
const INT8_DECIBELS: f64 = 10.0;

type Named = Vec<(String, Tensor)>;

/// What was seen of a file whose every check passed.
struct Seen {
    name: String,
    /// Multiply-adds of the file, and those of the DLP.
    macs: (u64, u64),
    segments: usize,
    /// The bytes that a DLP instruction wrote, and that the host has too.
    bytes: u64,
    /// The least ratio of an output, in dB.
    decibels: f64,
}

/// A file with its arrays.
struct Case {
    name: String,
    model: Model,
    arrays: Named,
}

impl Case {
    fn read(path: &Path) -> Result<Case, String> {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let model = ediacara::model::load(path.to_str().unwrap(), &[]).map_err(|error| error.to_string())?;
        Ok(Case { name, model, arrays: npz::read(&path.with_extension("npz")).unwrap() })
    }

    fn array(&self, kind: &str, name: &str) -> Tensor {
        let key = format!("{kind}.{name}");
        self.arrays.iter().find(|(other, _)| *other == key).unwrap().1.clone()
    }

    /// The tensors of a kind, one for each input of the graph.
    fn fed(&self, kind: &str) -> Vec<Tensor> {
        let graph = &self.model.graph;
        graph.inputs().iter().map(|&input| self.array(kind, &graph.value(input).name)).collect()
    }

    fn is_real(&self) -> bool {
        self.name.ends_with("-f32")
    }

    /// A machine by the file's number: each preset has its turn.
    fn machine(&self) -> Machine {
        let presets = Machine::presets();
        let number: usize = self.name.split('-').next().unwrap().parse().unwrap();
        Machine::preset(presets[number % presets.len()]).unwrap()
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast(DType::F64).to_vec::<f64>().unwrap()
}

/// The ratio of the answers to their errors, in dB; not a number where either has one that is none.
fn decibels(found: &Tensor, expected: &Tensor) -> f64 {
    let (found, expected) = (numbers(found), numbers(expected));
    let signal: f64 = expected.iter().map(|number| number * number).sum();
    let noise: f64 = found.iter().zip(&expected).map(|(found, expected)| (found - expected).powi(2)).sum();
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// The host's answers in the file's own numbers are onnxruntime's.
fn check_host(case: &Case, expected: &Named) -> Result<(), String> {
    let executor = Executor::new(&case.model.graph, &ediacara::host::Options::default()).map_err(words)?;
    let found = executor.run(&case.fed("in")).map_err(words)?;
    if found.len() != expected.len() {
        return Err(format!("the host has {} outputs, not {}", found.len(), expected.len()));
    }
    for (found, (name, expected)) in found.iter().zip(expected) {
        if (found.dtype(), found.shape()) != (expected.dtype(), expected.shape()) {
            return Err(format!("{name} is {:?} on the host, not {:?}", found.shape(), expected.shape()));
        }
        let largest = numbers(expected).iter().fold(0.0, |most: f64, number| most.max(number.abs()));
        let apart = numbers(found)
            .iter()
            .zip(numbers(expected))
            .map(|(found, expected)| (found - expected).abs())
            .fold(0.0, |most: f64, apart| if apart > most || apart.is_nan() { apart } else { most });
        let ratio = decibels(found, expected);
        let right = if case.is_real() { apart <= TOLERANCE * largest } else { ratio >= QUANTISED_DECIBELS };
        if !right {
            return Err(format!(
                "{name} on the host is {apart} from onnxruntime's, whose largest number is {largest} ({ratio:.1} dB)"
            ));
        }
    }
    Ok(())
}

/// Runs the network in int8 on its machine, and checks all that a run promises.
fn check_run(case: &Case, expected: &Named) -> Result<Seen, String> {
    let calibration = CalibrationSource::Tensors(vec![case.fed("cal"), case.fed("in")]);
    let prepared = ediacara::prepare(&case.model, &calibration, &mut |_| {}).map_err(words)?;
    let machine = case.machine();
    let inputs = case.fed("in");
    let options =
        RunOptions { checked: true, top: 0, host_only: HostOnly::Allowed, ..RunOptions::on(machine.clone()) };
    let run = ediacara::run(&case.model, &prepared, &inputs, &options, &mut |_| {}).map_err(words)?;
    let check = &run.report.check;
    let has_dlp = run.report.segments.iter().any(|segment| segment.place == "dlp");
    if has_dlp && (check.bit_exact != Some(true) || check.bytes == 0) {
        let difference = check.first_difference.as_ref();
        return Err(format!("bit-exact {:?} over {} bytes: {difference:?}", check.bit_exact, check.bytes));
    }
    let (dlp, all) = (run.report.on_dlp.dlp_macs, run.report.on_dlp.macs);
    if dlp > all {
        return Err(format!("{dlp} of {all} multiply-adds ran on the DLP"));
    }
    check_file(&prepared, &machine, &inputs, &run)?;
    let mut least = f64::INFINITY;
    for ((name, expected), (found_name, found)) in expected.iter().zip(&run.outputs) {
        if name != found_name {
            return Err(format!("the output {name} is called {found_name}"));
        }
        least = least.min(decibels(found, expected));
    }
    if least < INT8_DECIBELS || least.is_nan() {
        return Err(format!("int8 has {least:.1} dB"));
    }
    let segments = run.report.segments.len();
    Ok(Seen { name: case.name.clone(), macs: (all, dlp), segments, bytes: check.bytes, decibels: least })
}

/// Some layers of a real network in floating point, drawn by its number, and the others in int8: the DLP's values are the host's,
/// and every segment is proven.
fn check_mixed(case: &Case) -> Result<(), String> {
    let calibration = CalibrationSource::Tensors(vec![case.fed("cal"), case.fed("in")]);
    let prepared = ediacara::prepare(&case.model, &calibration, &mut |_| {}).map_err(words)?;
    let mut random = Random::named(1, &case.name);
    let types = [Precision::F32, Precision::Bf16, Precision::F16];
    // A third of the layers in a third of the networks, else a few.
    let share = [3, 3, 8][random.below(3) as usize];
    let mut layers = BTreeMap::new();
    for id in prepared.real.nodes() {
        if random.below(share) == 0 {
            layers.insert(prepared.real.node(id).name.clone(), types[random.below(3) as usize]);
        }
    }
    let prepared = prepared.with_layers(layers);
    let machine = Machine::preset("dlp16f").unwrap();
    let options =
        RunOptions { checked: true, top: 0, host_only: HostOnly::Allowed, ..RunOptions::on(machine.clone()) };
    let run = ediacara::run(&case.model, &prepared, &case.fed("in"), &options, &mut |_| {});
    let run = run.map_err(|error| format!("{}: {error}", prepared.computes_in()))?;
    let check = &run.report.check;
    let has_dlp = run.report.segments.iter().any(|segment| segment.place == "dlp");
    if has_dlp && (check.bit_exact != Some(true) || check.bytes == 0) {
        let difference = check.first_difference.as_ref();
        return Err(format!(
            "{}: bit-exact {:?} over {} bytes: {difference:?}",
            prepared.computes_in(),
            check.bit_exact,
            check.bytes
        ));
    }
    check_file(&prepared, &machine, &case.fed("in"), &run)
        .map_err(|error| format!("{}: {error}", prepared.computes_in()))
}

/// Every segment is proven, and the file gives the same outputs in the same cycles with no model at hand.
fn check_file(
    prepared: &Prepared,
    machine: &Machine,
    inputs: &[Tensor],
    run: &ediacara::Run,
) -> Result<(), String> {
    let network = ediacara::compile::compile(prepared, machine, &Default::default(), HostOnly::Allowed)
        .map_err(words)?;
    for segment in network.compiled.dlp() {
        let proof = prove_values(&segment.executable, machine, &segment.values, &Proving::default());
        if !proof.proven {
            return Err(format!("not proven: {:?}", proof.findings.first()));
        }
    }
    let plan = Plan::from_bytes(&network.file().map_err(words)?.to_bytes()).map_err(words)?;
    let registry = ediacara::graph::Registry::core();
    let runner = Runner::new(&plan, machine, &registry).map_err(words)?;
    let ran = runner.run(inputs, ediacara::sim::Options::default(), &|_| Vec::new()).map_err(words)?;
    if ran.dlp_cycles() != run.report.dlp_cycles {
        return Err(format!("the file takes {} cycles, the run {}", ran.dlp_cycles(), run.report.dlp_cycles));
    }
    for ((name, found), (_, expected)) in ran.outputs.iter().zip(&run.outputs) {
        if numbers(found) != numbers(expected) {
            return Err(format!("the file gives another {name} than the run"));
        }
    }
    Ok(())
}

fn judge(path: &Path) -> Result<Seen, String> {
    let case = Case::read(path)?;
    let graph = &case.model.graph;
    let names = graph.outputs().iter().map(|&output| graph.value(output).name.clone());
    let expected: Named = names.map(|name| (name.clone(), case.array("out", &name))).collect();
    check_host(&case, &expected)?;
    if case.is_real() {
        check_mixed(&case)?;
    }
    check_run(&case, &expected)
}

/// The files of the folder, in order.
///
/// Reports when it is nowhere.
fn files() -> Option<Vec<PathBuf>> {
    let Some(folder) = std::env::var_os("EDIACARA_ONNX_FILES").map(PathBuf::from) else {
        skip(
            "the random ONNX files",
            "EDIACARA_ONNX_FILES does not name their folder; `cargo xtask test` makes them",
        );
        return None;
    };
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "onnx")).collect();
    files.sort();
    Some(files)
}

/// Judges all files; a thread takes the next one.
fn judge_all(files: &[PathBuf]) -> Vec<(String, Result<Seen, String>)> {
    let (next, judged) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let result =
                std::panic::catch_unwind(|| judge(path)).unwrap_or_else(|_| Err("it panicked".to_owned()));
            judged.lock().unwrap().push((name, result));
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    judged.into_inner().unwrap()
}

#[test]
fn every_file_gives_the_answers_of_onnxruntime() {
    let Some(files) = files() else { return };
    let (mut seen, mut problems) = (Vec::new(), Vec::new());
    for (name, result) in judge_all(&files) {
        match result {
            Ok(figures) => seen.push(figures),
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    seen.sort_by(|one, other| one.decibels.total_cmp(&other.decibels));
    problems.sort();
    let sum = |part: fn(&Seen) -> u64| seen.iter().map(part).sum::<u64>();
    println!(
        "{} of {} files are right: {} of {} multiply-adds on the DLP, {} bytes compared, {} with several segments",
        seen.len(),
        files.len(),
        sum(|file| file.macs.1),
        sum(|file| file.macs.0),
        sum(|file| file.bytes),
        seen.iter().filter(|file| file.segments > 1).count(),
    );
    for file in seen.iter().take(10) {
        println!("{:5.1} dB in {}", file.decibels, file.name);
    }
    assert!(problems.is_empty(), "{} files are wrong:\n{}", problems.len(), problems.join("\n"));
    assert!(!seen.is_empty(), "there is no file in the folder");
    assert!(sum(|file| file.bytes) > 0, "nothing was compared");
}
