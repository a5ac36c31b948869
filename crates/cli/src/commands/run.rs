//! `ediacara run`: the main job.

use std::process::ExitCode;

use ediacara::arch::Machine;
use ediacara::data::Labels;
use ediacara::inputs::{self, Source};
use ediacara::profile::{RunReport, layer_table, report_engine_table, totals};
use ediacara::{Model, RunOptions};

use super::{Outcome, setup};
use crate::arguments::RunArguments;
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &RunArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    progress.stage("load");
    let mut model = setup::model(&arguments.model, &arguments.preprocess)?;
    if let Some(path) = &arguments.labels {
        model.labels = Some(Labels::open(path)?);
    }
    let tensors =
        inputs::load(&model.graph, &sources(arguments, &model), model.preprocess.as_ref(), arguments.seed)?;
    let mut stage = |name: &str| progress.stage(name);
    let prepared = ediacara::prepare(&model, &setup::calibration(&arguments.calibration)?, &mut stage)?;
    let options = RunOptions {
        machine,
        values: !arguments.timing_only,
        checked: arguments.checked,
        disable: arguments.compiler.disable.clone(),
        top: arguments.top,
    };
    let run = ediacara::run(&model, &prepared, &tensors, &options, &mut stage)?;
    drop(progress);

    if let Some(path) = &arguments.save_outputs {
        ediacara::tensor::npz::write(path, &run.outputs)?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&run.report)?);
    } else {
        print(&model, &run.report);
    }
    let equal = run.report.check.bit_exact != Some(false);
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The given files; for a network whose preprocessing is its own, the bundled photo where none is given.
fn sources(arguments: &RunArguments, model: &Model) -> Vec<Source> {
    let given = setup::sources(&arguments.input);
    let takes_photo = model.labels.is_some() && model.preprocess.is_some();
    if given.is_empty() && takes_photo { vec![Source::BundledPhoto] } else { given }
}

fn print(model: &Model, report: &RunReport) {
    say!("{} on {} in {}\n", report.model, report.machine, report.precision);
    for note in &model.notes {
        say!("{note}");
    }
    say!("{}\n", layer_table(&report.layers));
    say!("{}\n", report_engine_table(report));
    say!("{}", totals(report));
    for op in &report.host_ops {
        say!("host          {} {}: {}", op.op, op.name, op.reason);
    }
    if !report.top.is_empty() {
        say!();
    }
    for class in &report.top {
        say!("{:6.2} %  {:4}  {}", class.probability * 100.0, class.class, class.label);
    }
}
