//! `ediacara summary`: what a network consists of.

use std::process::ExitCode;

use ediacara::nn::Summary;

use super::{Outcome, setup};
use crate::arguments::SummaryArguments;
use crate::output::{self, say};
use crate::summary_table::print_summary;

pub(crate) fn execute(arguments: &SummaryArguments) -> Outcome {
    let model =
        ediacara::model::load_bound(&arguments.model.model, &setup::binding(&arguments.model, Vec::new()))?;
    let summary = Summary::new(&model.graph);
    if arguments.json {
        output::json(&summary)?;
    } else {
        print_summary(&summary);
        for note in &model.notes {
            say!("{note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
