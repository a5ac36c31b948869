//! Cycles with assumed ranges beside those with calibrated ones, on every network that there is.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where it fails, and prints its figures"
)]

use std::path::{Path, PathBuf};

use ediacara::arch::Machine;
use ediacara::data::{DataSet, Locations, skip};
use ediacara::{CalibrationSource, RunOptions, prepare, run};

/// How far the cycles may differ, as a share.
const LIMIT: f64 = 0.01;

/// How far those of small recurrences may: they wait for their instructions, and equal encodings need fewer writes of
/// configuration.
const RECURRENT_LIMIT: f64 = 0.2;

const BUILT_IN: [&str; 7] =
    ["alexnet", "vgg19", "resnet50", "resnet152", "mobilenet_v2", "lenet5", "mlp:784-256-128-10"];

/// The cycles of a network with both kinds of ranges, or why there are none.
fn cycles(name: &str, machine: &Machine) -> Result<[u64; 2], ediacara::Error> {
    let model = ediacara::model::load(name, &[])?;
    let options = RunOptions { values: false, top: 0, ..RunOptions::on(machine.clone()) };
    let of = |source: CalibrationSource| {
        let prepared = prepare(&model, &source, &mut |_| {})?;
        Ok::<u64, ediacara::Error>(run(&model, &prepared, &[], &options, &mut |_| {})?.report.cycles)
    };
    Ok([of(CalibrationSource::Default)?, of(CalibrationSource::Assumed)?])
}

/// Prints the cycles of every network, and asserts that they are close; gives how many networks there were.
fn compare(names: &[String]) -> usize {
    let machine = Machine::preset("dlp16").unwrap();
    let (mut compared, mut far) = (0, Vec::new());
    for name in names {
        match cycles(name, &machine) {
            Ok([calibrated, assumed]) => {
                let difference = assumed as f64 / calibrated as f64 - 1.0;
                println!(
                    "{name}: {calibrated} cycles calibrated, {assumed} assumed, {:+.3} %",
                    100.0 * difference
                );
                compared += 1;
                let recurrent = ["gru", "lstm"].iter().any(|kind| name.contains(kind));
                if difference.abs() > if recurrent { RECURRENT_LIMIT } else { LIMIT } {
                    far.push(format!("{name}: {calibrated} and {assumed}"));
                }
            }
            Err(error) => println!("{name} has no cycles: {error}"),
        }
    }
    assert!(far.is_empty(), "{far:#?}");
    compared
}

/// Every `model.onnx` one folder below.
fn models(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path().join("model.onnx")).collect();
    files.retain(|path| path.exists());
    files.sort();
    files.into_iter().map(|path| path.display().to_string()).collect()
}

#[test]
fn built_in_networks() {
    assert_eq!(compare(&BUILT_IN.map(str::to_owned)), BUILT_IN.len());
}

#[test]
fn networks_of_the_test_data() {
    let locations = Locations::of_machine(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let folder = match locations.find(DataSet::Models) {
        Ok(folder) => folder,
        Err(error) => return skip("assumed ranges", &error.to_string()),
    };
    let compared = compare(&models(&folder));
    assert!(compared >= 5, "{compared} networks were compared");
    let compared = compare(&models(&folder.with_file_name("models2")));
    println!("{compared} of the second set were compared");
}
