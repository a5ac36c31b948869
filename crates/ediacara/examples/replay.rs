//! The compiler's results for every network, one line for each program; `cargo xtask replay` compares the
//! lines of two builds.
//!
//! A line says what was compiled, for which machine and without which passes. Then it has a digest of the
//! executable and its cycles, or why there is none.
//!
//! The arguments are how many networks of motifs to compile, and a part of the names of networks to compile
//! instead of all. The networks are those that the binary knows and every ONNX file of the data sets that are
//! found. Their ranges are assumed, so that no sample is needed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints its lines")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ediacara::arch::Machine;
use ediacara::compiler::{self, PASSES};
use ediacara::data::{DataSet, Locations};
use ediacara::graph::{Graph, ValueId};
use ediacara::isa::Executable;
use ediacara::optimiser::{Calibration, optimise, quantise};
use ediacara::sim::{self, Simulator};
use ediacara::tensor::Tensor;
use ediacara::{CalibrationSource, Error, Prepared};
use ediacara_fuzzgen::Random;
use ediacara_fuzzgen::graph::motif;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

/// How many bytes of a digest are printed: enough that no two programs share one.
const DIGEST_BYTES: usize = 12;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let motifs = arguments.next().map_or(Ok(0), |text| text.parse::<u64>())?;
    let part = arguments.next().unwrap_or_default();
    let machines: Vec<Machine> =
        Machine::presets().iter().map(|name| Machine::preset(name)).collect::<Result<_, _>>()?;
    for (name, path) in networks()?.into_iter().filter(|(name, _)| name.contains(&part)) {
        eprintln!("{name}");
        match prepared(&path) {
            Ok(prepared) => {
                let line = |machine: &Machine| match prepared.on(machine) {
                    Ok((graph, _)) => line(&name, machine, &[], &graph),
                    Err(error) => format!("{name} | not for {}: {}", machine.name, first_line(&error)),
                };
                machines.par_iter().map(line).collect::<Vec<_>>().iter().for_each(|line| println!("{line}"));
            }
            Err(error) => println!("{name} | not prepared: {}", first_line(&error)),
        }
    }
    eprintln!("{motifs} networks of motifs");
    all_motif_lines(motifs, &machines).iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// The lines of all networks of motifs, in the order of their seeds.
///
/// Each thread takes the next seed. While a network waits for the thread pool, its thread must not begin
/// another network inside it.
fn all_motif_lines(motifs: u64, machines: &[Machine]) -> Vec<String> {
    let (next, found) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= motifs {
                return;
            }
            let lines = motif_lines(seed, &machines[(seed % machines.len() as u64) as usize]);
            found.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, lines);
        }
    };
    std::thread::scope(|scope| {
        (0..rayon::current_num_threads()).for_each(|_| drop(scope.spawn(work)));
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().flatten().collect()
}

/// The networks by name, each with what [`ediacara::model::load`] takes, in order.
fn networks() -> Result<Vec<(String, String)>, Failure> {
    let mut found: Vec<_> =
        ediacara::model::known_names().into_iter().map(|name| (name.clone(), name)).collect();
    let locations = Locations::of_machine(Path::new("."))?;
    let Ok(models) = locations.find(DataSet::Models) else {
        eprintln!("the models of the data sets are left out: there are none here");
        return Ok(found);
    };
    let mut files = Vec::new();
    for folder in [models.clone(), models.with_file_name("models2")] {
        onnx_files(&folder, &mut files);
    }
    files.sort();
    let base = models.parent().unwrap_or(&models);
    let named = |path: PathBuf| {
        let name = path.strip_prefix(base).unwrap_or(&path).display().to_string().replace(' ', "_");
        (name, path.display().to_string())
    };
    found.extend(files.into_iter().map(named));
    Ok(found)
}

/// Every ONNX file of a folder and of the folders in it.
///
/// Files that are there to be refused hold no network.
fn onnx_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "hostile") {
            onnx_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "onnx") {
            found.push(path);
        }
    }
}

fn prepared(path: &str) -> Result<Prepared, Error> {
    let model = ediacara::model::load(path, &[])?;
    ediacara::prepare(&model, &CalibrationSource::Assumed, &mut |_| {})
}

/// The lines of a program with every pass, with each optional one left out, and with none of them.
fn motif_lines(seed: u64, machine: &Machine) -> Vec<String> {
    let name = format!("motif_{seed}");
    let graph = match quantised(seed) {
        Ok(graph) => graph,
        Err(error) => return vec![format!("{name} | not prepared: {}", first_line(&error))],
    };
    let optional: Vec<&str> = PASSES.iter().filter(|pass| pass.optional).map(|pass| pass.name).collect();
    let mut variants = vec![Vec::new()];
    variants.extend(optional.iter().map(|&pass| vec![pass]));
    variants.push(optional);
    variants.iter().map(|disabled| line(&name, machine, disabled, &graph)).collect()
}

/// A network of motifs, calibrated on samples of its seed.
fn quantised(seed: u64) -> Result<Graph, Failure> {
    let graph = optimise(motif::draw(seed).graph, &Default::default())?;
    let samples = [sample(&graph, seed ^ (1 << 32))?, sample(&graph, seed ^ (2 << 32))?];
    let calibration = Calibration::collect(&graph, samples)?;
    Ok(quantise(&graph, &calibration)?.graph)
}

fn sample(graph: &Graph, seed: u64) -> Result<Vec<Tensor>, Failure> {
    let mut random = Random::new(seed);
    let mut tensor = |&input: &ValueId| -> Result<Tensor, Failure> {
        let ty = graph.ty(input);
        let values: Vec<f32> = (0..ty.elements()).map(|_| f32::from(random.byte()) / 64.0).collect();
        Ok(Tensor::from_vec(&ty.shape, values)?.cast(ty.dtype))
    };
    graph.inputs().iter().map(&mut tensor).collect()
}

/// Compiles and times one program.
fn line(name: &str, machine: &Machine, disabled: &[&str], graph: &Graph) -> String {
    let passes = if disabled.is_empty() { "-".to_owned() } else { disabled.join(",") };
    let options = compiler::Options {
        disable: disabled.iter().map(|&pass| pass.to_owned()).collect(),
        ..compiler::Options::default()
    };
    let result = match compiler::compile(graph, machine, &options) {
        Ok(compiled) => {
            let programs = compiled.dlp().map(|segment| {
                let bounds = (segment.bounds.floor_cycles, segment.bounds.layer_roofline_cycles());
                format!("{} {bounds:?}", program(machine, &segment.executable))
            });
            programs.collect::<Vec<_>>().join(" then ")
        }
        Err(error) => format!("refused: {}", first_line(&error)),
    };
    format!("{name} {} {passes} | {result}", machine.name)
}

fn program(machine: &Machine, executable: &Executable) -> String {
    let digest = Sha256::digest(executable.to_bytes());
    let digest: String = digest.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let options = sim::Options { values: false, ..sim::Options::default() };
    match Simulator::new(machine, executable, options) {
        Ok(mut simulator) => {
            let outcome = simulator.run();
            let fault = outcome.fault.map_or_else(String::new, |fault| format!(" {}", first_line(&fault)));
            format!("{digest} {} cycles{fault}", outcome.cycles)
        }
        Err(error) => format!("{digest} not simulated: {}", first_line(&error)),
    }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
