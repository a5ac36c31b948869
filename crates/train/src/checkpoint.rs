//! Checkpoints: everything that a training needs to go on to the same numbers.
//!
//! A checkpoint is a safetensors file with the SHA-256 of every tensor. It holds parameters and states. It
//! also holds what decides the numbers, the recipe and a digest of the samples, so that no other training
//! goes on from it. The losses and the time so far are in it too, so that reports cover the whole training.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use ediacara_graph::DType;
use ediacara_tensor::{Tensor, safetensors};
use serde_json::{Value, json};

use crate::trainer::Best;
use crate::{TrainError, Trainer};

/// How far the training is: steps done, epochs that it was to last, nanoseconds taken.
const POSITION: &str = "training.position";
/// The loss of every step.
const LOSSES: &str = "training.losses";
/// The bytes of a JSON object with everything that decides the numbers.
const IDENTITY: &str = "training.identity";
/// The state of early stopping: samples right at the best epoch, and epochs since.
const BEST: &str = "training.best";
/// The prefix of the names of the best parameters.
const BEST_PREFIX: &str = "best/";
/// Fields of a recipe that do not decide what a step computes.
const OTHER_FIELDS: [&str; 2] = ["title", "epochs"];
/// The most differences that a message names.
const NAMED_DIFFERENCES: usize = 4;

impl Trainer {
    /// Writes everything that is needed to go on.
    ///
    /// That is parameters, the optimiser's states, masks, how far the training is, and which training it is.
    ///
    /// # Errors
    /// The file cannot be written; its earlier content is then still there.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut tensors = self.tensors(&self.training.parameters);
        let numbers = |numbers: &[u64]| {
            Tensor::from_vec(&[numbers.len()], numbers.iter().map(|&number| number as i64).collect())
        };
        let nanoseconds = u64::try_from(self.time.as_nanos()).unwrap_or(i64::MAX as u64);
        tensors.push((POSITION.to_owned(), numbers(&[self.steps, self.recipe.epochs, nanoseconds])?));
        tensors.push((LOSSES.to_owned(), Tensor::from_vec(&[self.losses.len()], self.losses.clone())?));
        let identity = self.identity()?.to_string().into_bytes();
        tensors.push((IDENTITY.to_owned(), Tensor::from_vec(&[identity.len()], identity)?));
        if let Some(best) = &self.best {
            tensors.push((BEST.to_owned(), numbers(&[best.right as u64, best.epochs_since])?));
            let named = |(name, tensor): &(String, Tensor)| (format!("{BEST_PREFIX}{name}"), tensor.clone());
            tensors.extend(best.tensors.iter().map(named));
        }
        Ok(safetensors::write_with_digests(path, &tensors)?)
    }

    /// Goes on where a checkpoint of this training was written, to the same numbers as if it had never
    /// stopped.
    ///
    /// Another number of epochs is allowed. The method gives the number that the training was to last when
    /// the checkpoint was written.
    ///
    /// # Errors
    /// The file is no checkpoint, is damaged, or belongs to another training; nothing is changed then.
    pub fn resume(&mut self, path: &Path) -> Result<u64, TrainError> {
        let mut file = Contents { path, tensors: safetensors::read_verified(path)?.into_iter().collect() };
        let Some(position) = file.numbers(POSITION, 3)? else {
            return Err(file.problem(format!("has no `{POSITION}`: it is no checkpoint of a training")));
        };
        let identity = file.identity()?;
        if let Some(differences) = differences(&identity, &self.identity()?) {
            return Err(file.problem(format!(
                "is the checkpoint of another training: {differences}; give what it was written with, or \
                 another file"
            )));
        }
        let (steps, epochs) = (position[0], position[1]);
        let end = epochs.saturating_mul(self.steps_an_epoch());
        if steps > end {
            return Err(file.problem(format!(
                "`{POSITION}` is damaged: it has {steps} steps, and its {epochs} epochs end after {end}; \
                 begin again without the file"
            )));
        }
        let losses = file.losses(steps)?;
        let best = file.numbers(BEST, 2)?;
        let mut next = Vec::with_capacity(self.training.parameters.len());
        for parameter in &self.training.parameters {
            next.push((parameter.value, file.take(&parameter.name, &parameter.name, &parameter.initial)?));
        }
        let best = match best {
            None => None,
            Some(numbers) => {
                let network = &self.training.parameters[..self.training.network_parameters];
                let tensors = network.iter().map(|parameter| {
                    let name = &parameter.name;
                    Ok((name.clone(), file.take(&format!("{BEST_PREFIX}{name}"), name, &parameter.initial)?))
                });
                let tensors = tensors.collect::<Result<_, TrainError>>()?;
                Some(Best { right: numbers[0] as usize, epochs_since: numbers[1], tensors })
            }
        };
        if let Some(name) = file.tensors.keys().min() {
            return Err(file.problem(format!("has `{name}`, which the recipe's training has not")));
        }
        for (value, tensor) in next {
            self.session.set_variable(value, tensor)?;
        }
        (self.steps, self.best, self.losses) = (steps, best, losses);
        self.time = Duration::from_nanos(position[2]);
        self.order.clear();
        Ok(epochs)
    }

    /// Everything that decides the numbers of a training: its recipe, apart from how long it lasts, and its
    /// samples.
    fn identity(&self) -> Result<Value, TrainError> {
        // The way through text makes an f32 as short as a person would write it.
        let written =
            serde_json::to_string(&self.recipe).and_then(|text| serde_json::from_str::<Value>(&text));
        let mut recipe = written.map_err(|error| TrainError::Session(format!("recipe: {error}")))?;
        if let Value::Object(fields) = &mut recipe {
            fields.retain(|name, _| !OTHER_FIELDS.contains(&name.as_str()));
        }
        Ok(json!({ "recipe": recipe, "SHA-256 of the samples": self.samples_digest() }))
    }
}

/// The fields in which two trainings differ, with both values; none if there is none.
fn differences(written: &Value, wanted: &Value) -> Option<String> {
    let [mut written_fields, mut wanted_fields] = [BTreeMap::new(), BTreeMap::new()];
    flatten("", written, &mut written_fields);
    flatten("", wanted, &mut wanted_fields);
    let names =
        written_fields.keys().chain(wanted_fields.keys().filter(|n| !written_fields.contains_key(*n)));
    let value = |fields: &BTreeMap<String, String>, name: &String| {
        fields.get(name).map_or_else(|| "left out".to_owned(), Clone::clone)
    };
    let differing = names.filter(|name| written_fields.get(*name) != wanted_fields.get(*name));
    let mut sentences: Vec<String> = differing
        .map(|name| {
            format!(
                "`{name}` is {} in it, and {} here",
                value(&written_fields, name),
                value(&wanted_fields, name)
            )
        })
        .collect();
    let more = sentences.len().saturating_sub(NAMED_DIFFERENCES);
    sentences.truncate(NAMED_DIFFERENCES);
    if more > 0 {
        sentences.push(format!("and {more} more"));
    }
    (!sentences.is_empty()).then(|| sentences.join(", "))
}

/// Every value that is not made of others, as text, by the names that lead to it.
///
/// A null value counts as left out.
fn flatten(name: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                // A recipe's fields have the names that they have in its file.
                let name = match name {
                    "" | "recipe" => part.clone(),
                    name => format!("{name}.{part}"),
                };
                flatten(&name, value, fields);
            }
        }
        Value::Null => {}
        value => drop(fields.insert(name.to_owned(), value.to_string())),
    }
}

/// The part of a file's content that has not been taken yet.
struct Contents<'a> {
    path: &'a Path,
    tensors: HashMap<String, Tensor>,
}

impl Contents<'_> {
    fn problem(&self, problem: String) -> TrainError {
        TrainError::Checkpoint { path: self.path.to_owned(), problem }
    }

    /// So many whole numbers that are not negative; none if they are not there.
    fn numbers(&mut self, name: &str, count: usize) -> Result<Option<Vec<u64>>, TrainError> {
        let Some(tensor) = self.tensors.remove(name) else { return Ok(None) };
        let numbers = match tensor.dtype() {
            DType::I64 if tensor.len() == count => tensor.to_vec::<i64>()?,
            dtype => {
                let shape = tensor.shape();
                return Err(self.problem(format!("`{name}` is {dtype} {shape:?}, not {count} of i64")));
            }
        };
        let whole = numbers.iter().map(|&number| u64::try_from(number)).collect::<Result<Vec<u64>, _>>();
        Ok(Some(whole.map_err(|_| self.problem(format!("`{name}` is {numbers:?}, below 0")))?))
    }

    /// Everything that decided the numbers of the training that wrote the file.
    fn identity(&mut self) -> Result<Value, TrainError> {
        let text = self.tensors.remove(IDENTITY).map(|tensor| tensor.to_vec::<u8>()).transpose()?;
        let identity = text.and_then(|text| serde_json::from_slice(&text).ok());
        identity.ok_or_else(|| {
            self.problem(format!(
                "has no `{IDENTITY}` that says which training it is of; begin again without it"
            ))
        })
    }

    /// The losses of so many steps.
    fn losses(&mut self, steps: u64) -> Result<Vec<f32>, TrainError> {
        let losses = self.tensors.remove(LOSSES).map(|tensor| tensor.to_vec::<f32>()).transpose()?;
        let losses = losses.filter(|losses| losses.len() as u64 == steps);
        losses.ok_or_else(|| self.problem(format!("`{LOSSES}` is not of {steps} steps, as `{POSITION}` is")))
    }

    /// The tensor `key`, which must have the type of the network's parameter `name`.
    fn take(&mut self, key: &str, name: &str, expected: &Tensor) -> Result<Tensor, TrainError> {
        let tensor = self
            .tensors
            .remove(key)
            .ok_or_else(|| self.problem(format!("has no `{key}`, which the recipe's network has")))?;
        if (tensor.dtype(), tensor.shape()) == (expected.dtype(), expected.shape()) {
            return Ok(tensor);
        }
        Err(self.problem(format!(
            "`{key}` is {} {:?}, and the recipe's `{name}` is {} {:?}",
            tensor.dtype(),
            tensor.shape(),
            expected.dtype(),
            expected.shape()
        )))
    }
}
