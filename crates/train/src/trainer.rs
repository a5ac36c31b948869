//! The training loop.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use ediacara_autodiff::{clip_by_global_norm, gradients};
use ediacara_data::Random;
use ediacara_graph::{DType, Graph, TensorType, ValueId};
use ediacara_nn::{LearningRate, Mode, Parameter, Role, Scope, Update, losses};
use ediacara_tensor::{Tensor, safetensors};

use crate::dataset::shuffle;
use crate::recipe::Loss;
use crate::{Dataset, Recipe, Samples, Session, TrainError, build};

/// Samples of one run of an evaluation.
const EVALUATION_BATCH: usize = 500;
/// Where a checkpoint keeps how far the training is.
const POSITION: &str = "training.steps";

/// One epoch that has been trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: u64,
    /// The mean loss of its steps, or of those since the training was resumed.
    pub loss: f32,
    /// Time of its steps.
    pub time: Duration,
    /// Samples of its steps.
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

/// The values of a training graph that each step feeds.
#[derive(Debug)]
struct Feeds {
    x: ValueId,
    targets: ValueId,
    rate: ValueId,
    step: ValueId,
    noise: Vec<ValueId>,
}

/// A training under way.
#[derive(Debug)]
pub struct Trainer {
    recipe: Recipe,
    data: Dataset,
    threads: usize,
    session: Session,
    feeds: Feeds,
    loss: ValueId,
    updates: Vec<Update>,
    /// What the network has, then what the optimiser keeps.
    parameters: Vec<Parameter>,
    network_parameters: usize,
    rate: LearningRate,
    /// Steps done.
    steps: u64,
    order: Vec<usize>,
    evaluation: Option<(Session, ValueId, ValueId)>,
}

impl Trainer {
    /// Builds the network of a recipe, its loss, gradients and updates. `threads` is 0 for as many as the machine has; the
    /// numbers do not depend on it.
    ///
    /// # Errors
    /// The layers do not fit the data or one another; the data has fewer samples than a batch.
    pub fn new(recipe: Recipe, data: Dataset, threads: usize) -> Result<Trainer, TrainError> {
        recipe.check().map_err(TrainError::Session)?;
        let count = data.train.len();
        if count < recipe.batch {
            let problem =
                format!("a batch of {} is more than the {count} samples of {}", recipe.batch, recipe.data);
            return Err(TrainError::Session(problem));
        }
        let specs = recipe.specs().map_err(TrainError::Session)?;
        let mut scope = Scope::new("training", Mode::Training, recipe.seed);
        let x = scope.input("x", TensorType::f32(&[&[recipe.batch], &data.train.shape[..]].concat()));
        let targets = scope.input("targets", TensorType::f32(&[recipe.batch, data.train.outputs]));
        let (rate, step) =
            (scope.input("rate", TensorType::f32(&[])), scope.input("step", TensorType::f32(&[])));
        let (outputs, noise) = build(&mut scope, x, &specs)?;
        let (found, wanted) = (scope.shape(outputs).to_vec(), [recipe.batch, data.train.outputs]);
        if found != wanted {
            let problem = format!(
                "the last layer gives {found:?}, but {} wants {wanted:?}; end with `dense {}`",
                recipe.data, wanted[1]
            );
            return Err(TrainError::Session(problem));
        }
        let mut emitter = scope.emitter("loss");
        let loss = match recipe.loss {
            Loss::CrossEntropy => losses::cross_entropy(&mut emitter, outputs, targets)?,
            Loss::MeanSquaredError => losses::mean_squared_error(&mut emitter, outputs, targets)?,
            Loss::Hinge => losses::hinge(&mut emitter, outputs, targets)?,
        };
        let mut parameters = scope.parameters().to_vec();
        let learnt: Vec<ValueId> =
            parameters.iter().filter(|p| p.role != Role::Statistic).map(|p| p.value).collect();
        let mut slopes = gradients(scope.graph_mut(), loss, &learnt)?;
        if let Some(bound) = recipe.clip_norm {
            slopes = clip_by_global_norm(&mut scope.emitter("clip"), &slopes, bound)?.0;
        }
        let (mut updates, states) =
            recipe.optimiser().updates(&mut scope, &parameters, &slopes, [rate, step], recipe.decay())?;
        let network_parameters = parameters.len();
        parameters.extend(states);
        let (graph, _, statistics) = scope.finish();
        updates.extend(statistics);
        let feeds = Feeds { x, targets, rate, step, noise };
        let session = Session::new(graph, &parameters, threads);
        let rate = recipe.learning_rate((count / recipe.batch) as u64);
        Ok(Trainer {
            recipe,
            data,
            threads,
            session,
            feeds,
            loss,
            updates,
            parameters,
            network_parameters,
            rate,
            steps: 0,
            order: Vec::new(),
            evaluation: None,
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

    /// Whether all epochs are done.
    pub fn is_done(&self) -> bool {
        self.steps >= self.recipe.epochs.saturating_mul(self.steps_an_epoch())
    }

    /// One step: the next batch of the epoch, and its loss.
    ///
    /// # Errors
    /// The loss is no number any more; a run fails.
    pub fn step(&mut self) -> Result<f32, TrainError> {
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
        let mut feeds = vec![
            (self.feeds.x, &x),
            (self.feeds.targets, &targets),
            (self.feeds.rate, &rate),
            (self.feeds.step, &number),
        ];
        feeds.extend(self.feeds.noise.iter().copied().zip(&noise));
        let loss = self.session.run(&feeds, &[self.loss], &self.updates)?;
        self.steps += 1;
        let loss = loss[0].to_vec::<f32>()?.first().copied().unwrap_or(f32::NAN);
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step: self.steps, loss });
        }
        Ok(loss)
    }

    /// What dropouts compare with, drawn by the number of the step.
    fn noise(&self) -> Result<Vec<Tensor>, TrainError> {
        let draw = |(index, &value): (usize, &ValueId)| -> Result<Tensor, TrainError> {
            let name = format!("noise {index} of step {}", self.steps);
            let mut random = Random::named(self.recipe.seed, &name);
            let shape = &self.session.graph().ty(value).shape;
            let values = (0..shape.iter().product()).map(|_| random.unit()).collect::<Vec<f32>>();
            Ok(Tensor::from_vec(shape, values)?)
        };
        self.feeds.noise.iter().enumerate().map(draw).collect()
    }

    /// The rest of the epoch. `after` sees the losses, step by step.
    ///
    /// # Errors
    /// Those of [`step`](Trainer::step).
    pub fn epoch(&mut self, after: &mut dyn FnMut(u64, f32)) -> Result<Epoch, TrainError> {
        let start = Instant::now();
        let number = self.steps / self.steps_an_epoch() + 1;
        let (mut sum, mut steps) = (0.0, 0_u32);
        loop {
            let loss = self.step()?;
            after(self.steps, loss);
            sum += f64::from(loss);
            steps += 1;
            if self.steps.is_multiple_of(self.steps_an_epoch()) {
                break;
            }
        }
        let loss = (sum / f64::from(steps)) as f32;
        let samples = u64::from(steps) * self.recipe.batch as u64;
        Ok(Epoch { number, loss, time: start.elapsed(), samples })
    }

    /// How the network does on the samples that it did not learn from.
    ///
    /// # Errors
    /// A run fails.
    pub fn test(&mut self) -> Result<Evaluation, TrainError> {
        self.prepare_evaluation()?;
        let Some((session, x, outputs)) = &mut self.evaluation else {
            return Err(TrainError::Session("no evaluation was prepared".to_owned()));
        };
        evaluate(session, *x, *outputs, &self.data.test)
    }

    /// Builds the network once more, for inference, and gives it the parameters as they are.
    fn prepare_evaluation(&mut self) -> Result<(), TrainError> {
        if self.evaluation.is_none() {
            let batch = self.data.test.len().min(EVALUATION_BATCH);
            let (graph, x, outputs, parameters) = self.inference(batch)?;
            let session = Session::new(graph, &parameters, self.threads);
            self.evaluation = Some((session, x, outputs));
        }
        let current: Vec<(String, Tensor)> = self.network_tensors();
        let Some((session, ..)) = &mut self.evaluation else { return Ok(()) };
        for (name, tensor) in current {
            if let Some(value) = session.graph().value_by_name(&name) {
                session.set_variable(value, tensor)?;
            }
        }
        Ok(())
    }

    fn inference(&self, batch: usize) -> Result<(Graph, ValueId, ValueId, Vec<Parameter>), TrainError> {
        let specs = self.recipe.specs().map_err(TrainError::Session)?;
        let mut scope = Scope::new("inference", Mode::Inference, self.recipe.seed);
        let x = scope.input("x", TensorType::f32(&[&[batch], &self.data.train.shape[..]].concat()));
        let (outputs, _) = build(&mut scope, x, &specs)?;
        let (mut graph, parameters, _) = scope.finish();
        graph.set_outputs(vec![outputs]);
        Ok((graph, x, outputs, parameters))
    }

    /// The network's parameters and statistics by name, as they are.
    pub fn network_tensors(&self) -> Vec<(String, Tensor)> {
        self.tensors(&self.parameters[..self.network_parameters])
    }

    fn tensors(&self, parameters: &[Parameter]) -> Vec<(String, Tensor)> {
        let current = |parameter: &Parameter| {
            let tensor = self.session.variable(parameter.value).unwrap_or(&parameter.initial);
            (parameter.name.clone(), tensor.clone())
        };
        parameters.iter().map(current).collect()
    }

    /// Writes all that is needed to go on: parameters, the optimiser's states, and how far the training is.
    ///
    /// # Errors
    /// The file cannot be written; what was there before is then still there.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut tensors = self.tensors(&self.parameters);
        tensors.push((POSITION.to_owned(), Tensor::from_vec(&[1], vec![self.steps as i64])?));
        Ok(safetensors::write(path, &tensors)?)
    }

    /// Goes on where a checkpoint of this recipe was written: to the same numbers as if the training had never stopped.
    ///
    /// # Errors
    /// The file is no checkpoint, or one of another network; nothing is changed then.
    pub fn resume(&mut self, path: &Path) -> Result<(), TrainError> {
        let problem = |problem: String| TrainError::Checkpoint { path: path.to_owned(), problem };
        let mut tensors: HashMap<String, Tensor> = safetensors::read(path)?.into_iter().collect();
        let position =
            tensors.remove(POSITION).filter(|tensor| tensor.dtype() == DType::I64 && tensor.len() == 1);
        let position = position
            .ok_or_else(|| problem(format!("has no `{POSITION}`: it is no checkpoint of a training")))?;
        let steps = position.to_vec::<i64>()?[0];
        let steps = u64::try_from(steps).map_err(|_| problem(format!("`{POSITION}` is {steps}")))?;
        let mut next = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            let name = &parameter.name;
            let tensor = tensors
                .remove(name)
                .ok_or_else(|| problem(format!("has no `{name}`, which the recipe's network has")))?;
            let expected = &parameter.initial;
            if (tensor.dtype(), tensor.shape()) != (expected.dtype(), expected.shape()) {
                return Err(problem(format!(
                    "`{name}` is {} {:?}, and the recipe's network has {} {:?}",
                    tensor.dtype(),
                    tensor.shape(),
                    expected.dtype(),
                    expected.shape()
                )));
            }
            next.push((parameter.value, tensor));
        }
        if let Some(name) = tensors.keys().min() {
            return Err(problem(format!("has `{name}`, which the recipe's network has not")));
        }
        for (value, tensor) in next {
            self.session.set_variable(value, tensor)?;
        }
        self.steps = steps;
        self.order.clear();
        Ok(())
    }
}

fn evaluate(
    session: &mut Session,
    x: ValueId,
    outputs: ValueId,
    samples: &Samples,
) -> Result<Evaluation, TrainError> {
    let batch = session.graph().ty(x).shape[0];
    let mut right = 0;
    for first in (0..samples.len()).step_by(batch) {
        // The last batch is filled up with samples that do not count.
        let rows: Vec<usize> = (first..first + batch).map(|row| row.min(samples.len() - 1)).collect();
        let (inputs, _) = samples.batch(&rows)?;
        let results = session.run(&[(x, &inputs)], &[outputs], &[])?;
        let values = results[0].to_vec::<f32>()?;
        let own = rows.iter().zip(values.chunks_exact(samples.outputs)).take(samples.len() - first);
        right += own.filter(|(row, outputs)| samples.is_right(**row, outputs)).count();
    }
    Ok(Evaluation { right, samples: samples.len() })
}
