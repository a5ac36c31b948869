//! Host inference beside other runtimes, in one run and in turn.
//!
//! Ours runs in f32 and int8, the others in f32, with two threads each.
//!
//! Run with `cargo xtask setup-peers && cargo bench -p ediacara --bench inference`, with `-- resnet50 vgg19`
//! for those networks only. The built-in networks, with seeded weights, are written to `target/bench-models`
//! once. All runtimes read the same file and are fed the same constant, and their outputs are compared. The
//! peers are onnxruntime (`benches/peers.py`) and tract (`benches/rust-peers`, which says what it is given
//! for speed).

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use ediacara::CalibrationSource;
use ediacara::graph::Graph;
use ediacara::host::{Executor, Options};
use ediacara::onnx::{ExportOptions, export};
use ediacara::tensor::{DType, Tensor};

#[path = "../../../benches/peer.rs"]
mod peer;
use peer::{PAUSE, Peer, Start, median, root};

type Failure = Box<dyn std::error::Error>;

const THREADS: usize = 2;
const ROUNDS: usize = 15;

/// The frameworks, in the order of their columns.
const PEERS: [(&str, Start); 2] = [("onnxruntime", Peer::python), ("tract", Peer::rust)];

/// Built-in networks, timed in f32 only, because calibrating the largest takes minutes.
const BUILT_IN: [&str; 4] = ["alexnet", "vgg19", "resnet50", "mobilenet_v2"];

/// Networks of the data folder.
const DATA: [&str; 3] = ["squeezenet10_deepcompressed", "resnet20_cifar10", "fastestdet"];

/// The value of every element of every input.
const INPUT: f32 = 0.5;

/// The largest difference of outputs that needs no remark, over their largest magnitude.
const TOLERANCE: f32 = 1e-4;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| word == name);
    println!(
        "milliseconds an inference, {THREADS} threads, least / median of {ROUNDS} rounds in turn; ratio: our"
    );
    println!(
        "least f32 over theirs; -: a framework that is not installed, or has stopped with the message above"
    );
    print!("{:<28} {:>17} {:>17}", "network", "ours f32", "ours int8");
    for (name, _) in PEERS {
        print!(" {name:>17} {:>6}", "ratio");
    }
    println!();
    for (name, file) in files().into_iter().filter(|(name, _)| wanted(name)) {
        match row(name, &file) {
            Ok(row) => println!("{name:<28} {row}"),
            Err(error) => println!("{name:<28} {error}"),
        }
    }
    Ok(())
}

/// The networks by name, with their files: the bundled one, those of the data folder if there is one, the
/// built-in ones.
fn files() -> Vec<(&'static str, PathBuf)> {
    let bundled = ("efficientnet_lite0", root().join("models/efficientnet_lite0/model.onnx"));
    let folder =
        std::env::var_os("EDIACARA_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    let data = DATA.map(|name| (name, folder.join("models").join(name).join("model.onnx")));
    let built_in = BUILT_IN.map(|name| (name, root().join(format!("target/bench-models/{name}.onnx"))));
    let there = data.into_iter().filter(|(_, file)| file.exists());
    std::iter::once(bundled).chain(there).chain(built_in).collect()
}

/// Times a network in every framework.
///
/// Each framework is asked once in each round; those that are not installed have a dash.
fn row(name: &str, file: &Path) -> Result<String, Failure> {
    let (real, quantised) = graphs(name, file)?;
    let constant = |value: &ediacara::graph::ValueId| {
        let ty = real.ty(*value);
        Ok(Tensor::full(&ty.shape, INPUT)?.cast(ty.dtype))
    };
    let inputs = real.inputs().iter().map(constant).collect::<Result<Vec<_>, Failure>>()?;
    let options = Options::with_threads(THREADS);
    let real = Executor::new(&real, &options)?;
    let integer = quantised.map(|graph| Executor::new(&graph, &options)).transpose()?;
    let file = file.display().to_string();
    let mut peers = PEERS.map(|(name, start)| start(name, &file, THREADS));

    let outputs = values(&real.run(&inputs)?)?;
    let remarks = peers.iter_mut().flatten().map(|peer| remark(peer, &outputs)).collect::<String>();
    let (mut times, mut integer_times) = (Vec::new(), Vec::new());
    let mut peer_times = PEERS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        std::thread::sleep(PAUSE);
        times.push(timed(&real, &inputs)?);
        if let Some(integer) = &integer {
            integer_times.push(timed(integer, &inputs)?);
        }
        for (peer, times) in peers.iter_mut().zip(&mut peer_times) {
            std::thread::sleep(PAUSE);
            times.extend(peer.as_mut().and_then(Peer::measure));
        }
    }
    let mut row = format!("{:>17} {:>17}", both(&times), both(&integer_times));
    for theirs in &peer_times {
        let ratio = least(&times).zip(least(theirs)).map(|(ours, theirs)| ours / theirs);
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        row.push_str(&format!(" {:>17} {ratio:>6}", both(theirs)));
    }
    Ok(row + &remarks)
}

/// The optimised real network of a file, and the int8 one unless it is built in.
///
/// The file of a built-in network is written if there is none.
fn graphs(name: &str, file: &Path) -> Result<(Graph, Option<Graph>), Failure> {
    let built_in = BUILT_IN.contains(&name);
    if built_in && !file.exists() {
        std::fs::create_dir_all(file.parent().unwrap_or(file))?;
        export(&ediacara::model::load(name, &[])?.graph, file, &ExportOptions::default())?;
    }
    let model = ediacara::model::load(&file.display().to_string(), &[])?;
    if built_in {
        let options = ediacara::optimiser::Options::default();
        return Ok((ediacara::optimiser::optimise(model.graph, &options)?, None));
    }
    let prepared = ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {})?;
    Ok((prepared.real, Some(prepared.quantised)))
}

/// How many milliseconds an inference takes that follows another.
fn timed(executor: &Executor, inputs: &[Tensor]) -> Result<f64, Failure> {
    executor.run(inputs)?;
    let start = Instant::now();
    executor.run(inputs)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

/// The elements of all tensors, one after the other.
fn values(tensors: &[Tensor]) -> Result<Vec<f32>, Failure> {
    let mut values = Vec::new();
    for tensor in tensors {
        values.extend(tensor.cast(DType::F32).to_vec::<f32>()?);
    }
    Ok(values)
}

/// The remark on a peer's outputs beside ours; nothing if they agree.
fn remark(peer: &mut Peer, ours: &[f32]) -> String {
    let Some(line) = peer.ask("outputs") else { return format!("  {} gave no outputs", peer.name) };
    let theirs: Vec<f32> = line.split(' ').map(|number| number.parse().unwrap_or(f32::NAN)).collect();
    if theirs.len() != ours.len() {
        return format!("  {} gave {} elements, we {}", peer.name, theirs.len(), ours.len());
    }
    let largest = theirs.iter().fold(0.0_f32, |largest, theirs| largest.max(theirs.abs()));
    let differences = ours.iter().zip(&theirs).map(|(ours, theirs)| (ours - theirs).abs() / largest);
    // In the total order a difference that is not a number is the largest.
    let difference = differences.max_by(f32::total_cmp).unwrap_or(0.0);
    match difference <= TOLERANCE {
        true => String::new(),
        false => format!("  outputs differ from {}'s by {difference:.1e} of the largest", peer.name),
    }
}

/// The least and the median of some milliseconds.
fn both(times: &[f64]) -> String {
    least(times).map_or_else(|| "-".to_owned(), |least| format!("{least:.2} / {:.2}", median(times.to_vec())))
}

fn least(times: &[f64]) -> Option<f64> {
    times.iter().copied().min_by(f64::total_cmp)
}
