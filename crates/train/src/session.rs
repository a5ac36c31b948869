//! Sessions: a graph that is run many times, and variables that keep their tensors between runs.

use std::collections::HashMap;

use ediacara_graph::{Graph, ValueId};
use ediacara_host::{Executor, Options};
use ediacara_nn::{Parameter, Update};
use ediacara_optimiser::optimise;
use ediacara_tensor::Tensor;

use crate::TrainError;
use crate::part::prune;

/// A graph, its variables, and what has been made ready to run.
///
/// A run names values to feed, values to fetch, and variables to update. What it needs of the graph is pruned, optimised and
/// planned once, at the first run that asks for it. Results do not depend on the number of threads.
#[derive(Debug)]
pub struct Session {
    graph: Graph,
    options: Options,
    variables: HashMap<ValueId, Tensor>,
    /// What variables held before the last update: memory for the next one.
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
    /// A session over a graph, in which `parameters` are variables with their initial values. `threads` is 0 for as many
    /// as the machine has.
    pub fn new<'p>(
        graph: Graph,
        parameters: impl IntoIterator<Item = &'p Parameter>,
        threads: usize,
    ) -> Session {
        let variables = parameters.into_iter().map(|p| (p.value, p.initial.clone())).collect();
        Session {
            graph,
            options: Options::with_threads(threads),
            variables,
            spares: Vec::new(),
            plans: HashMap::new(),
        }
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
        let name = || self.graph.value(value).name.clone();
        match self.variables.get_mut(&value) {
            None => Err(TrainError::Session(format!("{value} is no variable of this session"))),
            Some(old) if (old.dtype(), old.shape()) != (tensor.dtype(), tensor.shape()) => {
                Err(TrainError::Session(format!(
                    "variable `{}` is {} {:?}, not {} {:?}",
                    name(),
                    old.dtype(),
                    old.shape(),
                    tensor.dtype(),
                    tensor.shape()
                )))
            }
            Some(old) => Ok(std::mem::replace(old, tensor)),
        }
    }

    /// Runs what `fetches` and `updates` need, gives the tensors of `fetches`, and lets the variables take their next
    /// values, all at once after the run.
    ///
    /// # Errors
    /// An input that the run needs is neither fed nor a variable; an update of what is no variable; the run fails.
    pub fn run(
        &mut self,
        feeds: &[(ValueId, &Tensor)],
        fetches: &[ValueId],
        updates: &[Update],
    ) -> Result<Vec<Tensor>, TrainError> {
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
            let graph = optimise(graph, &ediacara_optimiser::Options::default())?;
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
}
