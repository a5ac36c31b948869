//! The path from a quantised network to cycles.
//!
//! It measures compile time, and simulated cycles and instructions a second, with and without values. It also
//! shows how time grows with the batch, which is how it grows with instructions.
//!
//! Run with `cargo bench -p ediacara --bench path`.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::{Duration, Instant};

use ediacara::arch::Machine;
use ediacara::compiler::{Compiled, compile};
use ediacara::prove::prove;
use ediacara::sim::{Options, Simulator};
use ediacara::{CalibrationSource, Prepared};

const NETWORKS: [&str; 3] = ["efficientnet_lite0", "mobilenet_v2", "resnet50"];
const BATCHES: [usize; 5] = [1, 2, 4, 8, 16];
const REPETITIONS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::preset("dlp16")?;
    println!("machine dlp16; the fastest of {REPETITIONS} runs");
    println!(
        "{:<20} {:>10} {:>12} {:>12} {:>14} {:>14} {:>14} {:>14}",
        "network", "compile ms", "cycles", "instructions", "values ms", "Mcycles/s", "timing ms", "kinstr/s"
    );
    for name in NETWORKS {
        let prepared = prepare(name, 1)?;
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
    growth(&machine)
}

/// The time of each step for a thousand instructions, over batches; it is level if time grows with
/// instructions.
fn growth(machine: &Machine) -> Result<(), Box<dyn std::error::Error>> {
    println!("\nmobilenet_v2, microseconds a thousand instructions");
    println!(
        "{:>6} {:>14} {:>12} {:>12} {:>12} {:>12}",
        "batch", "cycles", "instructions", "compile", "prove", "timing"
    );
    for batch in BATCHES {
        let prepared = prepare("mobilenet_v2", batch)?;
        let mut compiled = None;
        let compiling = fastest(|| {
            compiled = Some(compile(&prepared.quantised, machine, &Default::default()));
        });
        let Some(compiled) = compiled.transpose()? else { continue };
        let (cycles, instructions) = simulate(machine, &compiled, false)?;
        let prove = |executable| drop(prove(executable, machine, &Default::default()));
        let proving = fastest(|| compiled.dlp().for_each(|segment| prove(&segment.executable)));
        let timing = fastest(|| drop(simulate(machine, &compiled, false)));
        let each = |time: Duration| time.as_secs_f64() * 1e9 / instructions as f64;
        println!(
            "{batch:>6} {cycles:>14} {instructions:>12} {:>12.0} {:>12.0} {:>12.0}",
            each(compiling),
            each(proving),
            each(timing)
        );
    }
    Ok(())
}

fn prepare(name: &str, batch: usize) -> Result<Prepared, ediacara::Error> {
    let model = ediacara::model::load(name, &[("N".to_owned(), batch)])?;
    ediacara::prepare(&model, &CalibrationSource::Default, &mut |_| {})
}

/// Simulates a program.
///
/// Memory starts as zeros where the program has no data, because values of activations do not matter to time.
fn simulate(machine: &Machine, compiled: &Compiled, values: bool) -> Result<(u64, u64), ediacara::Error> {
    let options = Options { values, ..Options::default() };
    let mut sum = (0, 0);
    for segment in compiled.dlp() {
        let outcome = Simulator::new(machine, &segment.executable, options)?.run();
        sum = (sum.0 + outcome.cycles, sum.1 + outcome.instructions);
    }
    Ok(sum)
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
