//! Host inference beside onnxruntime, in one run, alternating: f32 and int8 here, f32 there, all with two threads.
//!
//! `cargo xtask setup-bench && cargo bench -p ediacara --bench inference`

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use ediacara::CalibrationSource;
use ediacara::host::{Executor, Options};
use ediacara::tensor::Tensor;

const REPETITIONS: usize = 15;
const THREADS: usize = 2;

/// Answers each line with the milliseconds of one inference on zeros.
const SERVER: &str = r#"
import sys, time
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[2])
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
types = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64}
feeds = {x.name: numpy.zeros([d if isinstance(d, int) else 1 for d in x.shape], types[x.type]) for x in session.get_inputs()}
session.run(None, feeds)
for line in sys.stdin:
    start = time.perf_counter()
    session.run(None, feeds)
    print((time.perf_counter() - start) * 1e3, flush=True)
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/bench-venv/bin/python");
    if !python.exists() {
        println!("{} is missing: run `cargo xtask setup-bench` first", python.display());
        return Ok(());
    }
    println!(
        "milliseconds an inference, {THREADS} threads, least and median of {REPETITIONS} alternating runs"
    );
    println!(
        "{:<28} {:>18} {:>18} {:>18} {:>10}",
        "network", "ours f32", "ours int8", "onnxruntime f32", "f32 ratio"
    );
    for model in models(&root) {
        let name =
            model.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        match compare(&python, &model) {
            Ok([real, integer, peer]) => println!(
                "{name:<28} {:>18} {:>18} {:>18} {:>10.2}",
                both(&real),
                both(&integer),
                both(&peer),
                real[0] / peer[0]
            ),
            Err(error) => println!("{name:<28} {error}"),
        }
    }
    Ok(())
}

/// The bundled network, and those of the data folder where there is one.
fn models(root: &Path) -> Vec<PathBuf> {
    let mut models = vec![root.join("models/efficientnet_lite0/model.onnx")];
    let folder = std::env::var_os("EDIACARA_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    for name in ["squeezenet10_deepcompressed", "resnet20_cifar10", "fastestdet"] {
        models.extend(Some(folder.join("models").join(name).join("model.onnx")).filter(|path| path.exists()));
    }
    models
}

/// Sorted times of f32 here, int8 here, f32 of onnxruntime.
fn compare(python: &Path, path: &Path) -> Result<[Vec<f64>; 3], Box<dyn std::error::Error>> {
    let model = ediacara::model::load(&path.display().to_string(), &[])?;
    let prepared = ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {})?;
    let zeros = |value: &ediacara::graph::ValueId| {
        let ty = model.graph.ty(*value);
        Tensor::zeros(ty.dtype, &ty.shape)
    };
    let inputs = model.graph.inputs().iter().map(zeros).collect::<Result<Vec<_>, _>>()?;
    let real = Executor::new(&prepared.real, &Options::with_threads(THREADS))?;
    let integer = Executor::new(&prepared.quantised, &Options::with_threads(THREADS))?;
    let mut peer = Peer::start(python, path)?;
    real.run(&inputs)?;
    integer.run(&inputs)?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..REPETITIONS {
        times[0].push(timed(&real, &inputs)?);
        times[1].push(timed(&integer, &inputs)?);
        times[2].push(peer.run()?);
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    Ok(times)
}

fn timed(executor: &Executor, inputs: &[Tensor]) -> Result<f64, ediacara::host::HostError> {
    let start = Instant::now();
    executor.run(inputs)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn both(times: &[f64]) -> String {
    format!("{:.2} / {:.2}", times[0], times[times.len() / 2])
}

/// onnxruntime in a Python process.
struct Peer {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, model: &Path) -> Result<Peer, Box<dyn std::error::Error>> {
        let mut child = Command::new(python)
            .args(["-c", SERVER])
            .arg(model)
            .arg(THREADS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Peer { child, ask, answers })
    }

    fn run(&mut self) -> Result<f64, Box<dyn std::error::Error>> {
        self.ask.write_all(b"run\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        line.trim().parse().map_err(|_| "onnxruntime stopped; its message is above".into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
