//! `ediacara train`: a recipe carried out.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ediacara::plot::{Axis, Chart, Mark, Series};
use ediacara::profile::plain_table;
use ediacara::train::{Dataset, Epoch, Evaluation, Recipe, Trainer};
use serde_json::json;

use super::Outcome;
use crate::arguments::TrainArguments;
use crate::output::{say, write_whole};
use crate::progress::Progress;

/// Points of a curve; the losses between two are averaged.
const CURVE_POINTS: usize = 800;

pub(crate) fn execute(arguments: &TrainArguments) -> Outcome {
    if arguments.list {
        list(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    for path in [&arguments.checkpoint, &arguments.save, &arguments.plot].into_iter().flatten() {
        has_folder(path)?;
    }
    let progress = Progress::new();
    progress.stage("load");
    let name = arguments.recipe.as_deref().unwrap_or_default();
    let recipe = adapt(Recipe::load(name)?, arguments);
    let data = Dataset::load(&recipe.data, Path::new("."))?;
    let mut trainer = Trainer::new(recipe, data, arguments.threads.into())?;
    let checkpoint = arguments.checkpoint.as_deref();
    if let Some(path) = checkpoint.filter(|path| path.exists()) {
        trainer.resume(path)?;
        if !arguments.json {
            let at = trainer.steps();
            progress.suspend(|| say!("going on from {} after {at} steps", path.display()));
        }
    }
    let mut losses = Vec::new();
    let mut total = Total::default();
    while !trainer.is_done() {
        let epoch = train_epoch(&mut trainer, &progress, &mut losses)?;
        if let Some(path) = checkpoint {
            trainer.save(path)?;
        }
        progress.stage("test");
        let evaluation = trainer.test()?;
        total.add(&epoch);
        progress.suspend(|| report(&epoch, evaluation, arguments.json));
    }
    let evaluation = trainer.test()?;
    drop(progress);
    if let Some(path) = &arguments.save {
        ediacara::tensor::safetensors::write(path, &trainer.network_tensors())?;
    }
    if let Some(path) = &arguments.plot {
        write_whole(path, curve(&trainer.recipe().title, &losses).to_svg().as_bytes())?;
    }
    conclude(name, &trainer, evaluation, &total, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

fn list(json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let recipes = Recipe::names().map(|name| Ok((name, Recipe::load(name)?)));
    let recipes = recipes.collect::<Result<Vec<_>, ediacara::train::TrainError>>()?;
    if json {
        let all: Vec<_> = recipes
            .iter()
            .map(|(name, recipe)| json!({ "name": name, "title": recipe.title, "data": recipe.data }))
            .collect();
        say!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        let rows = recipes.into_iter().map(|(name, recipe)| vec![name.to_owned(), recipe.data, recipe.title]);
        say!("{}", plain_table(&["recipe", "data", "what it shows"], 0..0, rows.collect()));
    }
    Ok(())
}

/// A training must not be lost for want of a folder to put it in.
fn has_folder(path: &Path) -> Result<(), String> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => {
            Err(format!("{}: there is no folder {}; make it first", path.display(), folder.display()))
        }
        None => Ok(()),
    }
}

/// The recipe with what the command line says instead.
fn adapt(recipe: Recipe, arguments: &TrainArguments) -> Recipe {
    Recipe {
        data: arguments.data.clone().unwrap_or(recipe.data),
        epochs: arguments.epochs.unwrap_or(recipe.epochs),
        batch: arguments.batch.unwrap_or(recipe.batch),
        seed: arguments.seed.unwrap_or(recipe.seed),
        ..recipe
    }
}

fn train_epoch(
    trainer: &mut Trainer,
    progress: &Progress,
    losses: &mut Vec<(u64, f32)>,
) -> Result<Epoch, ediacara::train::TrainError> {
    let (epochs, steps) = (trainer.recipe().epochs, trainer.steps_an_epoch());
    trainer.epoch(&mut |step, loss| {
        losses.push((step, loss));
        if step.is_multiple_of(16) {
            let (epoch, at) = ((step - 1) / steps + 1, (step - 1) % steps + 1);
            progress.stage(&format!("epoch {epoch} of {epochs}, step {at} of {steps}, loss {loss:.4}"));
        }
    })
}

/// What all epochs of this command took.
#[derive(Debug, Default)]
struct Total {
    time: Duration,
    samples: u64,
    last_loss: f32,
}

impl Total {
    fn add(&mut self, epoch: &Epoch) {
        self.time += epoch.time;
        self.samples += epoch.samples;
        self.last_loss = epoch.loss;
    }

    fn samples_per_second(&self) -> f64 {
        self.samples as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

fn report(epoch: &Epoch, evaluation: Evaluation, json: bool) {
    let rate = epoch.samples as f64 / epoch.time.as_secs_f64().max(1e-9);
    if json {
        let line = json!({
            "epoch": epoch.number,
            "loss": epoch.loss,
            "test_accuracy": evaluation.accuracy(),
            "samples_per_second": rate,
        });
        say!("{line}");
    } else {
        say!(
            "epoch {:>4}  loss {:.5}  test {:.2} %  {rate:.0} samples/s",
            epoch.number,
            epoch.loss,
            100.0 * evaluation.accuracy()
        );
    }
}

fn conclude(
    name: &str,
    trainer: &Trainer,
    evaluation: Evaluation,
    total: &Total,
    json: bool,
) -> Result<(), serde_json::Error> {
    let recipe = trainer.recipe();
    if json {
        let line = json!({
            "recipe": name,
            "data": recipe.data,
            "seed": recipe.seed,
            "epochs": recipe.epochs,
            "steps": trainer.steps(),
            "loss": total.last_loss,
            "test_accuracy": evaluation.accuracy(),
            "test_samples": evaluation.samples,
            "samples_per_second": total.samples_per_second(),
            "seconds": total.time.as_secs_f64(),
        });
        say!("{}", serde_json::to_string(&line)?);
    } else {
        say!(
            "{}: {} of {} test samples right ({:.2} %) after {} epochs; {:.1} s, {:.0} samples/s",
            recipe.title,
            evaluation.right,
            evaluation.samples,
            100.0 * evaluation.accuracy(),
            recipe.epochs,
            total.time.as_secs_f64(),
            total.samples_per_second()
        );
    }
    Ok(())
}

/// The losses over the steps, thinned.
fn curve(title: &str, losses: &[(u64, f32)]) -> Chart {
    let together = losses.len().div_ceil(CURVE_POINTS).max(1);
    let mean = |some: &[(u64, f32)]| {
        let sum: f64 = some.iter().map(|(_, loss)| f64::from(*loss)).sum();
        (some[0].0 as f64, sum / some.len() as f64).into()
    };
    let series = Series {
        name: String::new(),
        mark: Mark::Line,
        colour: 0,
        points: losses.chunks(together).map(mean).collect(),
    };
    Chart { title: title.to_owned(), x: Axis::linear("step"), y: Axis::log10("loss"), series: vec![series] }
}
