//! The output of `train`: lines, JSON, the curve of the loss.

use ediacara::plot::{Axis, Chart, Mark, Series};
use ediacara::train::{Epoch, Evaluation, NearestNeighbours, TrainError, Trainer};
use serde_json::{Map, Value, json};

use crate::output::say;

/// Points of a curve; the losses between two are averaged.
const CURVE_POINTS: usize = 800;

/// Samples a second over the whole training.
fn samples_per_second(trainer: &Trainer) -> f64 {
    let samples = trainer.steps() * trainer.recipe().batch as u64;
    samples as f64 / trainer.time().as_secs_f64().max(1e-9)
}

pub(super) fn epoch(epoch: &Epoch, evaluation: Evaluation, json: bool) {
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

/// Says which data are learnt from, and how their pixels become numbers.
pub(super) fn say_data(trainer: &Trainer) {
    if let Some(by) = trainer.data().train.normalisation() {
        say!("{}: pixels are {by}", trainer.recipe().data);
    }
}

pub(super) fn training(name: &str, trainer: &Trainer, evaluation: Evaluation) -> Result<Value, TrainError> {
    let recipe = trainer.recipe();
    let mut result = json!({
        "recipe": name,
        "data": recipe.data,
        "seed": recipe.seed,
        "epochs": trainer.steps() / trainer.steps_an_epoch(),
        "steps": trainer.steps(),
        "loss": trainer.last_loss(),
        "test_accuracy": evaluation.accuracy(),
        "test_samples": evaluation.samples,
        "samples_per_second": samples_per_second(trainer),
        "seconds": trainer.time().as_secs_f64(),
    });
    if let Some(by) = trainer.data().train.normalisation() {
        result["normalisation"] = json!({ "mean": by.mean, "deviation": by.deviation });
    }
    if recipe.pruning.is_some() {
        let shares = trainer.zero_shares()?.into_iter().map(|(name, share)| (name, json!(share)));
        result["zero_shares"] = Value::Object(shares.collect::<Map<_, _>>());
    }
    Ok(result)
}

pub(super) fn say_training(trainer: &Trainer, evaluation: Evaluation) -> Result<(), TrainError> {
    let recipe = trainer.recipe();
    if recipe.pruning.is_some() {
        for (name, share) in trainer.zero_shares()? {
            say!("{name}: {:.1} % of the weights are 0", 100.0 * share);
        }
    }
    say!(
        "{}: {} of {} test samples right ({:.2} %) after {} epochs; {:.1} s, {:.0} samples/s",
        recipe.title,
        evaluation.right,
        evaluation.samples,
        100.0 * evaluation.accuracy(),
        trainer.steps() / trainer.steps_an_epoch(),
        trainer.time().as_secs_f64(),
        samples_per_second(trainer)
    );
    Ok(())
}

pub(super) fn say_neighbours(recipe: &NearestNeighbours, evaluation: Evaluation, seconds: f64) {
    say!(
        "{}: {} of {} test samples right ({:.2} %); {seconds:.1} s, {:.0} samples/s",
        recipe.title,
        evaluation.right,
        evaluation.samples,
        100.0 * evaluation.accuracy(),
        evaluation.samples as f64 / seconds.max(1e-9)
    );
}

/// The results of several recipes, and the last one's accuracy.
pub(super) fn together(name: &str, parts: &[Value]) -> Value {
    let sum = |field: &str| parts.iter().filter_map(|part| part[field].as_f64()).sum::<f64>();
    let last = |field: &str| parts.last().map_or(Value::Null, |part| part[field].clone());
    let seconds = sum("seconds");
    let samples = parts
        .iter()
        .filter_map(|part| Some(part["samples_per_second"].as_f64()? * part["seconds"].as_f64()?));
    json!({
        "recipe": name,
        "parts": parts,
        "epochs": sum("epochs") as u64,
        "test_accuracy": last("test_accuracy"),
        "test_samples": last("test_samples"),
        "samples_per_second": samples.sum::<f64>() / seconds.max(1e-9),
        "seconds": seconds,
    })
}

/// The losses over the steps, thinned.
pub(super) fn curve(title: &str, losses: &[f32]) -> Chart {
    let together = losses.len().div_ceil(CURVE_POINTS).max(1);
    let mean = |(index, some): (usize, &[f32])| {
        let sum: f64 = some.iter().map(|&loss| f64::from(loss)).sum();
        ((1 + index * together) as f64, sum / some.len() as f64).into()
    };
    let series = Series {
        name: String::new(),
        mark: Mark::Line,
        colour: 0,
        points: losses.chunks(together).enumerate().map(mean).collect(),
    };
    Chart { title: title.to_owned(), x: Axis::linear("step"), y: Axis::log10("loss"), series: vec![series] }
}
