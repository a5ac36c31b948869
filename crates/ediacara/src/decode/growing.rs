//! Files whose caches grow: a decoder as exporters write it concatenates the rows of its token to those before.
//!
//! Shapes are static here, so that such a file is another network behind each number of tokens. What is compiled is the one
//! behind a full cache, rewritten: rows are written where they belong, what lies behind the position is hidden from every
//! softmax over tokens, and constants that are others behind another number of tokens (a row of a table of positions, the
//! sine of an angle) become inputs. Such a rewriting cannot know what a network means by the length of its caches. So each
//! token's logits in f32 are compared with those of the file itself behind so many tokens.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Add, Concat, LessEqual, Reshape, Select, Softmax, TensorScatter};
use ediacara_graph::{DType, Definition, Graph, NodeId, TensorType, ValueId};
use ediacara_host::Executor;
use ediacara_tensor::Tensor;

use super::LoadSized;
use super::ports::{Caches, Extra, Ports, before_barriers, ports, refused, resized};
use crate::{Error, Model, results};

/// What is added to the scores of places that no token has yet: its exponential is 0, and f32 holds its sums.
const HIDDEN: f32 = -1e9;

/// How far logits may be from those of the file itself, as a part of the largest: sums are made in another order.
const TOLERANCE: f32 = 1e-3;

/// A file whose caches grow.
pub(super) struct Growing<'a> {
    load: &'a LoadSized<'a>,
    /// Inputs that grow, each with its axis and how much longer than the caches it is.
    axes: Vec<(String, usize, usize)>,
    /// By number of tokens before, what constants of the file are then.
    constants: HashMap<usize, Vec<Tensor>>,
}

/// A cache to which rows are concatenated.
struct Cache {
    node: NodeId,
    past: ValueId,
    axis: usize,
}

/// The caches of a network to which one row is concatenated each.
fn caches(graph: &Graph) -> Vec<Cache> {
    let handed: HashSet<ValueId> =
        graph.outputs().iter().map(|&output| before_barriers(graph, output)).collect();
    let cache = |node: NodeId| {
        let (concat, inputs) = (graph.node(node).op_as::<Concat>()?, &graph.node(node).inputs);
        let [past, row] = inputs[..] else { return None };
        let is_input = matches!(graph.value(past).definition, Definition::Input);
        let one = graph.ty(row).shape.get(concat.axis) == Some(&1) && graph.consumers(past).len() == 1;
        let is_handed = handed.contains(&graph.output_of(node));
        (is_input && one && is_handed).then_some(Cache { node, past, axis: concat.axis })
    };
    graph.order().into_iter().filter_map(cache).collect()
}

/// Whether a network concatenates rows to caches that are its inputs.
pub(super) fn is_growing(model: &Model) -> bool {
    !caches(&model.graph).is_empty()
}

impl<'a> Growing<'a> {
    /// `load` gives the file with axes of given sizes, called `INPUT[AXIS]`.
    ///
    /// # Errors
    /// It cannot be loaded, or concatenates nothing to a cache.
    pub(super) fn new(load: &'a LoadSized<'a>) -> Result<Growing<'a>, Error> {
        let model = load(&[])?;
        let graph = &model.graph;
        let name = |value: ValueId| graph.value(value).name.clone();
        let mut axes: Vec<_> =
            caches(graph).into_iter().map(|cache| (name(cache.past), cache.axis, 0)).collect();
        if axes.is_empty() {
            return Err(refused(&model, "it has no cache that it appends to"));
        }
        if model.unbound.is_empty() {
            return Err(refused(
                &model,
                "the caches that it concatenates to have axes of fixed sizes in the file",
            ));
        }
        let masks = graph.inputs().iter().filter(|&&input| is_mask(graph, input));
        axes.extend(masks.map(|&input| (name(input), 1, 1)));
        Ok(Growing { load, axes, constants: HashMap::new() })
    }

    /// The file behind so many tokens.
    fn behind(&self, past: usize) -> Result<Model, Error> {
        let sizes = self.axes.iter().map(|(input, axis, more)| (format!("{input}[{axis}]"), past + more));
        (self.load)(&sizes.collect::<Vec<_>>())
            .map_err(|error| Error::Invalid(format!("behind {past} tokens it cannot be loaded: {error}")))
    }

    /// The network with caches for so many tokens, and its ports.
    ///
    /// # Errors
    /// The file cannot be loaded behind so many tokens, or does with the past what cannot be rewritten.
    pub(super) fn placed(&self, length: usize) -> Result<(Model, Ports), Error> {
        let length = length.max(3);
        let [long, short] = [1, 2].map(|less| self.behind(length - less));
        let (mut long, short) = (long?, short?);
        let changes = Changes::between(&long, &short)?;
        let (graph, extras) = changes.rewritten(&long.graph)?;
        long.graph = graph;
        let ports = ports(&long, extras)?;
        Ok((long, ports))
    }

    /// What the file's constants are behind so many tokens, in the order of the ports.
    ///
    /// # Errors
    /// As [`Growing::placed`].
    pub(super) fn constants(
        &mut self,
        graph: &Graph,
        ports: &Ports,
        past: usize,
    ) -> Result<Vec<Tensor>, Error> {
        let wanted = ports.extras.iter().any(|(_, extra)| matches!(extra, Extra::Constant(..)));
        if wanted && !self.constants.contains_key(&past) {
            let found = constants_of(&self.behind(past)?, ports)?;
            self.constants.insert(past, found);
        }
        let known = self.constants.get(&past).map_or(&[][..], Vec::as_slice);
        let inputs = ports.extras.iter().filter(|(_, extra)| matches!(extra, Extra::Constant(..)));
        inputs
            .zip(known)
            .map(|((input, _), tensor)| resized(tensor, &graph.ty(graph.inputs()[*input]).shape))
            .collect()
    }

    /// How far logits are from those of the file itself, as a part of its largest.
    ///
    /// # Errors
    /// They are too far: the file does with the past what the rewriting did not see; or it cannot be loaded or run.
    pub(super) fn distance(
        &self,
        ports: &Ports,
        caches: &Caches,
        (position, token): (usize, i64),
        logits: &[f32],
    ) -> Result<f32, Error> {
        let model = self.behind(position)?;
        let executor = Executor::new(&model.graph, &ediacara_host::Options::default())?;
        // The position that was added is the last input.
        let own = Ports { extras: own_extras(&model.graph, ports), ..ports.clone() };
        let inputs = caches.of_length(ports, position)?.inputs(&model.graph, &own, (position, token), &[])?;
        let outputs = executor.run(&inputs)?;
        let expected = results::numbers(&outputs[ports.logits]).unwrap_or_default();
        let largest =
            |numbers: &mut dyn Iterator<Item = f32>| numbers.fold(0.0_f32, |most, x| most.max(x.abs()));
        let apart = largest(&mut logits.iter().zip(&expected).map(|(found, expected)| found - expected));
        let distance = apart / largest(&mut expected.iter().copied()).max(f32::MIN_POSITIVE);
        if logits.len() == expected.len() && distance <= TOLERANCE {
            return Ok(distance);
        }
        Err(Error::Invalid(format!(
            "{}: with caches of a fixed length its logits at position {position} are {distance:.1e} of the largest away from \
             those of the file itself. It does more with the number of tokens than to append, to mask and to look up \
             positions, so that it cannot be compiled once for all positions; run it with --dim for one of them",
            model.name
        )))
    }
}

/// Inputs of the file that are extras, without those that were constants.
fn own_extras(graph: &Graph, ports: &Ports) -> Vec<(usize, Extra)> {
    let count = graph.inputs().len();
    ports.extras.iter().filter(|(index, _)| *index < count).cloned().collect()
}

/// Whether an input says for each token whether it counts.
fn is_mask(graph: &Graph, input: ValueId) -> bool {
    let value = graph.value(input);
    value.name.contains("mask") && value.ty.rank() == 2
}

/// Whether an input is the position of the token.
fn is_position(graph: &Graph, input: ValueId) -> bool {
    let value = graph.value(input);
    value.name.contains("position") && value.ty.dtype == DType::I64 && value.ty.elements() == 1
}

/// The operands of a file that ports call constants.
fn constants_of(model: &Model, ports: &Ports) -> Result<Vec<Tensor>, Error> {
    let graph = &model.graph;
    let by_name = by_name(graph);
    let wanted = ports.extras.iter().filter_map(|(_, extra)| match extra {
        Extra::Constant(node, operand) => Some((node, *operand)),
        Extra::Position | Extra::Seen => None,
    });
    let constant = |(node, operand): (&String, usize)| {
        let value = by_name.get(node.as_str()).and_then(|&id| graph.node(id).inputs.get(operand).copied());
        let tensor = value.and_then(|value| graph.constant(value)).cloned();
        tensor.ok_or_else(|| other_structure(model, node))
    };
    wanted.map(constant).collect()
}

/// The nodes by their first results' names, which only one node has.
fn by_name(graph: &Graph) -> HashMap<&str, NodeId> {
    graph.order().into_iter().map(|id| (result_name(graph, id), id)).collect()
}

fn result_name(graph: &Graph, id: NodeId) -> &str {
    graph.node(id).outputs.first().map_or("", |&value| &graph.value(value).name)
}

fn other_structure(model: &Model, node: &str) -> Error {
    Error::Invalid(format!(
        "{}: its node `{node}` is another one, or none, behind another number of tokens, so that it cannot be compiled once for \
         all positions; run it with --dim for one of them",
        model.name
    ))
}

/// What of a network is other behind another number of tokens.
#[derive(Debug, Default)]
struct Changes {
    /// Constants whose elements change, each with the node and operand that read it first.
    constants: HashMap<ValueId, (String, usize)>,
    /// Each softmax over tokens.
    softmaxes: HashSet<NodeId>,
}

impl Changes {
    /// Of a network behind one token more.
    fn between(long: &Model, short: &Model) -> Result<Changes, Error> {
        let (graph, other) = (&long.graph, &short.graph);
        let others = by_name(other);
        let mut changes = Changes::default();
        for id in graph.order() {
            let node = graph.node(id);
            let name = result_name(graph, id);
            let twin = others.get(name).map(|&twin| other.node(twin));
            let twin = twin
                .filter(|twin| twin.op.name() == node.op.name() && twin.inputs.len() == node.inputs.len());
            let twin = twin.ok_or_else(|| other_structure(long, name))?;
            for (operand, (&value, &other_value)) in node.inputs.iter().zip(&twin.inputs).enumerate() {
                match (graph.constant(value), other.constant(other_value)) {
                    (Some(own), Some(other)) if !is_prefix(other, own)? => {
                        changes.constants.entry(value).or_insert((name.to_owned(), operand));
                    }
                    (Some(_), None) | (None, Some(_)) => return Err(other_structure(long, name)),
                    _ => {}
                }
            }
            let grows =
                |value: ValueId, other_value: ValueId| graph.ty(value).shape != other.ty(other_value).shape;
            let reads = node.inputs.iter().zip(&twin.inputs).any(|(&value, &other)| grows(value, other));
            let writes = node.outputs.iter().zip(&twin.outputs).any(|(&value, &other)| grows(value, other));
            if let Some(softmax) = node.op_as::<Softmax>()
                && graph.ty(node.inputs[0]).shape[softmax.axis]
                    != other.ty(twin.inputs[0]).shape[softmax.axis]
            {
                changes.softmaxes.insert(id);
            } else if reads && !writes && node.op.name() != "matmul" {
                return Err(Error::Invalid(format!(
                    "{}: its node `{}` ({}) goes over all tokens so far and is no product, so that what lies behind the last \
                     cannot be hidden from it; run the file with --dim for one number of tokens",
                    long.name,
                    name,
                    node.op.name()
                )));
            }
        }
        Ok(changes)
    }

    /// The network with rows that are written where they belong, what lies behind them hidden, and changing constants as inputs;
    /// and what those inputs are given.
    fn rewritten(&self, graph: &Graph) -> Result<(Graph, Vec<(usize, Extra)>), Error> {
        let mut new = Graph::new(graph.name.as_str());
        let caches: HashMap<NodeId, Cache> =
            caches(graph).into_iter().map(|cache| (cache.node, cache)).collect();
        let (mut known, mut extras) = (HashMap::new(), Vec::new());
        for (index, &input) in graph.inputs().iter().enumerate() {
            let mut ty = graph.ty(input).clone();
            if let Some(cache) = caches.values().find(|cache| cache.past == input) {
                ty.shape[cache.axis] += 1;
            } else if is_mask(graph, input) {
                extras.push((index, Extra::Seen));
            } else if is_position(graph, input) {
                extras.push((index, Extra::Position));
            }
            known.insert(input, new.add_input(graph.value(input).name.as_str(), ty));
        }
        let length = caches.values().next().map_or(0, |cache| graph.ty(cache.past).shape[cache.axis] + 1);
        let mut changed: Vec<_> = self.constants.iter().collect();
        changed.sort();
        for (&value, (node, operand)) in changed {
            extras.push((new.inputs().len(), Extra::Constant(node.clone(), *operand)));
            let input = new.add_input(graph.value(value).name.as_str(), graph.ty(value).clone());
            known.insert(value, input);
        }
        let position = new.add_input("position", TensorType::new(DType::I64, &[1]));
        let mask = hidden(&mut new, length, position)?;
        for id in graph.order() {
            let node = graph.node(id);
            let mut operands = Vec::with_capacity(node.inputs.len() + 1);
            for &value in &node.inputs {
                let constant =
                    || graph.constant(value).map(|tensor| (&graph.value(value).name, tensor.clone()));
                let operand = match (known.get(&value), constant()) {
                    (Some(&operand), _) => operand,
                    (None, Some((name, tensor))) => new.add_constant(name.as_str(), tensor),
                    (None, None) => continue,
                };
                known.insert(value, operand);
                operands.push(operand);
            }
            let made = match (caches.get(&id), node.op_as::<Softmax>()) {
                (Some(cache), _) => {
                    operands.push(position);
                    new.add_node(node.name.as_str(), TensorScatter { axis: cache.axis }, &operands)?
                }
                (None, Some(softmax)) if self.softmaxes.contains(&id) => {
                    let mut shape = vec![1; graph.ty(node.inputs[0]).rank()];
                    shape[softmax.axis] = length;
                    let own = new.add(format!("{}.mask", node.name), Reshape { shape }, &[mask])?;
                    let shown = new.add(format!("{}.seen", node.name), Add, &[operands[0], own])?;
                    new.add_node(node.name.as_str(), node.op.clone(), &[shown])?
                }
                _ => new.add_node(node.name.as_str(), node.op.clone(), &operands)?,
            };
            known.extend(node.outputs.iter().copied().zip(new.node(made).outputs.iter().copied()));
        }
        let outputs = graph
            .outputs()
            .iter()
            .filter_map(|output| Some((graph.value(*output).name.clone(), *known.get(output)?)));
        new.set_named_outputs(&outputs.collect::<Vec<_>>())?;
        Ok((new, extras))
    }
}

/// Whether the elements of `short` are those of `long` at the same indices.
fn is_prefix(short: &Tensor, long: &Tensor) -> Result<bool, Error> {
    let is_part = short.shape().len() == long.shape().len()
        && short.shape().iter().zip(long.shape()).all(|(short, long)| short <= long);
    if !is_part || short.dtype() != long.dtype() {
        return Ok(false);
    }
    if short.shape() == long.shape() {
        return Ok(short.to_contiguous().as_bytes()? == long.to_contiguous().as_bytes()?);
    }
    Ok(short.to_contiguous().as_bytes()? == resized(long, short.shape())?.as_bytes()?)
}

/// What is added to scores, `[length]`: 0 up to the position, and [`HIDDEN`] behind it.
fn hidden(graph: &mut Graph, length: usize, position: ValueId) -> Result<ValueId, Error> {
    let places = graph.add_constant("places", Tensor::from_vec(&[length], (0..length as i64).collect())?);
    let seen = graph.add("places.seen", LessEqual, &[places, position])?;
    let [nothing, hidden] = [("places.nothing", 0.0), ("places.hidden", HIDDEN)]
        .map(|(name, number)| graph.add_constant(name, Tensor::scalar(number)));
    Ok(graph.add("places.mask", Select, &[seen, nothing, hidden])?)
}
