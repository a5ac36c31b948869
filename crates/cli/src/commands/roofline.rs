//! `ediacara roofline`: networks under a machine's roofs.

use std::process::ExitCode;

use ediacara::Model;
use ediacara::arch::Machine;
use ediacara::profile::{plain_table, shorten};
use ediacara::textbook::layers::layers;
use ediacara::textbook::roofline::{Load, Network, Roofs, chart, to_json};

use super::{Outcome, setup};
use crate::arguments::RooflineArguments;
use crate::output::{say, write_whole};
use crate::progress::Progress;

pub(crate) fn execute(arguments: &RooflineArguments) -> Outcome {
    let machine = Machine::load(&arguments.machine.machine)?;
    let precision = arguments.precision;
    let roofs = Roofs::of(&machine, precision.on(&machine)?);
    let progress = Progress::new();
    let mut networks = Vec::new();
    for name in &arguments.models {
        progress.stage(&format!("{name}: load"));
        let model = setup::load(name)?;
        let network = on_paper(name, &model, &roofs)?;
        networks.push(if arguments.paper {
            network
        } else {
            let report = setup::timing(&model, &machine, precision, (arguments.ranges, &[]), &mut |stage| {
                progress.stage(&format!("{name}: {stage}"));
            })?;
            network.with_run(&report, &roofs)
        });
    }
    drop(progress);
    if let Some(path) = &arguments.svg {
        write_whole(path, chart(&machine.name, &roofs, &networks).to_svg().as_bytes())?;
    }
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&to_json(&machine.name, &roofs, &networks))?);
    } else {
        print(&machine.name, &roofs, &networks);
    }
    Ok(ExitCode::SUCCESS)
}

fn on_paper(name: &str, model: &Model, roofs: &Roofs) -> Result<Network, String> {
    let graph = &model.graph;
    let layers = layers(graph);
    if layers.is_empty() {
        return Err(format!("{name}: no layer multiplies by weights"));
    }
    let ports = graph.inputs().iter().chain(graph.outputs());
    let border = ports.map(|&value| graph.ty(value).elements() as u64).sum();
    Ok(Network::analytic(name, &layers, border, roofs))
}

fn print(machine: &str, roofs: &Roofs, networks: &[Network]) {
    for peak in &roofs.peaks {
        say!("{:<16} {:>9.1} G operations/s", peak.name, peak.operations_per_second / 1e9);
    }
    for slope in &roofs.slopes {
        say!("{:<16} {:>9.1} GB/s", slope.name, slope.bytes_per_second / 1e9);
    }
    say!("{machine} is bound by DRAM below {:.1} operations a byte\n", roofs.ridge());
    let row = |name: String, what: &str, load: &Load| {
        vec![
            name,
            what.to_owned(),
            format!("{:.2}", load.intensity),
            format!("{:.1}", load.operations_per_second / 1e9),
            format!("{:.1} %", 100.0 * load.operations_per_second / load.attainable.max(f64::MIN_POSITIVE)),
        ]
    };
    let mut rows = Vec::new();
    for network in networks {
        rows.push(row(network.name.clone(), "on paper", &network.analytic));
        rows.extend(network.simulated.iter().map(|load| row(network.name.clone(), "simulated", load)));
        if networks.len() == 1 {
            let layer = |load: &Load| row(format!("  {}", shorten(&load.name, 44)), "simulated", load);
            rows.extend(network.simulated_layers.iter().map(layer));
        }
    }
    say!("{}", plain_table(&["network", "", "operations/byte", "G operations/s", "of the roof"], 2..5, rows));
}
