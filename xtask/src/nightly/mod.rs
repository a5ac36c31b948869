//! `cargo xtask nightly`: everything that is too long for CI, with a table of results.
//!
//! An [`Item`] is a list of pieces, each a command that takes minutes. The outcome of each piece is kept in
//! `target/nightly/state.json` under the commit, so that an interrupted run goes on where it stopped. What
//! cannot run here is in the table too, with the reason. Start at `items.rs`.

mod items;
mod state;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::check::minutes as minutes_of;
use items::{ITEMS, Item, Job, Load, Piece};
use state::{Outcome, Record, State};

const USAGE: &str = "usage: nightly [--list] [--only ITEM] [--minutes N] [--again]";
/// How many minutes an item runs that could go on for ever.
const MINUTES: u64 = 30;

/// Runs the list.
///
/// Arguments are `--list`, `--only ITEM`, `--minutes N` for each item without an end, and `--again` to forget
/// earlier results.
pub(crate) fn run(root: &Path) -> Result<()> {
    let (mut only, mut minutes, mut is_list, mut again) = (None, MINUTES, false, false);
    let mut arguments = std::env::args().skip(2);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--list" => is_list = true,
            "--again" => again = true,
            "--only" => only = Some(arguments.next().context("--only wants an item")?),
            "--minutes" => {
                minutes = arguments
                    .next()
                    .and_then(|text| text.parse().ok())
                    .context("--minutes wants a number")?;
            }
            other => bail!("unknown argument `{other}`; {USAGE}"),
        }
    }
    if minutes == 0 {
        bail!("--minutes wants at least 1");
    }
    let chosen: Vec<&Item> =
        ITEMS.iter().filter(|item| only.as_deref().is_none_or(|name| item.name == name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = ITEMS.iter().map(|item| item.name).collect();
        bail!("no item of that name; there are {}", names.join(", "));
    }
    let folder = root.join("target/nightly");
    let mut state = State::open(&folder, &state::commit(root)?)?;
    if again {
        chosen.iter().for_each(|item| state.forget(item.name));
    }
    if !is_list {
        println!("== {}", state.commit());
        state = run_all(root, &folder, &chosen, minutes, state)?;
    }
    // Only the items that were asked for decide over success. The table has all that is known of this commit.
    let table = table(root, minutes, &state);
    println!("{table}");
    if is_list {
        return Ok(());
    }
    fs::write(root.join("target/nightly.md"), format!("{}\n\n{table}", state.commit()))?;
    let failed: Vec<_> =
        chosen.iter().filter(|item| state.has_failed(item.name)).map(|item| item.name).collect();
    if !failed.is_empty() {
        bail!("failed: {}; the output is in target/nightly", failed.join(", "));
    }
    Ok(())
}

/// Runs the items of each load one after the other, and both loads at once.
///
/// An item that keeps one processor busy leaves the others free.
fn run_all(root: &Path, folder: &Path, items: &[&Item], minutes: u64, state: State) -> Result<State> {
    let state = Mutex::new(state);
    std::thread::scope(|scope| {
        let run = |load: Load| {
            let state = &state;
            scope.spawn(move || -> Result<()> {
                let mut items = items.iter().filter(|item| item.load == load);
                items.try_for_each(|item| run_item(root, folder, item, minutes, state))
            })
        };
        let threads = Load::ALL.map(run);
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(state.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn run_item(root: &Path, folder: &Path, item: &Item, minutes: u64, state: &Mutex<State>) -> Result<()> {
    let state = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let pieces = (item.pieces)(root, minutes);
    for (number, piece) in pieces.iter().enumerate() {
        let title = format!("{} {}/{}: {}", item.name, number + 1, pieces.len(), piece.amount);
        if state().find(item.name, &piece.amount).is_some_and(|record| record.outcome == Outcome::Passed) {
            println!("== {title}: passed before");
            continue;
        }
        let start = Instant::now();
        let outcome = match &piece.job {
            Job::Absent(reason) => Outcome::Skipped(reason.clone()),
            Job::Cargo { .. } => {
                println!("== {title}");
                let log = folder.join(format!("{}-{}.log", item.name, number + 1));
                execute(root, piece, &log)?
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        println!("== {title}: {outcome}, {seconds:.0} s");
        state().add(Record { item: item.name.to_owned(), amount: piece.amount.clone(), seconds, outcome })?;
    }
    Ok(())
}

/// Runs a piece, and writes its output into a file.
fn execute(root: &Path, piece: &Piece, log: &Path) -> Result<Outcome> {
    let Job::Cargo { toolchain, arguments, environment } = &piece.job else {
        return Ok(Outcome::Skipped("nothing to run".to_owned()));
    };
    let mut command = match toolchain {
        Some(name) => {
            let mut command = Command::new("rustup");
            command.args(["run", name, "cargo"]);
            command
        }
        None => Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
    };
    let output = File::create(log).with_context(|| log.display().to_string())?;
    let status = command
        .current_dir(root)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output)
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    let name = log.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(format!("{status}, see {name}")) })
}

/// A line for each item: what it is, how much of it was done, how long that took, and the outcome.
fn table(root: &Path, minutes: u64, state: &State) -> String {
    let mut text = "| item | amount | wall time | result |\n| --- | --- | --- | --- |\n".to_owned();
    for item in ITEMS {
        let pieces = (item.pieces)(root, minutes);
        let records: Vec<&Record> =
            pieces.iter().filter_map(|piece| state.find(item.name, &piece.amount)).collect();
        let seconds: f64 = records.iter().map(|record| record.seconds).sum();
        let passed = records.iter().filter(|record| record.outcome == Outcome::Passed).count();
        let mut result = vec![format!("{passed} of {} passed", pieces.len())];
        for record in &records {
            match &record.outcome {
                Outcome::Passed => {}
                other => result.push(format!("{}: {other}", record.amount)),
            }
        }
        if records.len() < pieces.len() {
            result.push(format!("{} not run", pieces.len() - records.len()));
        }
        let time = minutes_of(Duration::from_secs_f64(seconds.max(0.0)));
        text += &format!("| {} | {} | {time} | {} |\n", item.name, item.help, result.join("; "));
    }
    text
}
