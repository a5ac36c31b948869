//! Precision layer by layer: as a file says, or where the noise of int8 asks for it.
//!
//! Layers are the nodes of the optimised real network, by name. Start reading at [`prepare_mixed`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use ediacara_arch::Machine;
use ediacara_graph::{DType, Graph, NodeId, ValueId};
use ediacara_host::Executor;
use ediacara_optimiser::{Calibration, Encoding};
use ediacara_tensor::Tensor;

use crate::calibration::{self, CalibrationSource, Samples};
use crate::stage::Stage;
use crate::{Error, Model, Precision, Prepared, prepare, prepare_in, results};

/// The ratio of signal to noise, in dB, that [`Wanted::Automatic`] asks of every output if nothing else is said.
pub const DECIBELS: f64 = 30.0;

/// What each layer of a network computes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// All layers in one precision, but for those of names: each a name, or its beginning and `*`. The longest counts.
    Layers {
        /// Of all others.
        base: Precision,
        /// Of some.
        layers: Vec<(String, Precision)>,
    },
    /// Int8, but where that is too noisy: as few products as may be compute in floating point, so that every output is so many dB
    /// above its noise.
    Automatic {
        /// The least ratio, in dB.
        decibels: f64,
    },
}

/// What [`Wanted::Automatic`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The ratio of signal to noise of the worst output in int8, in dB; nothing where nothing is lost.
    pub int8_decibels: Option<f64>,
    /// The same with the layers that were chosen.
    pub decibels: Option<f64>,
    /// Those layers, the noisiest first, each with the ratio of its own result to its own noise.
    pub layers: Vec<(String, f64)>,
    /// What they compute in.
    pub precision: Precision,
    /// How many products there are.
    pub products: usize,
}

/// Reads which layers compute in what: `"NAME" = "PRECISION"`, one a line (TOML).
///
/// # Errors
/// The file cannot be read, is no such table, or names no precision.
pub fn read_layers(path: &Path) -> Result<Vec<(String, Precision)>, Error> {
    let invalid = |problem: String| Error::Invalid(format!("{}: {problem}", path.display()));
    let text = ediacara_files::read_text(path).map_err(|error| invalid(error.to_string()))?;
    let table: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| {
        invalid(format!("{error}write one `\"LAYER\" = \"PRECISION\"` a line, such as \"conv1\" = \"f32\""))
    })?;
    let read = |(name, precision): (String, String)| {
        let precision = precision.parse().map_err(|problem| invalid(format!("\"{name}\": {problem}")))?;
        Ok((name, precision))
    };
    table.into_iter().map(read).collect()
}

/// Makes a model ready to compute as wanted on a machine; and what was chosen, if that was left open: by noise on `inputs` and on
/// the samples that ranges are taken from.
///
/// # Errors
/// As [`prepare_in`]; a layer is named that there is not; the machine does not compute in a precision.
pub fn prepare_mixed(
    model: &Model,
    wanted: &Wanted,
    machine: &Machine,
    (calibration, inputs): (&CalibrationSource, &[Vec<Tensor>]),
    stage: Stage<'_>,
) -> Result<(Prepared, Option<Choice>), Error> {
    match wanted {
        Wanted::Layers { base, layers } if layers.is_empty() => {
            Ok((prepare_in(model, *base, calibration, stage)?, None))
        }
        Wanted::Layers { base, layers } => {
            let prepared = prepare(model, calibration, stage)?;
            let named = layers;
            let layers = assigned(&prepared, *base, named)?;
            if layers.values().all(|precision| *precision == *base) && *base != Precision::Int8 {
                return Ok((prepare_in(model, *base, calibration, stage)?, None));
            }
            let kept = |(_, precision): &(String, Precision)| *precision != Precision::Int8;
            let prepared = prepared.with_layers(layers.into_iter().filter(kept).collect());
            Ok((without_absorbed(prepared, machine, named)?, None))
        }
        Wanted::Automatic { decibels } => {
            let prepared = prepare(model, calibration, stage)?;
            stage("choose precisions");
            let Samples { tensors, .. } = calibration::samples(model, &prepared.real, calibration)?;
            let samples = inputs.iter().cloned().chain(tensors).take(SAMPLES).collect();
            let (prepared, choice) = automatic(prepared, machine, samples, *decibels)?;
            Ok((prepared, Some(choice)))
        }
    }
}

/// The nodes that compute something, with what they compute in.
fn assigned(
    prepared: &Prepared,
    base: Precision,
    layers: &[(String, Precision)],
) -> Result<BTreeMap<String, Precision>, Error> {
    let graph = &prepared.real;
    let names: Vec<&str> = graph.nodes().map(|id| graph.node(id).name.as_str()).collect();
    let covers = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    if let Some((pattern, _)) =
        layers.iter().find(|(pattern, _)| !names.iter().any(|name| covers(pattern, name)))
    {
        return Err(Error::Invalid(format!(
            "{}: no layer is called `{pattern}` once operators are fused; {}",
            prepared.name,
            ediacara_hint::there_are(pattern, names)
        )));
    }
    let of = |name: &str| {
        let named = layers.iter().filter(|(pattern, _)| covers(pattern, name));
        named
            .max_by_key(|(pattern, _)| (!pattern.ends_with('*'), pattern.len()))
            .map_or(base, |(_, own)| *own)
    };
    Ok(names.iter().map(|name| ((*name).to_owned(), of(name))).collect())
}

/// Leaves out the layers whose work an int8 layer before them does, as it adds a product's bias: they compute in no precision of
/// their own.
///
/// # Errors
/// One of them was named, and not only the beginning of its name.
fn without_absorbed(
    prepared: Prepared,
    machine: &Machine,
    named: &[(String, Precision)],
) -> Result<Prepared, Error> {
    let (graph, origins) = prepared.on(machine)?;
    let is_int8 = |&id: &NodeId| graph.node(id).op.name().starts_with("q_");
    let mut layers = prepared.layers.clone();
    for origin in origins.iter().filter(|origin| origin.left.is_none() && origin.nodes.iter().any(is_int8)) {
        let Some(precision) = layers.remove(&origin.node) else { continue };
        if named.iter().any(|(name, _)| *name == origin.node) {
            return Err(Error::Invalid(format!(
                "{}: the int8 layer before `{}` ({}) does its work, so that it cannot compute in {precision} alone: name that \
                 layer, too",
                prepared.name, origin.node, origin.op
            )));
        }
    }
    Ok(prepared.with_layers(layers))
}

/// Samples on which noise is looked at, at most.
const SAMPLES: usize = 4;

/// A sample, and what the real network makes of it.
struct Reference {
    sample: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

/// Gives up int8 for as few products as may be, the noisiest first: in the first type of the machine's in which all of them are
/// enough, else in the last.
fn automatic(
    prepared: Prepared,
    machine: &Machine,
    samples: Vec<Vec<Tensor>>,
    wanted: f64,
) -> Result<(Prepared, Choice), Error> {
    let types = floating_point(machine)?;
    let executor = Executor::new(&prepared.real, &ediacara_host::Options::default())?;
    let all: Vec<String> = products(&prepared.real).into_iter().map(|id| name(&prepared.real, id)).collect();
    let on_host = without_form(&prepared.clone().with_layers(in_one(&all, types[0])), machine)?;
    let mut noise = products_by_noise(&prepared, &executor, &samples)?;
    noise.retain(|(name, _)| !on_host.contains(name));
    let mut references = Vec::with_capacity(samples.len());
    for sample in samples {
        references.push(Reference { outputs: executor.run(&sample)?, sample });
    }
    let with = |count: usize, precision: Precision| {
        let products: HashSet<&str> = noise[..count].iter().map(|(name, _)| name.as_str()).collect();
        prepared.clone().with_layers(in_one(&with_what_is_between(&prepared.real, &products), precision))
    };
    let ratio_with = |count: usize, precision| worst(&with(count, precision), machine, &references);
    let is_enough = |decibels: Option<f64>| decibels.is_none_or(|decibels| decibels >= wanted);
    let int8_decibels = ratio_with(0, types[0])?;
    let (mut few, mut many, mut precision) = (0, 0, types[0]);
    if !is_enough(int8_decibels) {
        many = noise.len();
        for &other in &types {
            precision = other;
            if is_enough(ratio_with(many, precision)?) {
                break;
            }
        }
    }
    while many > few + 1 {
        let middle = few.midpoint(many);
        if is_enough(ratio_with(middle, precision)?) { many = middle } else { few = middle }
    }
    let decibels = ratio_with(many, precision)?;
    let layers = noise[..many].to_vec();
    let choice = Choice { int8_decibels, decibels, layers, precision, products: all.len() };
    Ok((with(many, precision), choice))
}

fn in_one(names: &[String], precision: Precision) -> BTreeMap<String, Precision> {
    names.iter().map(|name| (name.clone(), precision)).collect()
}

fn name(graph: &Graph, id: NodeId) -> String {
    graph.node(id).name.clone()
}

/// The layers that the host computes with these choices.
fn without_form(prepared: &Prepared, machine: &Machine) -> Result<HashSet<String>, Error> {
    let (_, origins) = prepared.on(machine)?;
    Ok(origins.into_iter().filter(|origin| origin.left.is_some()).map(|origin| origin.node).collect())
}

/// Products, and all nodes that have none but these products, inputs and outputs of the network before and behind them:
/// int8 between them would save nothing.
fn with_what_is_between(graph: &Graph, products: &HashSet<&str>) -> Vec<String> {
    let order = graph.order();
    let all: HashSet<NodeId> = self::products(graph).into_iter().collect();
    let is_chosen = |id: &NodeId| products.contains(graph.node(*id).name.as_str());
    // Whether all that leads to a node, and all that it leads to, is chosen or no product.
    let (mut behind, mut before) = (HashSet::new(), HashSet::new());
    for &id in &order {
        let makers = graph.node(id).inputs.iter().filter_map(|&input| graph.producer(input));
        if makers
            .into_iter()
            .all(|maker| is_chosen(&maker) || !all.contains(&maker) && behind.contains(&maker))
        {
            behind.insert(id);
        }
    }
    for &id in order.iter().rev() {
        let readers = graph.node(id).outputs.iter().flat_map(|&output| graph.consumers(output));
        if readers
            .into_iter()
            .all(|reader| is_chosen(&reader) || !all.contains(&reader) && before.contains(&reader))
        {
            before.insert(id);
        }
    }
    let between = |id: &NodeId| !all.contains(id) && behind.contains(id) && before.contains(id);
    // Without any product that is chosen, nothing is between them.
    let found = order.iter().filter(|id| is_chosen(id) || !products.is_empty() && between(id));
    found.map(|&id| name(graph, id)).collect()
}

/// The ratio of signal to noise of the worst output over all samples, in dB; nothing where nothing is lost.
fn worst(prepared: &Prepared, machine: &Machine, references: &[Reference]) -> Result<Option<f64>, Error> {
    let (graph, _) = prepared.on(machine)?;
    let executor = Executor::new(&graph, &ediacara_host::Options::default())?;
    let mut least: Option<f64> = None;
    for Reference { sample, outputs } in references {
        for (found, expected) in executor.run(sample)?.iter().zip(outputs) {
            let numbers = results::numbers(found).zip(results::numbers(expected));
            let ratio = numbers.and_then(|(found, expected)| results::signal_to_noise(&found, &expected));
            least = [least, ratio].into_iter().flatten().min_by(f64::total_cmp);
        }
    }
    Ok(least)
}

/// The products by name, the noisiest by itself first, with the ratio of its result to its noise on the noisiest sample.
fn products_by_noise(
    prepared: &Prepared,
    executor: &Executor,
    samples: &[Vec<Tensor>],
) -> Result<Vec<(String, f64)>, Error> {
    let graph = &prepared.real;
    let products = products(graph);
    let read: HashSet<ValueId> =
        products.iter().flat_map(|&id| graph.node(id).inputs.iter().copied()).collect();
    let mut ratios = vec![f64::INFINITY; products.len()];
    for sample in samples {
        let mut values: HashMap<ValueId, Tensor> = HashMap::new();
        executor.run_with_observer(sample, |value, tensor| {
            if read.contains(&value) {
                values.insert(value, tensor.clone());
            }
        })?;
        for (&id, least) in products.iter().zip(&mut ratios) {
            let ratio = own_noise(graph, id, prepared.ranges()?, &values)?;
            *least = least.min(ratio.unwrap_or(f64::INFINITY));
        }
    }
    let names = products.iter().map(|&id| name(graph, id));
    let mut noise: Vec<(String, f64)> = names.zip(ratios).collect();
    noise.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    Ok(noise)
}

/// The types of floating point in which layers may compute that int8 is too noisy for, the cheapest and widest first.
fn floating_point(machine: &Machine) -> Result<Vec<Precision>, Error> {
    let types = [Precision::Bf16, Precision::F16, Precision::F32];
    let found: Vec<Precision> = types.into_iter().filter(|precision| precision.is_on(machine)).collect();
    match found.is_empty() {
        // The error says which machines have one.
        true => Precision::F32.on(machine).map(|_| vec![Precision::F32]),
        false => Ok(found),
    }
}

/// The nodes that multiply by weights, or matrices.
fn products(graph: &Graph) -> Vec<NodeId> {
    let is_product = |id: &NodeId| graph.cost_of(*id).macs > 0 && graph.node(*id).outputs.len() == 1;
    graph.nodes().filter(is_product).collect()
}

/// The ratio of a node's result to the noise that int8 brings to it where its operands have none: it reads them, multiplies by
/// weights, and stores its result, in int8. Nothing where nothing is lost.
fn own_noise(
    graph: &Graph,
    id: NodeId,
    ranges: &Calibration,
    values: &HashMap<ValueId, Tensor>,
) -> Result<Option<f64>, Error> {
    let node = graph.node(id);
    let run = |operands: &[Tensor]| -> Result<Vec<f32>, Error> {
        let operands: Vec<&Tensor> = operands.iter().collect();
        let mut outputs = [graph.ty(node.outputs[0]).zeros()?];
        node.op.run(&operands, &mut outputs).map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(outputs[0].to_vec::<f32>()?)
    };
    let mut exact = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let tensor = graph.constant(input).or_else(|| values.get(&input)).cloned();
        let Some(tensor) = tensor.filter(|tensor| tensor.dtype() == DType::F32) else { return Ok(None) };
        exact.push(tensor);
    }
    let mut rounded = exact.clone();
    for (index, tensor) in rounded.iter_mut().enumerate() {
        let input = node.inputs[index];
        *tensor = match (graph.constant(input).is_some(), index) {
            (false, _) => stored(tensor, ranges, &graph.value(input).name)?,
            (true, 1) => weights(tensor)?,
            (true, _) => continue,
        };
    }
    let expected = run(&exact)?;
    let found = Tensor::from_vec(&graph.ty(node.outputs[0]).shape, run(&rounded)?)?;
    let found = stored(&found, ranges, &graph.value(node.outputs[0]).name)?.to_vec::<f32>()?;
    Ok(results::signal_to_noise(&found, &expected))
}

/// What is left of a value in int8, with the scale of its range.
fn stored(tensor: &Tensor, ranges: &Calibration, name: &str) -> Result<Tensor, Error> {
    let Some(range) = ranges.range(name) else { return Ok(tensor.clone()) };
    let encoding = Encoding::of_range(range);
    let numbers = tensor.to_vec::<f32>()?.into_iter().map(|number| encoding.decode(encoding.encode(number)));
    Ok(Tensor::from_vec(tensor.shape(), numbers.collect())?)
}

/// What is left of weights in int8, with a scale for each index of the first axis.
fn weights(tensor: &Tensor) -> Result<Tensor, Error> {
    let mut numbers = tensor.to_vec::<f32>()?;
    let outputs = tensor.shape().first().copied().unwrap_or(1).max(1);
    for row in numbers.chunks_mut((tensor.len() / outputs).max(1)) {
        let largest = row.iter().fold(0.0_f32, |most, number| most.max(number.abs()));
        let step = (largest / 127.0).max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|number| *number = (*number / step).round_ties_even() * step);
    }
    Ok(Tensor::from_vec(tensor.shape(), numbers)?)
}
