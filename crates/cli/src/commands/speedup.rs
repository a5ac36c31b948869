//! `ediacara speedup`: Amdahl's law on a network, and a layer bound by bandwidth.

use std::process::ExitCode;

use ediacara::Precision;
use ediacara::arch::Machine;
use ediacara::profile::{plain_table, thousands};
use ediacara::textbook::speedup::{KINDS, Part, Speedup, Streamed, kind_of};
use serde_json::json;

use super::{Outcome, setup};
use crate::arguments::{LayerSpeedupArguments, NetworkSpeedupArguments, SpeedupArguments, SpeedupCommand};
use crate::output::{say, write_whole};
use crate::progress::Progress;

pub(crate) fn execute(arguments: &SpeedupArguments) -> Outcome {
    match &arguments.command {
        SpeedupCommand::Network(arguments) => network(arguments),
        SpeedupCommand::Layer(arguments) => layer(arguments),
    }
}

fn network(arguments: &NetworkSpeedupArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let progress = Progress::new();
    let model = setup::load(&arguments.model)?;
    // Blocks would make pools a part of the convolutions beside them.
    let report = setup::timing(
        &model,
        &machine,
        Precision::Int8,
        (arguments.ranges, &["fuse-block"]),
        &mut |stage| progress.stage(stage),
    )?;
    drop(progress);
    let factors = [arguments.conv, arguments.fc, arguments.other];
    let cycles = |kind: &str| {
        let own = report.layers.iter().filter(|layer| kind_of(&layer.op) == kind);
        own.map(|layer| layer.cycles).sum::<u64>() as f64
    };
    let parts = KINDS.into_iter().zip(factors);
    let parts = parts.map(|(kind, factor)| Part { name: kind.to_owned(), before: cycles(kind), factor });
    let speedup = Speedup { parts: parts.filter(|part| part.before > 0.0).collect() };
    if let Some(path) = &arguments.svg {
        let title = format!("{} on {}: {:.2} times as fast", report.model, report.machine, speedup.factor());
        write_whole(path, speedup.timeline(&title, "cycles").to_svg().as_bytes())?;
    }
    if arguments.json {
        let mut value = speedup.to_json();
        value["model"] = json!(report.model);
        value["machine"] = json!(report.machine);
        say!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(ExitCode::SUCCESS);
    }
    let row = |(index, part): (usize, &Part)| {
        let limit = speedup.limit(index);
        vec![
            part.name.clone(),
            thousands(part.before.round() as u64),
            format!("{:.1} %", 100.0 * part.before / speedup.before()),
            part.factor.to_string(),
            thousands(part.after().round() as u64),
            format!("{:.1} %", 100.0 * part.after() / speedup.after()),
            if limit.is_finite() { format!("{limit:.2}") } else { "no limit".to_owned() },
        ]
    };
    let header = [
        "layers",
        "cycles before",
        "share",
        "times as fast",
        "cycles after",
        "share",
        "speed-up if they took none",
    ];
    say!("{} on {}: {:.3} times as fast\n", report.model, report.machine, speedup.factor());
    say!("{}", plain_table(&header, 1..7, speedup.parts.iter().enumerate().map(row).collect()));
    Ok(ExitCode::SUCCESS)
}

fn layer(arguments: &LayerSpeedupArguments) -> Outcome {
    let hertz = arguments.clock * 1e6;
    let streamed = Streamed {
        inputs: arguments.inputs,
        outputs: arguments.outputs,
        batch: arguments.batch,
        number_bytes: arguments.bytes,
        bytes_per_second: arguments.bandwidth * 1e9,
        macs_per_second: arguments.macs.map_or(f64::INFINITY, |macs| macs as f64 * hertz),
        alu_operations_per_second: hertz,
    };
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&streamed.to_json())?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("multiply-adds        {}, one a weight and row", thousands(streamed.macs() as u64));
    say!("bytes                {}", thousands(streamed.bytes() as u64));
    say!("accelerator          {:.3} us", streamed.accelerator_seconds() * 1e6);
    say!("one arithmetic unit  {:.3} us", streamed.alu_seconds() * 1e6);
    say!("speed-up             {:.3}", streamed.factor());
    say!(
        "limit                {:.3} = 2 x rows x bandwidth / bytes of a weight / the unit's operations a second",
        streamed.limit()
    );
    Ok(ExitCode::SUCCESS)
}
