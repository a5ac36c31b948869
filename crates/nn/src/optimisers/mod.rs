//! Optimisers: how parameters follow their gradients.
//!
//! Each is one operator that goes over the parameter once and gives its next value and that of its state. So
//! an update does not take a dozen passes over memory.

mod adam;
mod rms_prop;
mod sgd;
mod step;

pub use adam::AdamStep;
pub use rms_prop::RmsPropStep;
pub use sgd::SgdStep;

use std::sync::Arc;

use ediacara_autodiff::gradients;
use ediacara_graph::{Graph, Op, ValueId};
use ediacara_tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{NnError, Parameter, Role, Scope, Update};

/// How momentum enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Momentum {
    /// `v = momentum v + gradient; w = w - rate v`, as in PyTorch: the rate scales what was accumulated.
    #[default]
    Accumulated,
    /// `v = momentum v - rate gradient; w = w + v`: a change of the rate leaves the velocity.
    ///
    /// Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    Velocity,
    /// `v = momentum v + gradient; w = w - rate (gradient + momentum v)`: Nesterov's, as in PyTorch.
    Nesterov,
}

/// A pull towards 0, added to gradients of weights: `l2 w + l1 sign(w)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Decay {
    /// The factor of the magnitudes.
    pub l1: f32,
    /// The factor of the squares, halved.
    pub l2: f32,
}

/// An optimiser with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// Stochastic gradient descent.
    Sgd {
        /// 0 for none.
        momentum: f32,
        /// How it enters.
        form: Momentum,
    },
    /// `s = decay s + (1 - decay) g²; w = w - rate g / (sqrt(s) + epsilon)`, as in PyTorch.
    ///
    /// Tieleman and Hinton, "Lecture 6.5: RMSProp", 2012.
    RmsProp {
        /// How much of the mean square stays.
        decay: f32,
        /// Keeps from dividing by 0.
        epsilon: f32,
    },
    /// Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    Adam {
        /// How much of the mean gradient stays, and of the mean square.
        betas: [f32; 2],
        /// Keeps from dividing by 0.
        epsilon: f32,
        /// Whether weights decay apart from the gradient: Loshchilov and Hutter, "Decoupled weight decay
        /// regularization", 2019 (AdamW).
        decoupled: bool,
    },
}

impl Optimiser {
    /// Adds the update of every parameter that is learnt.
    ///
    /// `gradients` are those of the parameters that are no statistics, in order. `rate` is a scalar, and so
    /// is `step`, the number of the update from 1. Gives the parameters' next values, with the states' after
    /// them. The states are parameters of the graph from then on.
    ///
    /// # Errors
    /// There is not one gradient for each parameter that is learnt; a gradient does not have the type of its
    /// parameter.
    pub fn updates(
        &self,
        scope: &mut Scope,
        parameters: &[Parameter],
        gradients: &[ValueId],
        [rate, step]: [ValueId; 2],
        decay: Decay,
    ) -> Result<(Vec<Update>, Vec<Parameter>), NnError> {
        let mut updates = Vec::new();
        let mut states = Vec::new();
        let learnt: Vec<&Parameter> = learnt(parameters).collect();
        if learnt.len() != gradients.len() {
            let parameters = learnt.iter().map(|parameter| parameter.name.clone()).collect();
            return Err(NnError::Gradients { found: gradients.len(), parameters });
        }
        for (parameter, &gradient) in learnt.into_iter().zip(gradients) {
            let decay = if parameter.role == Role::Weight { decay } else { Decay::default() };
            let own: Vec<Parameter> = self
                .states()
                .iter()
                .map(|state| state_of(scope, parameter, state))
                .collect::<Result<_, _>>()?;
            let mut inputs = vec![parameter.value, gradient, rate];
            if matches!(self, Optimiser::Adam { .. }) {
                inputs.push(step);
            }
            inputs.extend(own.iter().map(|state| state.value));
            let name = format!("{}.step", parameter.name);
            let results = scope.apply_all(&name, self.op(decay), &inputs)?;
            let variables = std::iter::once(parameter.value).chain(own.iter().map(|state| state.value));
            updates.extend(variables.zip(results).map(|(variable, to)| Update { variable, to }));
            states.extend(own);
        }
        Ok((updates, states))
    }

    /// Finishes the scope, so that its runs make a loss small.
    ///
    /// Gives the graph, with the gradients of the loss and the updates by them in it. Also gives every
    /// parameter, the optimiser's states last, and the updates of a run, those of statistics included. `rate`
    /// and `step` are those of [`updates`](Optimiser::updates).
    ///
    /// # Errors
    /// The loss is of another graph, or an operator on the way to a parameter has no gradient.
    pub fn minimise(
        &self,
        mut scope: Scope,
        loss: ValueId,
        rate_and_step: [ValueId; 2],
        decay: Decay,
    ) -> Result<(Graph, Vec<Parameter>, Vec<Update>), NnError> {
        let own = scope.parameters().to_vec();
        let values: Vec<ValueId> = learnt(&own).map(|parameter| parameter.value).collect();
        let gradients = gradients(scope.graph_mut(), loss, &values)?;
        let (mut updates, states) = self.updates(&mut scope, &own, &gradients, rate_and_step, decay)?;
        let (graph, mut parameters, statistics) = scope.finish();
        parameters.extend(states);
        updates.extend(statistics);
        Ok((graph, parameters, updates))
    }

    /// What is kept for each element beside the parameter.
    fn states(&self) -> &'static [&'static str] {
        match self {
            Optimiser::Sgd { momentum: 0.0, .. } => &[],
            Optimiser::Sgd { .. } => &["momentum"],
            Optimiser::RmsProp { .. } => &["square"],
            Optimiser::Adam { .. } => &["mean", "square"],
        }
    }

    fn op(&self, decay: Decay) -> Arc<dyn Op> {
        match *self {
            Optimiser::Sgd { momentum, form } => Arc::new(SgdStep { momentum, form, decay }),
            Optimiser::RmsProp { decay: keep, epsilon } => Arc::new(RmsPropStep { keep, epsilon, decay }),
            Optimiser::Adam { betas, epsilon, decoupled } => {
                Arc::new(AdamStep { betas, epsilon, decoupled, decay })
            }
        }
    }
}

/// The parameters that have gradients.
fn learnt(parameters: &[Parameter]) -> impl Iterator<Item = &Parameter> {
    parameters.iter().filter(|parameter| parameter.role != Role::Statistic)
}

fn state_of(scope: &mut Scope, parameter: &Parameter, state: &str) -> Result<Parameter, NnError> {
    let name = format!("{}.{state}", parameter.name);
    let initial = Tensor::zeros(parameter.initial.dtype(), parameter.initial.shape())?;
    Ok(scope.variable(&name, initial))
}
