//! Checkpoints: all that a training needs to go on to the same numbers.

use std::collections::HashMap;
use std::path::Path;

use ediacara_graph::DType;
use ediacara_tensor::{Tensor, safetensors};

use crate::trainer::Best;
use crate::{TrainError, Trainer};

/// How far the training is: steps; where it may stop early, samples right at the best epoch, and epochs since.
const POSITION: &str = "training.steps";
const BEST: &str = "training.best";
/// What stands before the names of the best parameters.
const BEST_PREFIX: &str = "best/";

impl Trainer {
    /// Writes all that is needed to go on: parameters, what the optimiser keeps, masks, and how far the training is.
    ///
    /// # Errors
    /// The file cannot be written; what was there before is then still there.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut tensors = self.tensors(&self.training.parameters);
        let numbers = |numbers: &[u64]| {
            Tensor::from_vec(&[numbers.len()], numbers.iter().map(|&number| number as i64).collect())
        };
        tensors.push((POSITION.to_owned(), numbers(&[self.steps])?));
        if let Some(best) = &self.best {
            tensors.push((BEST.to_owned(), numbers(&[best.right as u64, best.epochs_since])?));
            let named = |(name, tensor): &(String, Tensor)| (format!("{BEST_PREFIX}{name}"), tensor.clone());
            tensors.extend(best.tensors.iter().map(named));
        }
        Ok(safetensors::write(path, &tensors)?)
    }

    /// Goes on where a checkpoint of this recipe was written: to the same numbers as if the training had never stopped.
    ///
    /// # Errors
    /// The file is no checkpoint, or one of another network; nothing is changed then.
    pub fn resume(&mut self, path: &Path) -> Result<(), TrainError> {
        let mut file = Contents { path, tensors: safetensors::read(path)?.into_iter().collect() };
        let Some(position) = file.numbers(POSITION, 1)? else {
            return Err(file.problem(format!("has no `{POSITION}`: it is no checkpoint of a training")));
        };
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
        (self.steps, self.best) = (position[0], best);
        self.order.clear();
        Ok(())
    }
}

/// What a file holds that has not been taken yet.
struct Contents<'a> {
    path: &'a Path,
    tensors: HashMap<String, Tensor>,
}

impl Contents<'_> {
    fn problem(&self, problem: String) -> TrainError {
        TrainError::Checkpoint { path: self.path.to_owned(), problem }
    }

    /// So many whole numbers of at least 0; none if they are not there.
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

    /// The tensor `key`, of the type of the network's parameter `name`.
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
