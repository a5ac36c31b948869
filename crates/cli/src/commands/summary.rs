//! `ediacara summary`: what a network consists of.

use std::process::ExitCode;

use ediacara::nn::Summary;

use super::{Outcome, setup};
use crate::arguments::SummaryArguments;
use crate::output::say;
use crate::summary_table::summary_table;

pub(crate) fn execute(arguments: &SummaryArguments) -> Outcome {
    let model = ediacara::model::load_bound(&arguments.model.model, &setup::binding(&arguments.model, &[]))?;
    let summary = Summary::new(&model.graph);
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        say!("{}", summary_table(&summary));
        for note in &model.notes {
            say!("{note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
