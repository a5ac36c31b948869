//! The training loop.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ediacara_data::Random;
use ediacara_graph::{Graph, ValueId};
use ediacara_nn::{LearningRate, Parameter, Role};
use ediacara_tensor::Tensor;
use sha2::{Digest, Sha256};

use crate::dataset::shuffle;
use crate::pruning::{Ramp, mask, zero_share};
use crate::training_graph::{Training, inference_graph, trained_graph, training_graph};
use crate::{Dataset, Recipe, Samples, Session, TrainError};

/// How many samples one run of an evaluation takes.
const EVALUATION_BATCH: usize = 500;

/// One epoch that has been trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// The mean loss of its steps.
    pub loss: f32,
    /// The time of its steps, or of those since the training was resumed.
    pub time: Duration,
    /// Samples of these steps.
    pub samples: u64,
}

/// How a network does on samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// Samples that it gets right.
    pub right: usize,
    /// Samples.
    pub samples: usize,
}

impl Evaluation {
    /// The share that is right, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.samples.max(1) as f64
    }
}

/// The best epoch so far of a training that may stop early.
#[derive(Debug, Clone)]
pub(crate) struct Best {
    /// Samples of the validation part that were right.
    pub(crate) right: usize,
    /// Epochs since then.
    pub(crate) epochs_since: u64,
    /// The network's parameters then.
    pub(crate) tensors: Vec<(String, Tensor)>,
}

/// A training under way.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) recipe: Recipe,
    data: Dataset,
    /// Samples that are asked after every epoch, to stop early.
    validation: Option<Samples>,
    threads: usize,
    pub(crate) session: Session,
    pub(crate) training: Training,
    rate: LearningRate,
    ramp: Option<Ramp>,
    /// Steps done.
    pub(crate) steps: u64,
    pub(crate) order: Vec<usize>,
    /// The loss of every step.
    pub(crate) losses: Vec<f32>,
    /// The time of all steps, before and after the training was resumed.
    pub(crate) time: Duration,
    pub(crate) best: Option<Best>,
    /// The SHA-256 of the samples that are learnt from, once it has been asked for.
    samples_digest: OnceLock<String>,
    evaluator: Option<Evaluator>,
}

impl Trainer {
    /// Builds the network of a recipe, its loss, gradients and updates.
    ///
    /// `threads` is 0 for as many as the machine has; the numbers do not depend on it.
    ///
    /// # Errors
    /// The layers do not fit the data or one another. The data has fewer samples than a batch, none to test
    /// on, or samples of two shapes.
    pub fn new(recipe: Recipe, mut data: Dataset, threads: usize) -> Result<Trainer, TrainError> {
        recipe.check().map_err(TrainError::Session)?;
        data.check(&recipe.data)?;
        if let Some(side) = recipe.picture_side.filter(|&side| data.train.shape != [1, side, side]) {
            data = data.resized(side)?;
        }
        let validation = recipe.early_stop.as_ref().map(|table| {
            let learnt = data.train.len() - (table.validation * data.train.len() as f64).ceil() as usize;
            let validation = data.train.part(learnt..data.train.len());
            data.train = data.train.part(0..learnt);
            validation
        });
        let count = data.train.len();
        if count < recipe.batch {
            let problem =
                format!("a batch of {} is more than the {count} samples of {}", recipe.batch, recipe.data);
            return Err(TrainError::Session(problem));
        }
        let (graph, training) = training_graph(&recipe, &data.train)?;
        let session = Session::new(graph, &training.parameters, threads)?;
        let steps_an_epoch = (count / recipe.batch) as u64;
        Ok(Trainer {
            rate: recipe.learning_rate(steps_an_epoch),
            ramp: recipe.ramp(steps_an_epoch),
            recipe,
            data,
            validation,
            threads,
            session,
            training,
            steps: 0,
            order: Vec::new(),
            losses: Vec::new(),
            time: Duration::ZERO,
            best: None,
            samples_digest: OnceLock::new(),
            evaluator: None,
        })
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The data.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// Steps of an epoch.
    pub fn steps_an_epoch(&self) -> u64 {
        (self.data.train.len() / self.recipe.batch) as u64
    }

    /// Steps done so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The loss of every step so far, including those before the training was resumed.
    pub fn losses(&self) -> &[f32] {
        &self.losses
    }

    /// The time of all steps so far, including those before the training was resumed.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// The mean loss of the steps of the last epoch that was begun; none before the first step.
    pub fn last_loss(&self) -> Option<f32> {
        let steps = self.steps_an_epoch();
        let first = self.steps.checked_sub(1)? / steps * steps;
        let losses = self.losses.get(usize::try_from(first).ok()?..)?;
        let sum: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        Some((sum / losses.len() as f64) as f32)
    }

    /// The SHA-256 of the samples that are learnt from and validated on.
    pub(crate) fn samples_digest(&self) -> &str {
        self.samples_digest.get_or_init(|| {
            let mut digest = Sha256::new();
            self.data.train.digest(&mut digest);
            if let Some(validation) = &self.validation {
                validation.digest(&mut digest);
            }
            digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        })
    }

    /// Whether all epochs are done, or none of the last few was better than those before.
    pub fn is_done(&self) -> bool {
        let patience = self.recipe.early_stop.as_ref().map_or(u64::MAX, |table| table.patience);
        self.best.as_ref().is_some_and(|best| best.epochs_since >= patience)
            || self.steps >= self.recipe.epochs.saturating_mul(self.steps_an_epoch())
    }

    /// Makes one step with the next batch of the epoch, and gives its loss.
    ///
    /// # Errors
    /// The loss is no number any more; a run fails.
    pub fn step(&mut self) -> Result<f32, TrainError> {
        let start = Instant::now();
        let loss = self.learn()?;
        self.losses.push(loss);
        self.time += start.elapsed();
        Ok(loss)
    }

    fn learn(&mut self) -> Result<f32, TrainError> {
        if let Some(share) = self.ramp.and_then(|ramp| ramp.at(self.steps)) {
            self.prune(share)?;
        }
        let (epoch, at) = (self.steps / self.steps_an_epoch(), (self.steps % self.steps_an_epoch()) as usize);
        if at == 0 || self.order.is_empty() {
            self.order = (0..self.data.train.len()).collect();
            shuffle(&mut self.order, &mut Random::named(self.recipe.seed, &format!("epoch {epoch}")));
        }
        let rows = &self.order[at * self.recipe.batch..][..self.recipe.batch];
        let (x, targets) = self.data.train.batch(rows)?;
        let rate = Tensor::scalar(self.rate.at(self.steps) as f32);
        let number = Tensor::scalar((self.steps + 1) as f32);
        let noise = self.noise()?;
        let training = &self.training;
        let mut feeds = vec![
            (training.x, &x),
            (training.targets, &targets),
            (training.rate, &rate),
            (training.step, &number),
        ];
        feeds.extend(training.noise.iter().copied().zip(&noise));
        let loss = self.session.run(&feeds, &[training.loss], &training.updates)?;
        self.steps += 1;
        let loss = loss[0].to_vec::<f32>()?.first().copied().unwrap_or(f32::NAN);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step: self.steps, loss });
        }
        Ok(loss)
    }

    /// Lets this share of every weight be 0, from now on.
    fn prune(&mut self, share: f64) -> Result<(), TrainError> {
        for &(weight, place) in &self.training.masks {
            let Some(tensor) = self.session.variable(weight) else { continue };
            let mask = mask(tensor, share)?;
            let products = tensor.to_vec::<f32>()?.into_iter().zip(mask.to_vec::<f32>()?).map(|(w, m)| w * m);
            let pruned = Tensor::from_vec(tensor.shape(), products.collect::<Vec<f32>>())?;
            self.session.set_variable(weight, pruned)?;
            self.session.set_variable(place, mask)?;
        }
        Ok(())
    }

    /// The noise that dropouts compare with, drawn by the number of the step.
    fn noise(&self) -> Result<Vec<Tensor>, TrainError> {
        let draw = |(index, &value): (usize, &ValueId)| -> Result<Tensor, TrainError> {
            let name = format!("noise {index} of step {}", self.steps);
            let mut random = Random::named(self.recipe.seed, &name);
            let shape = &self.session.graph().ty(value).shape;
            let values = (0..shape.iter().product()).map(|_| random.unit()).collect::<Vec<f32>>();
            Ok(Tensor::from_vec(shape, values)?)
        };
        self.training.noise.iter().enumerate().map(draw).collect()
    }

    /// Trains the rest of the epoch.
    ///
    /// `after` sees the losses, step by step.
    ///
    /// # Errors
    /// Those of [`step`](Trainer::step).
    pub fn epoch(&mut self, after: &mut dyn FnMut(u64, f32)) -> Result<Epoch, TrainError> {
        let (first, before) = (self.steps, self.time);
        let number = first / self.steps_an_epoch() + 1;
        loop {
            let loss = self.step()?;
            after(self.steps, loss);
            if self.steps.is_multiple_of(self.steps_an_epoch()) {
                break;
            }
        }
        self.keep_best()?;
        Ok(Epoch {
            number,
            loss: self.last_loss().unwrap_or(f32::NAN),
            time: self.time - before,
            samples: (self.steps - first) * self.recipe.batch as u64,
        })
    }

    /// Evaluates the validation part, if there is one, and keeps the parameters if they are the best so far.
    ///
    /// While weights still have to become 0, no parameters are kept, however good they are.
    fn keep_best(&mut self) -> Result<(), TrainError> {
        if self.validation.is_none() || self.ramp.is_some_and(|ramp| !ramp.is_over(self.steps)) {
            return Ok(());
        }
        let current = self.current_tensors();
        self.prepare_evaluation(&current)?;
        let Some((evaluator, validation)) = self.evaluator.as_mut().zip(self.validation.as_ref()) else {
            return Ok(());
        };
        let right = evaluator.evaluate(validation)?.right;
        match &mut self.best {
            Some(best) if right <= best.right => best.epochs_since += 1,
            best => *best = Some(Best { right, epochs_since: 0, tensors: current }),
        }
        Ok(())
    }

    /// How the network does on the samples that it did not learn from.
    ///
    /// # Errors
    /// A run fails.
    pub fn test(&mut self) -> Result<Evaluation, TrainError> {
        let tensors = self.network_tensors();
        self.prepare_evaluation(&tensors)?;
        let Some(evaluator) = &mut self.evaluator else {
            return Err(TrainError::Session("no evaluation was prepared".to_owned()));
        };
        evaluator.evaluate(&self.data.test)
    }

    /// Makes the network for inference ready, with these parameters.
    fn prepare_evaluation(&mut self, tensors: &[(String, Tensor)]) -> Result<(), TrainError> {
        let evaluator = match self.evaluator.take() {
            Some(evaluator) => evaluator,
            None => {
                let batch = self.data.test.len().min(EVALUATION_BATCH);
                let (graph, x, parameters) = inference_graph(&self.recipe, &self.data.train, batch)?;
                let outputs = graph.outputs()[0];
                Evaluator { session: Session::new(graph, &parameters, self.threads)?, x, outputs }
            }
        };
        let evaluator = self.evaluator.insert(evaluator);
        for (name, tensor) in tensors {
            if let Some(value) = evaluator.session.graph().value_by_name(name) {
                evaluator.session.set_variable(value, tensor.clone())?;
            }
        }
        Ok(())
    }

    /// The network's parameters and statistics by name.
    ///
    /// They are the present ones, or in a training that may stop early the best that there were.
    pub fn network_tensors(&self) -> Vec<(String, Tensor)> {
        self.best.as_ref().map_or_else(|| self.current_tensors(), |best| best.tensors.clone())
    }

    fn current_tensors(&self) -> Vec<(String, Tensor)> {
        self.tensors(&self.training.parameters[..self.training.network_parameters])
    }

    pub(crate) fn tensors(&self, parameters: &[Parameter]) -> Vec<(String, Tensor)> {
        let current = |parameter: &Parameter| {
            let tensor = self.session.variable(parameter.value).unwrap_or(&parameter.initial);
            (parameter.name.clone(), tensor.clone())
        };
        parameters.iter().map(current).collect()
    }

    /// The trained network on batches of this size, with its parameters as constants, all in f32.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn network(&self, batch: usize) -> Result<Graph, TrainError> {
        trained_graph(&self.recipe, &self.data.train, batch, &self.network_tensors())
    }

    /// The share of each weight's elements that is 0, by the weight's name.
    ///
    /// # Errors
    /// A weight is not of f32.
    pub fn zero_shares(&self) -> Result<Vec<(String, f64)>, TrainError> {
        let tensors = self.network_tensors();
        let network = &self.training.parameters[..self.training.network_parameters];
        let weights = network.iter().zip(&tensors).filter(|(parameter, _)| parameter.role == Role::Weight);
        weights.map(|(_, (name, tensor))| Ok((name.clone(), zero_share(tensor)?))).collect()
    }
}

/// A network for inference.
#[derive(Debug)]
struct Evaluator {
    session: Session,
    x: ValueId,
    outputs: ValueId,
}

impl Evaluator {
    fn evaluate(&mut self, samples: &Samples) -> Result<Evaluation, TrainError> {
        let batch = self.session.graph().ty(self.x).shape[0];
        let mut right = 0;
        for first in (0..samples.len()).step_by(batch) {
            // The last batch is filled up with samples that do not count.
            let rows: Vec<usize> = (first..first + batch).map(|row| row.min(samples.len() - 1)).collect();
            let (inputs, _) = samples.batch(&rows)?;
            let results = self.session.run(&[(self.x, &inputs)], &[self.outputs], &[])?;
            let values = results[0].to_vec::<f32>()?;
            let own = rows.iter().zip(values.chunks_exact(samples.outputs)).take(samples.len() - first);
            right += own.filter(|(row, outputs)| samples.is_right(**row, outputs)).count();
        }
        Ok(Evaluation { right, samples: samples.len() })
    }
}
