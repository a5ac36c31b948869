//! `ediacara run`: the main job.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::data::Labels;
use ediacara::dataset::{self, Part};
use ediacara::graph::Graph;
use ediacara::inputs;
use ediacara::profile::{RunReport, host_lines, layer_table, report_engine_table, totals};
use ediacara::tensor::Tensor;
use ediacara::train::Normalisation;
use ediacara::{CalibrationSource, Model, Prepared, RunOptions};

use super::{Outcome, precisions, setup};
use crate::arguments::{ModelArguments, Ranges, RunArguments};
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &RunArguments) -> Outcome {
    if let Some(count) = arguments.generate {
        return super::generate::execute(count.get(), arguments);
    }
    if let Some(name) = &arguments.dataset {
        return on_dataset(name, arguments);
    }
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    progress.stage("load");
    let mut model =
        setup::sampled(&arguments.model, &arguments.preprocess, &arguments.input, &arguments.calibration)?;
    if let Some(path) = &arguments.labels {
        model.labels = Some(Labels::open(path)?);
    }
    let sources = setup::sources_or_photo(&arguments.input, &model);
    let made_up_inputs = inputs::made_up(&model.graph, &sources)?;
    let tensors = inputs::load(&model.graph, &sources, model.preprocess.as_ref(), arguments.seed)
        .map_err(|error| model.blame_free_dimensions(error))?;
    let mut stage = |name: &str| progress.stage(name);
    let calibration = match arguments.ranges {
        Ranges::Calibrated => setup::calibration_beside(&arguments.calibration, &model, &tensors)?,
        Ranges::Assumed => CalibrationSource::Assumed,
    };
    let asked = (&arguments.precision, &arguments.calibration);
    let samples = (&calibration, std::slice::from_ref(&tensors));
    let (prepared, choice) = setup::prepared(&model, &machine, asked, samples, &mut stage)?;
    // From here on only its name and labels are read; its weights would stay in memory beside the optimised
    // ones.
    model.graph = Graph::default();
    let doubts = match arguments.timing_only {
        true => Vec::new(),
        false => ediacara::doubts::of_network(&prepared.quantised, &tensors),
    };
    setup::weigh(&doubts, arguments.strict)?;
    let options = RunOptions {
        machine,
        values: !arguments.timing_only,
        checked: arguments.checked,
        disable: arguments.compiler.disable.clone(),
        // The classes that a network sees in noise are no answer.
        top: if made_up_inputs.is_empty() { arguments.top } else { 0 },
        what_if: arguments.what_if,
        host_only: arguments.host_only.choice(),
    };
    let mut run = ediacara::run(&model, &prepared, &tensors, &options, &mut stage)?;
    run.report.made_up_inputs = made_up_inputs;
    run.report.input_warnings = doubts;
    let int8 = || int8_cycles(&model, prepared, &tensors, options, &mut stage);
    let choice = choice.map(|choice| int8().map(|cycles| (choice, cycles))).transpose()?;
    drop(progress);

    if let Some(path) = &arguments.save_outputs {
        ediacara::tensor::npz::write(path, &run.outputs)?;
    }
    if arguments.json {
        let mut value = serde_json::to_value(&run.report)?;
        if let Some((choice, int8)) = &choice {
            value["precision_choice"] = precisions::to_json(choice, *int8);
        }
        say!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        print(&model, &run.report);
        if let Some((choice, int8)) = &choice {
            precisions::print(choice, *int8, run.report.dlp_cycles);
        }
    }
    let equal = run.report.check.bit_exact != Some(false);
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The DLP's cycles with all layers in int8.
fn int8_cycles(
    model: &Model,
    prepared: Prepared,
    tensors: &[Tensor],
    options: RunOptions,
    stage: &mut dyn FnMut(&str),
) -> Result<u64, ediacara::Error> {
    stage("time int8");
    let options = RunOptions { values: false, checked: false, what_if: false, ..options };
    let all = prepared.with_layers(Default::default());
    Ok(ediacara::run(model, &all, tensors, &options, stage)?.report.dlp_cycles)
}

/// The samples of one run of the machine, if the network takes any number.
const DATASET_BATCH: usize = 100;

/// Runs a whole data set, in batches.
fn on_dataset(name: &str, arguments: &RunArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    progress.stage("load");
    let part = Part::load(name)?;
    let mut model = setup::model(&arguments.model, &arguments.preprocess)?;
    if let [free] = model.unbound.as_slice() {
        let dims = [&arguments.model.dims[..], &[(free.clone(), DATASET_BATCH)]].concat();
        let bound = ModelArguments { dims, ..arguments.model.clone() };
        model = setup::model(&bound, &arguments.preprocess)?;
    }
    let options = dataset::Options {
        machine,
        disable: arguments.compiler.disable.clone(),
        checked: arguments.checked,
        calibration_samples: arguments.calibration_samples.get(),
        limit: arguments.samples.map_or(usize::MAX, NonZeroUsize::get),
        host_only: arguments.host_only.choice(),
    };
    let report = dataset::evaluate(&model, &part, &options, &mut |name| progress.stage(name))?;
    drop(progress);
    if arguments.json {
        let mut value = serde_json::to_value(&report)?;
        value["dataset"] = name.into();
        say!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        print_dataset(name, &report);
    }
    let differs = report.bit_exact == Some(false);
    Ok(if differs { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print_dataset(name: &str, report: &dataset::Report) {
    say!("{} on {} in int8, {} samples of {name}\n", report.model, report.machine, report.samples);
    say!("on the DLP    {}", report.on_dlp);
    let right = |share: f64| {
        format!("{:.2} %  ({:.0} of {})", 100.0 * share, share * report.samples as f64, report.samples)
    };
    say!("accuracy      {}", right(report.int8_accuracy));
    say!("on the host   {} in f32", right(report.f32_accuracy));
    say!(
        "check         {}",
        match report.bit_exact {
            Some(true) =>
                format!("equal to the host's int8 in every run, {} bytes compared", report.compared_bytes),
            Some(false) => format!("NOT equal to the host's int8, {} bytes compared", report.compared_bytes),
            None => "none: the DLP computed nothing that could be compared".to_owned(),
        }
    );
    say!("calibration   {}", report.calibration);
    if let Some(by) = &report.normalisation {
        let whose = if by.by_network { "network" } else { "data set" };
        say!(
            "pixels        {}, as the {whose} says",
            Normalisation { mean: by.mean, deviation: by.deviation }
        );
    }
    if let Some(side) = report.resized_to {
        say!("pictures      resized to {side} x {side}, which the network takes");
    }
    say!(
        "cycles        {} for a batch of {}, on the DLP {:.0} a sample; {:.0} samples/s",
        report.cycles,
        report.batch,
        report.dlp_cycles_per_sample,
        report.samples_per_second_simulated
    );
}

fn print(model: &Model, report: &RunReport) {
    say!("{} on {} in {}", report.model, report.machine, report.precision);
    say!("on the DLP    {}\n", report.on_dlp);
    for note in &model.notes {
        say!("{note}");
    }
    say!("{}\n", layer_table(&report.layers, report.fetch_bytes));
    say!("{}\n", report_engine_table(report));
    say!("{}", totals(report));
    for line in host_lines(&report.host_ops) {
        say!("host          {line}");
    }
    if let Some(input) = report.made_up_inputs.first().filter(|_| report.check.bit_exact.is_some()) {
        say!("classes       not listed: input `{input}` was made up (seeded numbers); give one with --input");
    }
    if !report.top.is_empty() {
        say!();
    }
    for class in &report.top {
        say!("{:6.2} %  {:4}  {}", class.probability * 100.0, class.class, class.label);
    }
}
