//! The path from a quantised network to cycles: compile time, simulated cycles and instructions a second, with and without values.
//!
//! `cargo bench -p ediacara --bench path`

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use ediacara::arch::Machine;
use ediacara::compiler::{Compiled, compile};
use ediacara::sim::{Options, Simulator};
use ediacara::{CalibrationSource, Prepared};

const NETWORKS: [&str; 3] = ["efficientnet_lite0", "mobilenet_v2", "resnet50"];
const REPETITIONS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::preset("dlp16")?;
    println!("machine dlp16; the fastest of {REPETITIONS} runs");
    println!(
        "{:<20} {:>10} {:>12} {:>12} {:>14} {:>14} {:>14} {:>14}",
        "network", "compile ms", "cycles", "instructions", "values ms", "Mcycles/s", "timing ms", "kinstr/s"
    );
    for name in NETWORKS {
        let prepared = prepare(name)?;
        let mut compiled = None;
        let compiling = fastest(|| {
            compiled = Some(compile(&prepared.quantised, &machine, &Default::default()));
        });
        let Some(compiled) = compiled.transpose()? else { continue };
        let (cycles, instructions) = simulate(&machine, &compiled, false)?;
        let values = fastest(|| drop(simulate(&machine, &compiled, true)));
        let timing = fastest(|| drop(simulate(&machine, &compiled, false)));
        println!(
            "{name:<20} {:>10.1} {cycles:>12} {instructions:>12} {:>14.1} {:>14.1} {:>14.1} {:>14.1}",
            milliseconds(compiling),
            milliseconds(values),
            cycles as f64 / values.as_secs_f64() / 1e6,
            milliseconds(timing),
            instructions as f64 / timing.as_secs_f64() / 1e3,
        );
    }
    Ok(())
}

fn prepare(name: &str) -> Result<Prepared, ediacara::Error> {
    let model = ediacara::model::load(name, &[])?;
    ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {})
}

/// Memory starts as zeros where the program has no data: values of activations do not matter to time.
fn simulate(machine: &Machine, compiled: &Compiled, values: bool) -> Result<(u64, u64), ediacara::Error> {
    let options = Options { values, ..Options::default() };
    let outcome = Simulator::new(machine, &compiled.executable, options)?.run();
    Ok((outcome.cycles, outcome.instructions))
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..REPETITIONS).map(run).min().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
