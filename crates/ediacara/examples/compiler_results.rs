//! The compiler's results for the networks, which are the tables of docs/results.md;
//! `cargo xtask bench-compiler` puts them there.
//!
//! They show cycles beside their yardstick and their floor, with and without fusion, and with and without
//! activations that stay on chip. They also show how busy each engine is.
//!
//! Ends with status 1 if a network exceeds its limit. Networks that come as files are left out if the
//! `models` data set is not found; stderr names them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints its tables")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use ediacara::arch::Machine;
use ediacara::data::{DataSet, Locations};
use ediacara::profile::{RunReport, thousands};
use ediacara::{CalibrationSource, Error, HostOnly, RunOptions};

/// A network, whether it is a file of the `models` data set, and the `cycles_over_roofline` that it may have.
struct Network {
    name: &'static str,
    file: bool,
    limit: f64,
}

const fn built_in(name: &'static str, limit: f64) -> Network {
    Network { name, file: false, limit }
}

const fn file(name: &'static str, limit: f64) -> Network {
    Network { name, file: true, limit }
}

const NETWORKS: [Network; 10] = [
    built_in("alexnet", 1.05),
    built_in("vgg19", 1.03),
    built_in("resnet50", 1.07),
    built_in("resnet152", 1.05),
    built_in("mobilenet_v2", 0.85),
    built_in("efficientnet_lite0", 0.85),
    file("mobilenet_v2_qdq", 0.85),
    file("squeezenet10_deepcompressed", 1.15),
    file("resnet20_cifar10", 1.15),
    file("fastestdet", 1.30),
];

/// The passes that fuse layers, and the one that keeps activations in NRAM between them.
const FUSION_AND_KEEP: [&str; 4] = ["fuse-add", "fuse-block", "fuse-table", "keep"];
/// The pass that keeps activations in NRAM, alone.
const KEEP: [&str; 1] = ["keep"];

/// One network compiled in three ways.
struct Reports {
    network: &'static Network,
    /// With all passes.
    best: RunReport,
    /// With every activation between layers in DRAM.
    fused: RunReport,
    /// With every operator by itself.
    apart: RunReport,
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let machine = Machine::preset("dlp16")?;
    let mut all = Vec::new();
    for network in &NETWORKS {
        let start = Instant::now();
        let Some(one) = compile(network, &machine)? else { continue };
        eprintln!("{}: {:.1} s", network.name, start.elapsed().as_secs_f64());
        all.push(one);
    }
    bounds(&all);
    fusion(&all);
    keeping(&all);
    engines(&all);
    let over = |one: &&Reports| one.best.cycles_over_roofline > one.network.limit;
    for one in all.iter().filter(over) {
        eprintln!("{} is {:.3} times its roofline", one.network.name, one.best.cycles_over_roofline);
    }
    Ok(if all.iter().any(|one| over(&one)) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn compile(network: &'static Network, machine: &Machine) -> Result<Option<Reports>, Error> {
    let mut name = network.name.to_owned();
    if network.file {
        match Locations::of_machine(Path::new(".")).and_then(|all| all.find(DataSet::Models)) {
            Ok(folder) => name = folder.join(network.name).join("model.onnx").display().to_string(),
            Err(error) => {
                eprintln!("{} is left out: {error}", network.name);
                return Ok(None);
            }
        }
    }
    let model = ediacara::model::load(&name, &[])?;
    let prepared = ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {})?;
    let run = |disable: &[&str]| -> Result<RunReport, Error> {
        let options = RunOptions {
            machine: machine.clone(),
            values: false,
            checked: false,
            disable: disable.iter().map(|&pass| pass.to_owned()).collect(),
            top: 0,
            what_if: false,
            host_only: HostOnly::Refused,
        };
        Ok(ediacara::run(&model, &prepared, &[], &options, &mut |_| {})?.report)
    };
    Ok(Some(Reports { network, best: run(&[])?, fused: run(&KEEP)?, apart: run(&FUSION_AND_KEEP)? }))
}

fn bounds(all: &[Reports]) {
    println!(
        "| network | cycles | roofline, layer by layer | cycles over it | at most | floor | instructions |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for Reports { network, best, .. } in all {
        println!(
            "| {} | {} | {} | {:.3} | {:.2} | {} | {} |",
            network.name,
            thousands(best.dlp_cycles),
            thousands(best.layer_roofline_cycles),
            best.cycles_over_roofline,
            network.limit,
            thousands(best.floor_cycles),
            thousands(best.instructions)
        );
    }
}

fn fusion(all: &[Reports]) {
    println!("\n| network | layers | cycles | saved | DRAM bytes | saved |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for Reports { network, fused, apart, .. } in all {
        let layers = format!("{} to {}", apart.layers.len(), fused.layers.len());
        println!("| {} | {layers} | {} |", network.name, savings(apart, fused));
    }
}

fn keeping(all: &[Reports]) {
    println!("\n| network | cycles | saved | DRAM bytes | saved |");
    println!("| --- | --- | --- | --- | --- |");
    for Reports { network, best, fused, .. } in all {
        println!("| {} | {} |", network.name, savings(fused, best));
    }
}

/// Cycles and DRAM bytes before and after, as four cells of a table.
fn savings(before: &RunReport, after: &RunReport) -> String {
    let bytes = |report: &RunReport| report.dram_read_bytes + report.dram_write_bytes;
    let cells = |before: u64, after: u64| {
        let saved = 100.0 * (1.0 - after as f64 / before as f64);
        format!("{} to {} | {saved:.1} %", thousands(before), thousands(after))
    };
    format!("{} | {}", cells(before.dlp_cycles, after.dlp_cycles), cells(bytes(before), bytes(after)))
}

/// The share of cycles in which each engine works: matrix and vector have beats, load and store move bursts.
fn engines(all: &[Reports]) {
    println!("\n| network | load | matrix | vector | store |");
    println!("| --- | --- | --- | --- | --- |");
    for Reports { network, best, apart, .. } in all {
        let share = |report: &RunReport, name: &str| {
            let engine = report.engines.iter().find(|engine| engine.name == name);
            100.0 * engine.map_or(0, |engine| engine.busy_cycles) as f64 / report.dlp_cycles as f64
        };
        let cell = |name| format!("{:.1} to {:.1} %", share(apart, name), share(best, name));
        let cells = ["load", "matrix", "vector", "store"].map(cell);
        println!("| {} | {} |", network.name, cells.join(" | "));
    }
}
