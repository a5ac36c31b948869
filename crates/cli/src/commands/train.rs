//! `ediacara train`: carries out a recipe.

mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ediacara::data::DataError;
use ediacara::profile::plain_table;
use ediacara::tensor::TensorError;
use ediacara::train::{
    Dataset, Epoch, NearestNeighbours, Recipe, RecipeFile, ScheduleKind, TrainError, Trainer,
    nearest_neighbours,
};
use serde_json::{Value, json};

use super::Outcome;
use crate::arguments::TrainArguments;
use crate::interrupt;
use crate::output::{say, write_whole};
use crate::places::check_written;
use crate::progress::Progress;
use report::curve;

/// Time between two changes of the progress.
const SHOWN_EVERY: Duration = Duration::from_millis(50);
/// About how many epochs a reader is told of, at most.
const TOLD_EPOCHS: u64 = 20;

type Failure = Box<dyn std::error::Error>;

pub(crate) fn execute(arguments: &TrainArguments) -> Outcome {
    if arguments.list {
        list(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = arguments.recipe.as_deref().unwrap_or_default();
    let result = match RecipeFile::load(name)? {
        RecipeFile::Recipes(recipes) => {
            let arguments: Vec<TrainArguments> =
                recipes.recipes.iter().map(|part| of_part(arguments, part)).collect();
            arguments.iter().try_for_each(|part| check_written(outputs(part)))?;
            let mut parts = Vec::new();
            for (part, arguments) in recipes.recipes.iter().zip(&arguments) {
                parts.push(carry_out(part, RecipeFile::load(part)?, arguments)?);
            }
            report::together(name, &parts)
        }
        recipe => carry_out(name, recipe, arguments)?,
    };
    if arguments.json {
        say!("{}", serde_json::to_string(&result)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Carries out one recipe; gives its result as `--json` prints it.
fn carry_out(name: &str, recipe: RecipeFile, arguments: &TrainArguments) -> Result<Value, Failure> {
    match recipe {
        RecipeFile::Training(recipe) => train(name, *recipe, arguments),
        RecipeFile::NearestNeighbours(recipe) => ask_neighbours(name, recipe, arguments),
        RecipeFile::Recipes(_) => Err(format!("{name}: recipes of recipes are not carried out").into()),
    }
}

fn train(name: &str, recipe: Recipe, arguments: &TrainArguments) -> Result<Value, Failure> {
    let progress = Progress::new();
    progress.stage("load");
    let recipe = adapt(recipe, arguments);
    let data = load(&recipe.data)?;
    let mut trainer = Trainer::new(recipe, data, arguments.threads.into())?;
    let checkpoint = arguments.checkpoint.as_deref();
    if let Some(path) = checkpoint.filter(|path| path.exists()) {
        let epochs = trainer.resume(path)?;
        progress.suspend(|| say_resumed(&trainer, path, epochs, arguments.json));
    }
    let losses = Arc::new(Mutex::new(trainer.losses().to_vec()));
    let drawing = arguments.plot.as_ref().map(|path| draw_when_stopped(&trainer, path, &losses));
    if !arguments.json {
        progress.suspend(|| report::say_data(&trainer));
    }
    let mut evaluation = trainer.test()?;
    while !trainer.is_done() {
        let epoch = match train_epoch(&mut trainer, &progress, &losses) {
            Ok(epoch) => epoch,
            Err(error) => {
                if let Some(path) = &arguments.plot {
                    draw(&trainer.recipe().title, trainer.losses(), path)?;
                }
                return Err(error.into());
            }
        };
        if let Some(path) = checkpoint {
            trainer.save(path)?;
        }
        progress.stage("test");
        evaluation = trainer.test()?;
        if arguments.json || is_told(epoch.number, trainer.recipe().epochs) {
            progress.suspend(|| report::epoch(&epoch, evaluation, arguments.json));
        }
    }
    drop((progress, drawing));
    if let Some(path) = &arguments.save {
        ediacara::tensor::safetensors::write(path, &trainer.network_tensors())?;
    }
    if let Some(path) = &arguments.export {
        ediacara::export::trained(&trainer, path)?;
    }
    if let Some(path) = &arguments.plot {
        draw(&trainer.recipe().title, trainer.losses(), path)?;
    }
    let result = report::training(name, &trainer, evaluation)?;
    if !arguments.json {
        report::say_training(&trainer, evaluation)?;
    }
    Ok(result)
}

/// Writes the curve of the losses so far.
fn draw(title: &str, losses: &[f32], path: &Path) -> Result<(), TensorError> {
    write_whole(path, curve(title, losses).to_svg().as_bytes())
}

/// Lets an interrupt draw the losses so far.
fn draw_when_stopped(trainer: &Trainer, path: &Path, losses: &Arc<Mutex<Vec<f32>>>) -> interrupt::Guard {
    let (title, path, losses) = (trainer.recipe().title.clone(), path.to_owned(), Arc::clone(losses));
    interrupt::before_the_end(move || {
        let losses = losses.lock().unwrap_or_else(PoisonError::into_inner);
        if losses.is_empty() {
            return;
        }
        match draw(&title, &losses, &path) {
            Ok(()) => {
                eprintln!("stopped after {} steps; the loss is drawn in {}", losses.len(), path.display())
            }
            Err(error) => eprintln!("error: {error}"),
        }
    })
}

fn ask_neighbours(
    name: &str,
    recipe: NearestNeighbours,
    arguments: &TrainArguments,
) -> Result<Value, Failure> {
    if let Some((option, path)) = outputs(arguments).next() {
        let path = path.display();
        return Err(
            format!("{name}: nothing is learnt, so there is nothing to write to {option} {path}").into()
        );
    }
    let given = [
        ("--epochs", arguments.epochs.is_some()),
        ("--batch", arguments.batch.is_some()),
        ("--seed", arguments.seed.is_some()),
    ];
    if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(format!("{name}: nothing is learnt, so {option} changes nothing; leave it out").into());
    }
    let data = arguments.data.clone().unwrap_or(recipe.data);
    let recipe = NearestNeighbours { data, ..recipe };
    let progress = Progress::new();
    progress.stage("load");
    let data = load(&recipe.data)?;
    let count = data.test.len();
    let start = Instant::now();
    let mut after = |done: usize| {
        let rate = done as f64 / start.elapsed().as_secs_f64().max(1e-9);
        progress.count(&format!("{rate:.0} samples/s"), done as u64, count as u64);
    };
    let evaluation = nearest_neighbours(&recipe, &data, arguments.threads.into(), &mut after)?;
    let seconds = start.elapsed().as_secs_f64();
    drop(progress);
    if !arguments.json {
        report::say_neighbours(&recipe, evaluation, seconds);
    }
    Ok(json!({
        "recipe": name,
        "data": recipe.data,
        "neighbours": recipe.neighbours,
        "epochs": 0,
        "test_accuracy": evaluation.accuracy(),
        "test_samples": evaluation.samples,
        "samples_per_second": evaluation.samples as f64 / seconds.max(1e-9),
        "seconds": seconds,
    }))
}

/// The data set of this name.
///
/// If it is not on this machine, the message names the digits.
fn load(name: &str) -> Result<Dataset, Failure> {
    Dataset::load(name, Path::new(".")).map_err(|error| match error {
        TrainError::Data(DataError::SetNotFound { .. }) => {
            format!("{error}, or train on `--data digits`, which is built in").into()
        }
        error => error.into(),
    })
}

fn list(json: bool) -> Result<(), Failure> {
    let recipes = RecipeFile::names().map(|name| Ok((name, RecipeFile::load(name)?)));
    let recipes = recipes.collect::<Result<Vec<_>, TrainError>>()?;
    if json {
        let described = |(name, recipe): &(&str, RecipeFile)| json!({ "name": name, "title": recipe.title(), "data": recipe.data() });
        say!("{}", serde_json::to_string_pretty(&recipes.iter().map(described).collect::<Vec<_>>())?);
    } else {
        let row = |(name, recipe): &(&str, RecipeFile)| {
            vec![(*name).to_owned(), recipe.data().to_owned(), recipe.title().to_owned()]
        };
        say!(
            "{}",
            plain_table(&["recipe", "data", "what it shows"], 0..0, recipes.iter().map(row).collect())
        );
    }
    Ok(())
}

/// The arguments of one of several recipes.
///
/// Each recipe writes its own files, `all-PART.onnx` for `all.onnx`.
fn of_part(arguments: &TrainArguments, part: &str) -> TrainArguments {
    let own = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| {
            let mut name = path.file_stem().unwrap_or_default().to_owned();
            name.push(format!("-{part}"));
            if let Some(extension) = path.extension() {
                name.push(".");
                name.push(extension);
            }
            path.with_file_name(name)
        })
    };
    TrainArguments {
        checkpoint: own(&arguments.checkpoint),
        save: own(&arguments.save),
        export: own(&arguments.export),
        plot: own(&arguments.plot),
        ..arguments.clone()
    }
}

/// The files that a training writes, by the options that name them.
fn outputs(arguments: &TrainArguments) -> impl Iterator<Item = (&'static str, &Path)> {
    let named = [
        ("--checkpoint", &arguments.checkpoint),
        ("--save", &arguments.save),
        ("--export", &arguments.export),
        ("--plot", &arguments.plot),
    ];
    named.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?)))
}

/// The recipe with the changes from the command line.
fn adapt(recipe: Recipe, arguments: &TrainArguments) -> Recipe {
    let recipe = match arguments.epochs {
        Some(epochs) => recipe.with_epochs(epochs),
        None => recipe,
    };
    Recipe {
        data: arguments.data.clone().unwrap_or(recipe.data),
        batch: arguments.batch.unwrap_or(recipe.batch),
        seed: arguments.seed.unwrap_or(recipe.seed),
        ..recipe
    }
}

/// Whether a reader is told of this epoch: of every one if there are few, of some if there are many.
fn is_told(number: u64, epochs: u64) -> bool {
    number == epochs || number.is_multiple_of(epochs.div_ceil(TOLD_EPOCHS).max(1))
}

/// Says where a training goes on, and what may be surprising about it.
fn say_resumed(trainer: &Trainer, path: &Path, epochs: u64, json: bool) {
    if !json {
        say!("going on from {} after {} steps", path.display(), trainer.steps());
    }
    let recipe = trainer.recipe();
    if !trainer.is_done() && recipe.epochs != epochs && recipe.schedule.kind == ScheduleKind::Cosine {
        eprintln!(
            "note: the rate followed a cosine over {epochs} epochs and follows one over {} from here on: the \
             numbers are not those of a training that was never stopped",
            recipe.epochs
        );
    }
}

fn train_epoch(
    trainer: &mut Trainer,
    progress: &Progress,
    losses: &Mutex<Vec<f32>>,
) -> Result<Epoch, TrainError> {
    let (epochs, steps, batch) = (trainer.recipe().epochs, trainer.steps_an_epoch(), trainer.recipe().batch);
    let (start, first) = (Instant::now(), trainer.steps());
    let mut shown = None;
    trainer.epoch(&mut |step, loss| {
        losses.lock().unwrap_or_else(PoisonError::into_inner).push(loss);
        if shown.is_none_or(|shown: Instant| shown.elapsed() >= SHOWN_EVERY) {
            shown = Some(Instant::now());
            let (epoch, at) = ((step - 1) / steps + 1, (step - 1) % steps + 1);
            let rate = (step - first) as f64 * batch as f64 / start.elapsed().as_secs_f64().max(1e-9);
            let name = format!("epoch {epoch} of {epochs}, loss {loss:.4}, {rate:.0} samples/s");
            progress.count(&name, at, steps);
        }
    })
}
