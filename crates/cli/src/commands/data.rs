//! `ediacara data`: fetching the public data sets, and where they are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ediacara::data::fetch::{self, CATALOGUE, Fetched, Options, Presence, Source};
use ediacara::data::{DataSet, Locations};
use ediacara::profile::{plain_table, thousands};
use serde_json::{Value, json};

use super::Outcome;
use crate::arguments::{DataArguments, DataCommand, FetchArguments, ListArguments};
use crate::output::say;
use crate::progress::Progress;

pub(crate) fn execute(arguments: &DataArguments) -> Outcome {
    match &arguments.command {
        DataCommand::Fetch(arguments) => fetch_sets(arguments),
        DataCommand::List(arguments) => list(arguments),
    }
}

/// Fetches every set, even those after one that fails.
///
/// All names are checked before anything is fetched.
fn fetch_sets(arguments: &FetchArguments) -> Outcome {
    let sources = arguments.names.iter().map(|name| fetch::source(&CATALOGUE, name));
    let sources = sources.collect::<Result<Vec<&Source>, _>>()?;
    let to = match &arguments.to {
        Some(folder) => folder.clone(),
        None => own_folder()?,
    };
    let options = Options { mirror: arguments.mirror.clone(), ..Options::default() };
    let progress = Progress::new();
    let mut sets = Vec::new();
    let mut failed = false;
    for source in sources {
        let name = source.set.name();
        let result = fetch::fetch(source, &to, &options, &mut |at| {
            progress.stage(&format!(
                "{name}: {} {} % of {}",
                at.file,
                at.done * 100 / at.total.max(1),
                megabytes(at.total)
            ));
        });
        let folder = to.join(name);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        if let Err(error) = &result {
            failed = true;
            progress.suspend(|| eprintln!("error: {name}: {error}"));
        }
        if arguments.json {
            sets.push(describe(source, &folder, result));
        } else if let Ok(fetched) = result {
            let new = fetched.iter().filter(|file| matches!(file, Fetched::Downloaded { .. })).count();
            let state = if new == 0 { "was there already" } else { "fetched" };
            progress.suspend(|| say!("{name}: {state} and verified, in {}", folder.display()));
            if let Some(note) = note(source.set, &folder) {
                progress.suspend(|| say!("{note}"));
            }
        }
    }
    drop(progress);
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&json!({ "sets": sets }))?);
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The result of one fetch, for other programs.
fn describe(source: &Source, folder: &Path, result: Result<Vec<Fetched>, fetch::FetchError>) -> Value {
    let (fetched, error) = match result {
        Ok(fetched) => (fetched, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let files = source.files.iter().zip(fetched).map(|(file, fetched)| {
        let (state, resumed) = match fetched {
            Fetched::Present => ("present", 0),
            Fetched::Downloaded { resumed } => ("downloaded", resumed),
        };
        json!({
            "name": file.name, "bytes": file.bytes, "sha256": file.sha256,
            "state": state, "resumed_bytes": resumed,
        })
    });
    json!({
        "name": source.set.name(),
        "folder": folder.display().to_string(),
        "files": files.collect::<Vec<_>>(),
        "error": error,
    })
}

/// The folder of sets without `--to`.
///
/// A folder that EDIACARA_DATA names is made by the fetch.
fn own_folder() -> Result<PathBuf, Box<dyn std::error::Error>> {
    if let Some(folder) = std::env::var_os("EDIACARA_DATA").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let locations = Locations::of_machine(&std::env::current_dir()?)?;
    let folder = locations.own().map(Path::to_path_buf);
    folder.ok_or_else(|| {
        "this user has no cache folder (neither XDG_CACHE_HOME nor HOME is set): name a folder with --to DIR or \
         EDIACARA_DATA"
            .into()
    })
}

/// The obstacle between a fetched set and its use, if there is one.
fn note(set: DataSet, folder: &Path) -> Option<String> {
    let found = Locations::of_machine(&std::env::current_dir().ok()?).ok()?.find(set);
    let parent = folder.parent().unwrap_or(folder);
    match found {
        Ok(found) if same(&found, folder) => None,
        Ok(found) => Some(format!(
            "note: {} is found first; to use the new one, set EDIACARA_DATA to {}",
            found.display(),
            parent.display()
        )),
        Err(_) => Some(format!("note: to use it, set EDIACARA_DATA to {}", parent.display())),
    }
}

fn same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
}

fn list(arguments: &ListArguments) -> Outcome {
    let locations = Locations::of_machine(&std::env::current_dir()?)?;
    let found: Vec<(&Source, Option<PathBuf>, Presence)> = CATALOGUE
        .iter()
        .map(|source| {
            let folder = locations.find(source.set).ok();
            let presence = folder.as_ref().map_or(Presence::Absent, |folder| fetch::presence(source, folder));
            (source, folder, presence)
        })
        .collect();
    if arguments.json {
        let sets = found.iter().map(|(source, folder, presence)| {
            json!({
                "name": source.set.name(),
                "description": source.description,
                "licence": source.licence,
                "bytes": source.bytes(),
                "files": source.files.iter().map(|file| json!({
                    "name": file.name, "bytes": file.bytes, "sha256": file.sha256,
                })).collect::<Vec<_>>(),
                "mirrors": source.mirrors,
                "folder": folder.as_ref().map(|folder| folder.display().to_string()),
                "state": state(*presence),
            })
        });
        say!("{}", serde_json::to_string_pretty(&sets.collect::<Vec<_>>())?);
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["data set", "what", "download", "licence", "here", "folder"];
    let rows = found.iter().map(|(source, folder, presence)| {
        vec![
            source.set.name().to_owned(),
            source.description.to_owned(),
            megabytes(source.bytes()),
            source.licence.split(';').next().unwrap_or_default().to_owned(),
            state(*presence).to_owned(),
            folder.as_ref().map_or_else(String::new, |folder| folder.display().to_string()),
        ]
    });
    say!("{}", plain_table(&header, 2..3, rows.collect()));
    say!("\n`ediacara data fetch NAME` downloads and verifies a set.");
    Ok(ExitCode::SUCCESS)
}

fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Complete => "complete",
        Presence::Different => "another copy",
        Presence::Partial => "incomplete",
        Presence::Absent => "no",
    }
}

fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", thousands(bytes.div_ceil(1000)))
    } else {
        format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
    }
}
