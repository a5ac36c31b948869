//! What is measured of every network: how much of it the DLP runs, cycles, exactness, distance from f32, and its answer.

use std::cell::{OnceCell, RefCell};
use std::path::Path;

use ediacara::arch::Machine;
use ediacara::graph::{Graph, Registry};
use ediacara::host::Executor;
use ediacara::isa::Plan;
use ediacara::model::{Binding, load_bound};
use ediacara::optimiser::{is_qdq, optimise};
use ediacara::profile::{RunReport, Share};
use ediacara::prove::prove_values;
use ediacara::runner::Runner;
use ediacara::tensor::{DType, Tensor};
use ediacara::{CalibrationSource, HostOnly, Prepared, Run, RunOptions, compiler, sim};
use serde::Serialize;

use crate::floats::{self, InType};
use crate::networks::Network;
use crate::task::{Answer, Net, Places, Result, numbers};

/// The machine that all networks run on.
const MACHINE: &str = "dlp16";

/// A network's figures, as they are printed.
#[derive(Serialize)]
pub(crate) struct Measured {
    name: &'static str,
    package: &'static str,
    file: &'static str,
    /// What `ediacara run FILE` needs beside the file.
    options: String,
    on_dlp: Share,
    /// Why multiply-adds stay on the host; the first such node's reason.
    host_reason: Option<String>,
    /// What the host computes beside the conversions at the network's border, with the reasons.
    host: Vec<String>,
    segments: usize,
    timing_basis: String,
    cycles: u64,
    dlp_cycles: u64,
    host_cycles: u64,
    transfer_cycles: u64,
    cycles_over_roofline: f64,
    sqnr_db: Option<f64>,
    /// Whether every compared byte is equal; null when none was.
    bit_exact: Option<bool>,
    compared_bytes: u64,
    /// Whether every program is proven, and the provenance of all that it reads.
    proven: bool,
    /// Bytes of which the proof knows who left them.
    proven_bytes: u64,
    /// Whether the file, executed, gives the same outputs in as many cycles.
    exec_equal: bool,
    /// The network in floating point; nothing of one that comes quantised.
    floats: Vec<InType>,
    judged: &'static str,
    calibrated: &'static str,
    real: String,
    real_right: Option<bool>,
    int8: String,
    int8_right: Option<bool>,
}

/// Runs a network in every way.
pub(crate) fn measure(network: &Network, places: &Places) -> Result<Measured> {
    let file = places.packaged(network.package, network.file);
    let (task, machine) = (network.task, Machine::preset(MACHINE)?);
    let binding = task.binding();
    let model = load_bound(&file.display().to_string(), &binding)?;
    // Only networks with a state run before they are calibrated.
    let first = OnceCell::new();
    let given_real = |inputs: &[Tensor]| {
        if first.get().is_none() {
            let _ = first.set(executor(&optimise(model.graph.clone(), &Default::default())?)?);
        }
        run_host(first.get().ok_or("the network is not ready")?, inputs)
    };
    let samples = task.samples(places, &given_real)?;
    let judged = typed(&model.graph, &task.judged(places, &given_real)?)?;
    let samples = samples.iter().map(|sample| typed(&model.graph, sample)).collect::<Result<_>>()?;
    let prepared = ediacara::prepare(&model, &CalibrationSource::Tensors(samples), &mut |_| {})?;
    let Run { report, outputs } =
        ediacara::run(&model, &prepared, &judged, &run_options(&machine), &mut |_| {})?;
    let compiled = ediacara::compile(&prepared, &machine, &compiler::Options::default(), HostOnly::Refused)?;
    let (mut proven, mut proven_bytes) = (true, 0);
    for segment in compiled.compiled.dlp() {
        let proof = prove_values(&segment.executable, &machine, &segment.values, &Default::default());
        proven &= proof.proven;
        proven_bytes += proof.provenance.map_or(0, |provenance| provenance.bytes.total());
    }
    let plan = Plan::from_bytes(&compiled.file()?.to_bytes())?;
    let graph = compiled.graph;
    drop(compiled.compiled);
    let runner = Runner::new(&plan, &machine, &Registry::core())?;
    let executed = runner.run(&judged, sim::Options::default(), &|_| Vec::new())?;
    let pairs = || executed.outputs.iter().zip(&outputs);
    let exec_equal = executed.outputs.len() == outputs.len()
        && executed.cycles() == report.cycles
        && pairs().all(|(found, wanted)| found.0 == wanted.0 && found.1.same_bits(&wanted.1));
    let (real, int8) = (executor(&prepared.real)?, executor(&graph)?);
    let floats = match is_qdq(&prepared.real) {
        true => Vec::new(),
        false => floats::measure(&model, &judged, &run_host(&real, &judged)?)?,
    };
    let noise = RefCell::new(Noise::default());
    let real = task.answer(places, &|inputs| {
        let wanted = run_host(&real, inputs)?;
        noise.borrow_mut().add(&wanted, &run_host(&int8, inputs)?)?;
        Ok(wanted)
    })?;
    let run = |inputs: &[Tensor]| {
        let ran = runner.run(&typed(&model.graph, inputs)?, sim::Options::default(), &|_| Vec::new())?;
        match ran.fault() {
            Some(fault) => Err(fault.to_string().into()),
            None => Ok(ran.outputs.into_iter().map(|(_, tensor)| tensor).collect()),
        }
    };
    let int8 = task.answer(places, &run as Net)?.beside(&real);
    let proof = Proof { proven, bytes: proven_bytes, exec_equal };
    let measured = measured(network, &prepared, report, (&proof, noise.borrow().ratio()), [real, int8]);
    Ok(Measured { floats, ..measured })
}

/// What int8 adds to each output, over everything that the network in f32 is asked.
#[derive(Default)]
struct Noise {
    /// For each output the sums of the squares of its numbers, and of what int8 adds to them.
    sums: Vec<[f64; 2]>,
}

impl Noise {
    fn add(&mut self, wanted: &[Tensor], found: &[Tensor]) -> Result<()> {
        self.sums.resize(wanted.len(), [0.0; 2]);
        for (index, sums) in
            self.sums.iter_mut().enumerate().filter(|(index, _)| wanted[*index].dtype() == DType::F32)
        {
            let (wanted, found) = (numbers(wanted, index)?, numbers(found, index)?);
            for (&wanted, &found) in wanted.iter().zip(&found).filter(|(wanted, _)| wanted.is_finite()) {
                let (wanted, found) = (f64::from(wanted), f64::from(found));
                *sums = [sums[0] + wanted * wanted, sums[1] + (wanted - found) * (wanted - found)];
            }
        }
        Ok(())
    }

    /// The least ratio of the outputs, in decibels; nothing if all are equal.
    fn ratio(&self) -> Option<f64> {
        let noisy = self.sums.iter().filter(|[signal, noise]| *signal > 0.0 && *noise > 0.0);
        noisy.map(|[signal, noise]| 10.0 * (signal / noise).log10()).min_by(f64::total_cmp)
    }
}

/// What was found of the programs.
struct Proof {
    proven: bool,
    bytes: u64,
    exec_equal: bool,
}

fn measured(
    network: &Network,
    prepared: &Prepared,
    report: RunReport,
    (proof, sqnr_db): (&Proof, Option<f64>),
    [real, int8]: [Answer; 2],
) -> Measured {
    let left = report.nodes.iter().find(|node| node.place == "host" && node.macs > 0);
    let given = network.task.given();
    Measured {
        name: network.name,
        package: network.package,
        file: network.file,
        options: command_line(&network.task.binding()),
        on_dlp: report.on_dlp,
        host_reason: left.map(|node| {
            let reason = node.reason.clone().unwrap_or_default();
            format!("{} `{}`: {reason}", node.op, node.name)
        }),
        host: host_steps(&report),
        segments: report.segments.len(),
        timing_basis: report.timing_basis,
        cycles: report.cycles,
        dlp_cycles: report.dlp_cycles,
        host_cycles: report.host_cycles,
        transfer_cycles: report.transfer_cycles,
        cycles_over_roofline: report.cycles_over_roofline,
        sqnr_db,
        bit_exact: report.check.bit_exact,
        compared_bytes: report.check.bytes,
        proven: proof.proven,
        proven_bytes: proof.bytes,
        exec_equal: proof.exec_equal,
        floats: Vec::new(),
        judged: given.judged,
        calibrated: match prepared.method.as_str() {
            "imported (QDQ)" => "its own scales",
            _ => given.calibrated,
        },
        real: real.text,
        real_right: real.right,
        int8: int8.text,
        int8_right: int8.right,
    }
}

/// Operators of the host and why they are its own, each pair once with how often it is met.
///
/// What is the host's because its operand is counts with that one. Conversions of the network's inputs and outputs are left
/// out.
fn host_steps(report: &RunReport) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let own = report.host_ops.iter().filter(|node| node.name == node.cause);
    for node in own.filter(|node| !matches!(node.op.as_str(), "quantize_linear" | "dequantize_linear")) {
        let step = format!("{}: {}", node.op, node.reason);
        match counts.iter_mut().find(|(known, _)| *known == step) {
            Some((_, count)) => *count += 1,
            None => counts.push((step, 1)),
        }
    }
    let times = |(step, count): (String, usize)| match count {
        1 => step,
        _ => format!("{step} ({count} times)"),
    };
    counts.into_iter().map(times).collect()
}

fn run_options(machine: &Machine) -> RunOptions {
    RunOptions { top: 0, ..RunOptions::on(machine.clone()) }
}

/// A binding as the options of `ediacara run`.
fn command_line(binding: &Binding) -> String {
    let shape = |(input, shape): &(String, Vec<usize>)| {
        let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
        format!("--shape {input}={}", sizes.join("x"))
    };
    let value = |(input, value): &(String, Tensor)| {
        let number = value.cast(ediacara::tensor::DType::F64).to_vec::<f64>().unwrap_or_default();
        format!("--value {input}={}", number.first().copied().unwrap_or_default())
    };
    let shapes = binding.shapes.iter().map(shape);
    shapes.chain(binding.constants.iter().map(value)).collect::<Vec<_>>().join(" ")
}

/// The tensors in the types of a network's inputs.
fn typed(graph: &Graph, tensors: &[Tensor]) -> Result<Vec<Tensor>> {
    let inputs = graph.inputs();
    if inputs.len() != tensors.len() {
        let names: Vec<&str> = inputs.iter().map(|&input| graph.value(input).name.as_str()).collect();
        return Err(
            format!("{} tensors were given for the inputs {}", tensors.len(), names.join(", ")).into()
        );
    }
    Ok(inputs.iter().zip(tensors).map(|(&input, tensor)| tensor.cast(graph.ty(input).dtype)).collect())
}

fn executor(graph: &Graph) -> Result<Executor> {
    Ok(Executor::new(graph, &Default::default())?)
}

fn run_host(executor: &Executor, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    Ok(executor.run(&typed(executor.graph(), inputs)?)?)
}

/// Runs a network in f32 on the host.
pub(crate) fn run_real(file: &Path, binding: &Binding, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    let model = load_bound(&file.display().to_string(), binding)?;
    run_host(&executor(&optimise(model.graph, &Default::default())?)?, inputs)
}
