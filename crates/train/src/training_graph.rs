//! The graph of a training: the network of a recipe, its loss, gradients and updates.

use std::collections::HashMap;

use ediacara_autodiff::{clip_by_global_norm, gradients};
use ediacara_graph::ops::Mul;
use ediacara_graph::{DType, Graph, TensorType, ValueId};
use ediacara_nn::{LossScale, Mode, NnError, Parameter, Role, Scope, Update, losses};
use ediacara_tensor::Tensor;

use crate::part::freeze;
use crate::recipe::Loss;
use crate::{Recipe, Samples, TrainError, build};

/// The values of a training's graph.
#[derive(Debug)]
pub(crate) struct Training {
    pub(crate) x: ValueId,
    pub(crate) targets: ValueId,
    pub(crate) rate: ValueId,
    pub(crate) step: ValueId,
    /// The noise that dropouts compare with.
    pub(crate) noise: Vec<ValueId>,
    pub(crate) loss: ValueId,
    pub(crate) updates: Vec<Update>,
    /// The parameters of the network, then those that the training keeps beside it.
    pub(crate) parameters: Vec<Parameter>,
    /// How many of them the network has.
    pub(crate) network_parameters: usize,
    /// A weight that is pruned, and its mask.
    pub(crate) masks: Vec<(ValueId, ValueId)>,
}

/// Builds the training of a recipe on samples.
pub(crate) fn training_graph(recipe: &Recipe, samples: &Samples) -> Result<(Graph, Training), TrainError> {
    let mut scope = Scope::new("training", Mode::Training, recipe.seed);
    let x = scope.input("x", TensorType::f32(&[&[recipe.batch], &samples.shape[..]].concat()));
    let targets = scope.input("targets", TensorType::f32(&[recipe.batch, samples.outputs]));
    let [rate, step] = ["rate", "step"].map(|name| scope.input(name, TensorType::f32(&[])));
    let (outputs, noise) = network(&mut scope, recipe, x)?;
    let (found, wanted) = (scope.shape(outputs).to_vec(), [recipe.batch, samples.outputs]);
    if found != wanted {
        return Err(TrainError::Session(format!(
            "the last layer gives {found:?}, but {} wants {wanted:?}; end with `dense {}`",
            recipe.data, wanted[1]
        )));
    }
    let mut emitter = scope.emitter("loss");
    let loss = match recipe.loss {
        Loss::CrossEntropy => losses::cross_entropy(&mut emitter, outputs, targets)?,
        Loss::MeanSquaredError => losses::mean_squared_error(&mut emitter, outputs, targets)?,
        Loss::Hinge if samples.are_numbers() => {
            return Err(TrainError::Session(format!(
                "loss = \"hinge\" is for classes and bits, but the targets of {} are real numbers; take \
                 \"mean_squared_error\"",
                recipe.data
            )));
        }
        Loss::Hinge => losses::hinge(&mut emitter, outputs, targets)?,
    };
    let mut parameters = scope.parameters().to_vec();
    let network_parameters = parameters.len();
    let scale = recipe.precision.as_ref().map(|table| LossScale::new(&mut scope, table.loss_scale));
    let mut slopes = slopes(&mut scope, &parameters, loss, scale.as_ref())?;
    let raw = slopes.clone();
    if let Some(bound) = recipe.clip_norm {
        slopes = clip_by_global_norm(&mut scope.emitter("clip"), &slopes, bound)?.0;
    }
    let (mut updates, states) =
        recipe.optimiser().updates(&mut scope, &parameters, &slopes, [rate, step], recipe.decay())?;
    let masks = match recipe.pruning {
        Some(_) => masks(&mut scope, &parameters, &mut updates)?,
        None => Vec::new(),
    };
    let masked = masks.iter().map(|(weight, mask)| (*weight, mask.value)).collect();
    parameters.extend(states);
    parameters.extend(masks.into_iter().map(|(_, mask)| mask));
    if let Some(scale) = scale {
        scale.guard(&mut scope, &raw, &mut updates)?;
        parameters.extend(scale.states());
    }
    let (graph, _, statistics) = scope.finish();
    updates.extend(statistics);
    let training = Training {
        x,
        targets,
        rate,
        step,
        noise,
        loss,
        updates,
        parameters,
        network_parameters,
        masks: masked,
    };
    Ok((graph, training))
}

/// The network behind `x`, in the precision of the recipe; its result is of f32.
fn network(scope: &mut Scope, recipe: &Recipe, x: ValueId) -> Result<(ValueId, Vec<ValueId>), TrainError> {
    let specs = recipe.specs().map_err(TrainError::Session)?;
    if let Some(table) = &recipe.precision {
        scope.compute_in(table.compute.dtype());
    }
    let x = scope.cast(x, scope.compute_type())?;
    let (outputs, noise) = build(scope, x, &specs)?;
    Ok((scope.cast(outputs, DType::F32)?, noise))
}

/// The gradients of the loss for the parameters that are learnt.
fn slopes(
    scope: &mut Scope,
    parameters: &[Parameter],
    loss: ValueId,
    scale: Option<&LossScale>,
) -> Result<Vec<ValueId>, TrainError> {
    let learnt: Vec<ValueId> =
        parameters.iter().filter(|p| p.role != Role::Statistic).map(|p| p.value).collect();
    match scale {
        None => Ok(gradients(scope.graph_mut(), loss, &learnt)?),
        Some(scale) => {
            let scaled = scale.scaled(scope, loss)?;
            let slopes = gradients(scope.graph_mut(), scaled, &learnt)?;
            Ok(scale.unscaled(scope, &slopes)?)
        }
    }
}

/// Lets every weight be multiplied by a mask after its update.
fn masks(
    scope: &mut Scope,
    parameters: &[Parameter],
    updates: &mut [Update],
) -> Result<Vec<(ValueId, Parameter)>, NnError> {
    let mut masks = Vec::new();
    for weight in parameters.iter().filter(|parameter| parameter.role == Role::Weight) {
        let Some(update) = updates.iter_mut().find(|update| update.variable == weight.value) else {
            continue;
        };
        let name = format!("{}.mask", weight.name);
        let initial = Tensor::full(weight.initial.shape(), 1.0_f32)?;
        let mask = scope.variable(&name, initial);
        update.to = scope.named(&name, |scope| scope.apply(Mul, &[update.to, mask.value]))?;
        masks.push((weight.value, mask));
    }
    Ok(masks)
}

/// The network of a recipe for inference on batches of samples: the graph with its output, its input, its
/// parameters.
pub(crate) fn inference_graph(
    recipe: &Recipe,
    samples: &Samples,
    batch: usize,
) -> Result<(Graph, ValueId, Vec<Parameter>), TrainError> {
    let mut scope = Scope::new("network", Mode::Inference, recipe.seed);
    let x = scope.input("x", TensorType::f32(&[&[batch], &samples.shape[..]].concat()));
    let (outputs, _) = network(&mut scope, recipe, x)?;
    let (mut graph, parameters, _) = scope.finish();
    graph.set_outputs(vec![outputs]);
    Ok((graph, x, parameters))
}

/// The same network with these parameters as constants, in f32 throughout, to be exported.
pub(crate) fn trained_graph(
    recipe: &Recipe,
    samples: &Samples,
    batch: usize,
    tensors: &[(String, Tensor)],
) -> Result<Graph, TrainError> {
    let recipe = Recipe { precision: None, ..recipe.clone() };
    let (mut graph, _, parameters) = inference_graph(&recipe, samples, batch)?;
    graph.rename_value(graph.outputs()[0], "outputs");
    let tensors: HashMap<&str, &Tensor> =
        tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let known = parameters.iter().map(|parameter| {
        let tensor = tensors.get(parameter.name.as_str()).copied().unwrap_or(&parameter.initial);
        (parameter.value, tensor.clone())
    });
    freeze(&graph, graph.outputs(), known)
}
