//! `ediacara utilisation`: how much of an array an on-chip bandwidth can feed.

use std::process::ExitCode;

use ediacara::profile::plain_table;
use ediacara::textbook::layers::layers;
use ediacara::textbook::utilisation::{Measurement, chart, sweep, to_json};
use serde_json::json;

use super::{Outcome, setup};
use crate::arguments::UtilisationArguments;
use crate::output::{say, write_whole};

pub(crate) fn execute(arguments: &UtilisationArguments) -> Outcome {
    let model = setup::load(&arguments.model)?;
    let layers = layers(&model.graph);
    if layers.is_empty() {
        return Err(format!("{}: no layer multiplies by weights", model.name).into());
    }
    let bytes_per_second = (arguments.bandwidth * 1e9).round() as u64;
    let clock_hz = arguments.clock * 1_000_000;
    let measurements = sweep(&layers, clock_hz, bytes_per_second, arguments.largest)?;
    if let Some(path) = &arguments.svg {
        let title = format!(
            "{} on an on-chip memory of {} GB/s, 16 bits, {} MHz",
            model.name, arguments.bandwidth, arguments.clock
        );
        write_whole(path, chart(&measurements, &title).to_svg().as_bytes())?;
    }
    if arguments.json {
        let report = json!({
            "model": model.name,
            "bytes_per_second": bytes_per_second,
            "clock_hz": clock_hz,
            "points": to_json(&measurements),
        });
        say!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    let (array, scalar) = measurements.split_at(measurements.len() / 2);
    let share = |share: f64| format!("{:.2} %", 100.0 * share);
    let row = |(array, scalar): (&Measurement, &Measurement)| {
        let (rows, columns) = array.unit.rows_columns();
        vec![
            array.unit.macs.to_string(),
            format!("{rows} x {columns}"),
            share(array.closed_form),
            share(array.simulated),
            share(scalar.closed_form),
            share(scalar.simulated),
        ]
    };
    let header = ["MACs", "array", "closed form", "simulated", "scalar, closed form", "simulated"];
    say!("{} at {} GB/s on chip\n", model.name, arguments.bandwidth);
    say!("{}", plain_table(&header, 0..6, array.iter().zip(scalar).map(row).collect()));
    Ok(ExitCode::SUCCESS)
}
