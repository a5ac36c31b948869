//! Sessions: a graph that is run many times, and variables that keep their tensors between runs.

use std::collections::HashMap;

use ediacara_graph::{Graph, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_nn::{Parameter, Update};
use ediacara_optimiser::optimise;
use ediacara_tensor::Tensor;

use crate::TrainError;
use crate::part::{check_input, freeze, prune};

/// A graph, its variables, and the plans that have been made ready to run.
///
/// A run names values to feed, values to fetch, and variables to update. The part of the graph that it needs
/// is pruned, optimised and planned once, at the first run that asks for it. Results do not depend on the
/// number of threads.
#[derive(Debug)]
pub struct Session {
    graph: Graph,
    options: Options,
    variables: HashMap<ValueId, Tensor>,
    /// The tensors that variables held before the last update; they are memory for the next one.
    spares: Vec<Tensor>,
    /// By fetches and updates.
    plans: HashMap<(Vec<ValueId>, Vec<ValueId>), Plan>,
}

/// A pruned graph, ready to run.
#[derive(Debug)]
struct Plan {
    executor: Executor,
    /// The inputs of the session's graph that it needs, in order.
    inputs: Vec<ValueId>,
}

impl Session {
    /// A session over a graph, in which `parameters` are variables with their initial values.
    ///
    /// `threads` is 0 for as many as the machine has.
    ///
    /// # Errors
    /// A parameter is of another graph, is no input, or has an initial value of another type; one is given
    /// twice.
    pub fn new<'p>(
        graph: Graph,
        parameters: impl IntoIterator<Item = &'p Parameter>,
        threads: usize,
    ) -> Result<Session, TrainError> {
        let mut variables = HashMap::new();
        for Parameter { name, value, initial, .. } in parameters {
            check_input(&graph, *value, initial)?;
            if variables.insert(*value, initial.clone()).is_some() {
                return Err(TrainError::Session(format!("parameter `{name}` is given twice")));
            }
        }
        let options = Options::with_threads(threads);
        Ok(Session { graph, options, variables, spares: Vec::new(), plans: HashMap::new() })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The tensor of a variable.
    pub fn variable(&self, value: ValueId) -> Option<&Tensor> {
        self.variables.get(&value)
    }

    /// Gives a variable another tensor.
    ///
    /// # Errors
    /// It is no variable, or the tensor is of another type.
    pub fn set_variable(&mut self, value: ValueId, tensor: Tensor) -> Result<(), TrainError> {
        self.exchange(value, tensor).map(drop)
    }

    /// Gives a variable another tensor, and gives back the old one.
    fn exchange(&mut self, value: ValueId, tensor: Tensor) -> Result<Tensor, TrainError> {
        self.graph.check_value(value)?;
        let name = &self.graph.value(value).name;
        match self.variables.get_mut(&value) {
            None => Err(TrainError::Session(format!("`{name}` is no variable of this session"))),
            Some(old) if (old.dtype(), old.shape()) != (tensor.dtype(), tensor.shape()) => {
                Err(TrainError::Session(format!(
                    "variable `{name}` is {} {:?}, not {} {:?}",
                    old.dtype(),
                    old.shape(),
                    tensor.dtype(),
                    tensor.shape()
                )))
            }
            Some(old) => Ok(std::mem::replace(old, tensor)),
        }
    }

    /// Runs what `fetches` and `updates` need, and gives the tensors of `fetches`.
    ///
    /// The variables take their next values all at once, after the run.
    ///
    /// # Errors
    /// A value is of another graph. A feed is for no input, for a variable, or for one input twice, or its
    /// tensor has another type. An input that the run needs is neither fed nor a variable. An update is for
    /// no variable, for one variable twice, or to a value of another type. The run fails.
    pub fn run(
        &mut self,
        feeds: &[(ValueId, &Tensor)],
        fetches: &[ValueId],
        updates: &[Update],
    ) -> Result<Vec<Tensor>, TrainError> {
        self.check_feeds(feeds)?;
        self.check_updates(updates)?;
        let key = (fetches.to_vec(), updates.iter().map(|update| update.to).collect::<Vec<_>>());
        if !self.plans.contains_key(&key) {
            let outputs = [&key.0[..], &key.1[..]].concat();
            let (graph, inputs) = prune(&self.graph, &outputs)?;
            tracing::info!(
                "session: fetches ({}) and updates ({}) need {} of {} nodes, {} of {} inputs",
                fetches.len(),
                updates.len(),
                graph.node_count(),
                self.graph.node_count(),
                inputs.len(),
                self.graph.inputs().len()
            );
            let graph = optimise(graph, &ediacara_optimiser::Options::same_precision())?;
            let executor = Executor::new(&graph, &self.options)?;
            self.plans.insert(key.clone(), Plan { executor, inputs });
        }
        let plan = &self.plans[&key];
        let mut inputs = Vec::with_capacity(plan.inputs.len());
        for input in &plan.inputs {
            let fed = feeds.iter().find(|(value, _)| value == input).map(|(_, tensor)| (*tensor).clone());
            let tensor = fed.or_else(|| self.variables.get(input).cloned()).ok_or_else(|| {
                let name = &self.graph.value(*input).name;
                TrainError::Session(format!("`{name}` is needed, and neither fed nor a variable"))
            })?;
            inputs.push(tensor);
        }
        let spares = if updates.is_empty() { Vec::new() } else { std::mem::take(&mut self.spares) };
        let mut outputs = plan.executor.run_reusing(&inputs, spares)?;
        drop(inputs);
        let next = outputs.split_off(fetches.len());
        for (update, tensor) in updates.iter().zip(next) {
            let old = self.exchange(update.variable, tensor)?;
            self.spares.push(old);
        }
        Ok(outputs)
    }

    fn check_feeds(&self, feeds: &[(ValueId, &Tensor)]) -> Result<(), TrainError> {
        for (index, &(value, tensor)) in feeds.iter().enumerate() {
            check_input(&self.graph, value, tensor)?;
            let name = &self.graph.value(value).name;
            if self.variables.contains_key(&value) {
                let problem =
                    format!("`{name}` is fed, but is a variable of this session: give it to `set_variable`");
                return Err(TrainError::Session(problem));
            }
            if feeds[..index].iter().any(|(earlier, _)| *earlier == value) {
                return Err(TrainError::Session(format!("input `{name}` is fed twice")));
            }
        }
        Ok(())
    }

    fn check_updates(&self, updates: &[Update]) -> Result<(), TrainError> {
        for (index, &Update { variable, to }) in updates.iter().enumerate() {
            self.graph.check_value(variable)?;
            self.graph.check_value(to)?;
            let name = &self.graph.value(variable).name;
            let (own, next) = (self.graph.ty(variable), self.graph.ty(to));
            let problem = if !self.variables.contains_key(&variable) {
                format!("`{name}` is to be updated, but is no variable of this session")
            } else if own != next {
                format!(
                    "variable `{name}` is {own}, and cannot become `{}`, {next}",
                    self.graph.value(to).name
                )
            } else if updates[..index].iter().any(|earlier| earlier.variable == variable) {
                format!("variable `{name}` is updated twice in one run")
            } else {
                continue;
            };
            return Err(TrainError::Session(problem));
        }
        Ok(())
    }

    /// A network to be used: what `outputs` need of the graph, with the variables' present tensors as
    /// constants.
    ///
    /// Otherwise as [`freeze`].
    ///
    /// # Errors
    /// As [`freeze`].
    pub fn freeze(&self, outputs: &[ValueId]) -> Result<Graph, TrainError> {
        freeze(&self.graph, outputs, self.variables.iter().map(|(&value, tensor)| (value, tensor.clone())))
    }
}
