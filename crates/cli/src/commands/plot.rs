//! `ediacara plot`: pictures that belong to no machine.

use std::process::ExitCode;

use ediacara::host::Executor;
use ediacara::inputs;
use ediacara::profile::{plain_table, shorten};
use ediacara::textbook::activations::{ACTIVATIONS, Activation, panels, to_json};
use ediacara::textbook::formats::{self, Kind, Row, Study};

use super::{Outcome, setup};
use crate::arguments::{ActivationsArguments, FormatsArguments, PlotArguments, PlotCommand};
use crate::output::{say, write_whole};
use crate::progress::Progress;

pub(crate) fn execute(arguments: &PlotArguments) -> Outcome {
    match &arguments.command {
        PlotCommand::Activations(arguments) => activations(arguments),
        PlotCommand::Formats(arguments) => formats(arguments),
    }
}

fn activations(arguments: &ActivationsArguments) -> Outcome {
    if let Some(path) = &arguments.svg {
        write_whole(path, panels()?.to_svg().as_bytes())?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&to_json()?)?);
        return Ok(ExitCode::SUCCESS);
    }
    let row = |activation: &Activation| {
        vec![
            activation.name.to_owned(),
            activation.formula.to_owned(),
            activation.value.to_string(),
            activation.derivative.to_string(),
            activation.centre.name().to_owned(),
            activation.saturation.name().to_owned(),
        ]
    };
    let header = ["activation", "formula", "values", "derivatives", "zero-centred", "saturates"];
    say!("{}", plain_table(&header, 0..0, ACTIVATIONS.iter().map(row).collect()));
    Ok(ExitCode::SUCCESS)
}

fn formats(arguments: &FormatsArguments) -> Outcome {
    let study = study(arguments)?;
    if let Some(path) = &arguments.svg {
        write_whole(path, formats::panels(&study).to_svg().as_bytes())?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&formats::to_json(&study))?);
        return Ok(ExitCode::SUCCESS);
    }
    let row = |row: Row| {
        vec![
            row.kind.name().to_owned(),
            row.format.name().to_owned(),
            format!("{:.1}", row.median),
            format!("{:.1}", row.lowest),
            shorten(&row.lowest_of, 44),
            format!("{:.2} %", 100.0 * row.lost),
        ]
    };
    let header = ["numbers", "format", "SQNR, median (dB)", "lowest (dB)", "of", "become 0"];
    say!("{}", plain_table(&header, 2..4, study.rows().into_iter().map(row).collect()));
    Ok(ExitCode::SUCCESS)
}

/// The weights of a network as it is quantised, norms folded, and its values on an input.
fn study(arguments: &FormatsArguments) -> Result<Study, Box<dyn std::error::Error>> {
    let progress = Progress::new();
    progress.stage("load");
    let model = setup::fed_model(&arguments.model, &arguments.preprocess, &arguments.input)?;
    let sources = setup::sources_or_photo(&arguments.input, &model);
    let tensors = inputs::load(&model.graph, &sources, model.preprocess.as_ref(), arguments.seed)
        .map_err(|error| model.blame_free_dimensions(error))?;
    let graph = ediacara::optimiser::optimise(model.graph, &ediacara::optimiser::Options::default())?;
    progress.stage("weights");
    let mut study = Study::of_weights(&model.name, &graph)?;
    progress.stage("values");
    let executor = Executor::new(&graph, &ediacara::host::Options { same_bits: true, ..Default::default() })?;
    let mut problem = None;
    executor.run_with_observer(&tensors, |value, tensor| {
        // Of a value there is no scale a channel, so that the axis does not matter.
        let added = study.add(Kind::Values, &graph.value(value).name, tensor, 0);
        problem = problem.take().or(added.err());
    })?;
    problem.map_or(Ok(study), |problem| Err(problem.into()))
}
