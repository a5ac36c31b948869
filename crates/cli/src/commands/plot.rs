//! `ediacara plot`: pictures that belong to no network.

use std::process::ExitCode;

use ediacara::profile::plain_table;
use ediacara::textbook::activations::{ACTIVATIONS, Activation, panels, to_json};

use super::Outcome;
use crate::arguments::{ActivationsArguments, PlotArguments, PlotCommand};
use crate::output::{say, write_whole};

pub(crate) fn execute(arguments: &PlotArguments) -> Outcome {
    match &arguments.command {
        PlotCommand::Activations(arguments) => activations(arguments),
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
