//! How a network does on a whole data set, in int8 on the simulated machine.

use std::borrow::Cow;

use ediacara_arch::Machine;
use ediacara_graph::{DType, Graph};
use ediacara_host::Executor;
use ediacara_profile::Share;
use ediacara_tensor::Tensor;
use ediacara_train::{Dataset, Normalisation, Samples};
use rayon::prelude::*;
use serde::Serialize;

use crate::check;
use crate::pipeline::refuse_fault;
use crate::stage::{Clock, Stage};
use crate::{CalibrationSource, CompiledNetwork, Error, HostOnly, Model, Prepared, compile, prepare};

/// A part of a data set.
#[derive(Debug, Clone)]
pub struct Part {
    /// The samples that are asked.
    pub samples: Samples,
    /// The samples that int8 ranges are taken from: always training samples.
    pub training: Samples,
}

/// Where a network takes its samples.
struct Input {
    /// How many samples one run takes.
    batch: usize,
    /// Pixels a side to which square pictures are resized for it; none if it takes the samples as they are.
    side: Option<usize>,
}

impl Part {
    /// The part of this name: a data set with `-test` or `-train` behind it, such as `mnist-test`.
    ///
    /// # Errors
    /// There is no such set, or it is not on this machine.
    pub fn load(name: &str) -> Result<Part, Error> {
        let Some((set, part @ ("test" | "train"))) = name.rsplit_once('-') else {
            let known = Dataset::names();
            let (set, others) = match known.contains(&name) {
                true => (name, format!("known sets are {}", known.join(", "))),
                false => ("mnist", ediacara_hint::there_are(name, known.iter().copied())),
            };
            return Err(Error::Invalid(format!(
                "data set `{name}`: say which part, as in {set}-test or {set}-train; {others}"
            )));
        };
        let Dataset { train, test } = Dataset::load(set, std::path::Path::new("."))?;
        let samples = if part == "test" { test } else { train.clone() };
        Ok(Part { samples, training: train })
    }

    /// The same part with pixels normalised so.
    fn normalised(&self, by: Normalisation) -> Part {
        Part { samples: self.samples.clone().normalised(by), training: self.training.clone().normalised(by) }
    }

    /// The same part with pictures of so many pixels a side.
    fn resized(&self, side: usize) -> Result<Part, Error> {
        Ok(Part { samples: self.samples.resized(side)?, training: self.training.resized(side)? })
    }
}

/// How to ask.
#[derive(Debug, Clone)]
pub struct Options {
    /// The machine.
    pub machine: Machine,
    /// Passes of the compiler that are left out.
    pub disable: Vec<String>,
    /// Whether the simulator looks for races and reads of bytes never written.
    pub checked: bool,
    /// Training samples that int8 ranges are taken from, if the network's file does not bring them.
    pub calibration_samples: usize,
    /// The most samples that are asked, from the first on.
    pub limit: usize,
    /// Whether a network may be asked if the DLP does nothing of it.
    pub host_only: HostOnly,
}

impl Options {
    /// How many of the samples are asked: at least one.
    fn asked(&self, samples: &Samples) -> usize {
        self.limit.clamp(1, samples.len())
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The network.
    pub model: String,
    /// The machine.
    pub machine: String,
    /// How much of the network ran on the DLP.
    pub on_dlp: Share,
    /// Samples that were asked.
    pub samples: usize,
    /// How many samples one run of the machine takes.
    pub batch: usize,
    /// How the pixels of pictures became inputs: as the network says, else as the data set does.
    ///
    /// It is left out if the samples are no pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<PixelReport>,
    /// Pixels a side to which pictures were resized, because the network takes no others.
    ///
    /// It is left out if they were not resized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resized_to: Option<usize>,
    /// Training samples that int8 ranges were taken from: 0 if the network's file brings them.
    pub calibration_samples: usize,
    /// Where int8 ranges come from: `min-max over N training samples`, or `imported (QDQ)`.
    pub calibration: String,
    /// The share that the machine gets right, in int8, 0 to 1.
    pub int8_accuracy: f64,
    /// The share that the host gets right, in f32.
    pub f32_accuracy: f64,
    /// Whether every byte that the machine computed equals the host's, in every run; null if it computed
    /// none.
    pub bit_exact: Option<bool>,
    /// Bytes that were compared.
    pub compared_bytes: u64,
    /// Cycles of one run, those of the host and of the network's border too; every run takes as many.
    pub cycles: u64,
    /// Those of the DLP.
    pub dlp_cycles: u64,
    /// Cycles of the DLP a sample.
    pub dlp_cycles_per_sample: f64,
    /// Samples a second at the machine's clock.
    pub samples_per_second_simulated: f64,
    /// Wall time of each stage.
    pub wall_seconds: serde_json::Map<String, serde_json::Value>,
}

/// How pixels became inputs: `(brightness - mean) / deviation`, brightness from 0 to 1.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PixelReport {
    /// What is subtracted.
    pub mean: f32,
    /// What it is divided by.
    pub deviation: f32,
    /// Whether the network gives these figures, instead of the data set.
    pub by_network: bool,
}

/// The result of one run.
struct BatchResult {
    int8_right: usize,
    f32_right: usize,
    cycles: u64,
    dlp_cycles: u64,
    equal: Option<bool>,
    bytes: u64,
}

/// Evaluates a network on every sample of the part, in batches of the network's own size.
///
/// It calibrates on training samples, unless the network is quantised already, and compiles once. Grey
/// pictures are resized to the network's size, and normalised as the network says, if it does.
///
/// # Errors
/// There is no sample; the network does not take such samples, or does not compile; the program stops with a
/// fault.
pub fn evaluate(model: &Model, part: &Part, options: &Options, stage: Stage<'_>) -> Result<Report, Error> {
    let Input { batch, side } = fitting_input(&model.graph, &part.samples)?;
    let (part, normalisation) = adapted(part, model, side)?;
    let calibration_samples = match ediacara_optimiser::is_qdq(&model.graph) {
        true => 0,
        false => options.calibration_samples.clamp(1, part.training.len()),
    };
    let calibration = batches(calibration_samples, batch)
        .into_iter()
        .map(|rows| Ok(vec![part.training.batch(&rows)?.0]))
        .collect::<Result<Vec<Vec<Tensor>>, Error>>()?;
    let prepared = prepare(model, &CalibrationSource::Tensors(calibration), &mut *stage)?;
    let mut wall_seconds = prepared.wall_seconds.clone();
    let calibration = match calibration_samples {
        0 => prepared.method.clone(),
        count => format!("min-max over {count} training samples"),
    };
    let mut clock = Clock::new(stage);
    clock.begin("compile");
    let passes = ediacara_compiler::Options {
        disable: options.disable.clone(),
        ..ediacara_compiler::Options::default()
    };
    let network = compile(&prepared, &options.machine, &passes, options.host_only)?;
    clock.begin("simulate and check");
    let results = ask_all(&prepared, &network, &part.samples, options, batch)?;
    let samples = options.asked(&part.samples);
    let sum = |field: fn(&BatchResult) -> u64| results.iter().map(field).sum::<u64>();
    let share = |right: u64| right as f64 / samples as f64;
    let cycles = results[0].cycles;
    if let Some(other) = results.iter().find(|result| result.cycles != cycles) {
        let other = other.cycles;
        return Err(Error::Invalid(format!("one run took {cycles} cycles and another {other}: a bug")));
    }
    let dlp_cycles = results[0].dlp_cycles;
    wall_seconds.extend(clock.finish());
    Ok(Report {
        model: model.name.clone(),
        machine: options.machine.name.clone(),
        on_dlp: network.share,
        samples,
        batch,
        normalisation,
        resized_to: side,
        calibration_samples,
        calibration,
        int8_accuracy: share(sum(|result| result.int8_right as u64)),
        f32_accuracy: share(sum(|result| result.f32_right as u64)),
        bit_exact: results.iter().map(|result| result.equal).collect::<Option<Vec<_>>>().map(all_equal),
        compared_bytes: sum(|result| result.bytes),
        cycles,
        dlp_cycles,
        dlp_cycles_per_sample: dlp_cycles as f64 / batch as f64,
        samples_per_second_simulated: options.machine.chip.clock_hz as f64 * batch as f64 / cycles as f64,
        wall_seconds,
    })
}

/// Asks the machine and the host every sample, in runs of `batch` samples, and compares what they compute.
fn ask_all(
    prepared: &Prepared,
    network: &CompiledNetwork,
    samples: &Samples,
    options: &Options,
    batch: usize,
) -> Result<Vec<BatchResult>, Error> {
    let (quantised, compiled) = (&network.graph, &network.compiled);
    let reference = Executor::new(&prepared.real, &ediacara_host::Options::default())?;
    let host_options = ediacara_host::Options { same_bits: true, ..Default::default() };
    let int8 = Executor::new(quantised, &host_options)?;
    let (runner, segments) = (network.runner(&options.machine)?, compiled.dlp().collect::<Vec<_>>());
    let simulation =
        ediacara_sim::Options { values: true, checked: options.checked, trace: false, max_cycles: None };
    let asked = options.asked(samples);
    let ask = |rows: Vec<usize>| -> Result<BatchResult, Error> {
        let inputs = [samples.batch(&rows)?.0];
        let ran = runner.run(&inputs, simulation, &|index| check::watches(segments[index]))?;
        refuse_fault(&ran)?;
        let simulators: Vec<_> = ran.dlp().map(|(simulator, _)| simulator).collect();
        let check =
            check::compare(&simulators, compiled, (quantised, crate::Precision::Int8), &int8, &inputs)?.check;
        let right = |tensor: Option<&Tensor>| right(samples, &rows, asked, tensor);
        Ok(BatchResult {
            int8_right: right(ran.outputs.first().map(|(_, tensor)| tensor))?,
            f32_right: right(reference.run(&inputs)?.first())?,
            cycles: ran.cycles(),
            dlp_cycles: ran.dlp_cycles(),
            equal: check.bit_exact,
            bytes: check.bytes,
        })
    };
    batches(asked, batch).into_par_iter().map(ask).collect()
}

/// The part as the network takes it, and how its pixels become inputs.
fn adapted<'p>(
    part: &'p Part,
    model: &Model,
    side: Option<usize>,
) -> Result<(Cow<'p, Part>, Option<PixelReport>), Error> {
    if part.samples.is_empty() || part.training.is_empty() {
        return Err(Error::Invalid("the data set has no sample".to_owned()));
    }
    let mut part = Cow::Borrowed(part);
    if let Some(side) = side {
        part = Cow::Owned(part.resized(side)?);
    }
    let own = model.preprocess.as_ref().map(|preprocess| Normalisation {
        mean: preprocess.mean[0] / 255.0,
        deviation: preprocess.deviation[0] / 255.0,
    });
    if let Some(by) = own {
        part = Cow::Owned(part.normalised(by));
    }
    let normalisation = part.samples.normalisation().map(|by| PixelReport {
        mean: by.mean,
        deviation: by.deviation,
        by_network: own.is_some(),
    });
    Ok((part, normalisation))
}

fn all_equal(runs: Vec<bool>) -> bool {
    runs.into_iter().all(|equal| equal)
}

/// The network's input, if it takes such samples.
fn fitting_input(graph: &Graph, samples: &Samples) -> Result<Input, Error> {
    let &[input] = graph.inputs() else {
        let count = graph.inputs().len();
        return Err(Error::Invalid(format!("the network has {count} inputs; samples of a data set are one")));
    };
    let (name, ty) = (&graph.value(input).name, graph.ty(input));
    match ty.shape.split_first() {
        Some((&batch, rest)) if batch > 0 && rest == samples.shape && ty.dtype == DType::F32 => {
            Ok(Input { batch, side: None })
        }
        Some((&batch, &[1, height, width])) if batch > 0 && height == width && ty.dtype == DType::F32 => {
            Ok(Input { batch, side: Some(height) })
        }
        _ => Err(Error::Invalid(format!(
            "input {name} is {ty}, and the samples are f32 [N, {}]",
            samples.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The rows of each batch; the last batch is filled up with its last row.
fn batches(samples: usize, batch: usize) -> Vec<Vec<usize>> {
    let rows = |first: usize| (first..first + batch).map(|row| row.min(samples - 1)).collect();
    (0..samples).step_by(batch).map(rows).collect()
}

/// How many of a batch's own rows are right.
fn right(samples: &Samples, rows: &[usize], asked: usize, outputs: Option<&Tensor>) -> Result<usize, Error> {
    let wanted = [rows.len(), samples.outputs];
    let Some(outputs) = outputs.filter(|tensor| tensor.shape() == wanted && tensor.dtype() == DType::F32)
    else {
        let found = outputs.map_or_else(|| "nothing".to_owned(), |tensor| format!("{:?}", tensor.shape()));
        return Err(Error::Invalid(format!(
            "the network gives {found}, and the data set wants f32 {wanted:?}"
        )));
    };
    let own = rows.len().min(asked - rows[0]);
    let values = outputs.to_vec::<f32>()?;
    let pairs = rows.iter().zip(values.chunks_exact(samples.outputs)).take(own);
    Ok(pairs.filter(|(row, outputs)| samples.is_right(**row, outputs)).count())
}
