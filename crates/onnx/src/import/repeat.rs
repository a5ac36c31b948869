//! Scan, and Loop with a known number of rounds: their body becomes that of a `recur`.
//!
//! What the body reads from around it becomes a constant of it if it is a small one, and else an operand that all steps
//! read.

use std::collections::HashSet;
use std::sync::Arc;

use ediacara_graph::ops::Recur;
use ediacara_graph::text::INLINE_ELEMENTS;
use ediacara_graph::{Graph, TensorType, ValueId};
use ediacara_tensor::{DType, Tensor};

use super::Importer;
use crate::context::failed;
use crate::error::{ImportError, NodeError, NodeResult};
use crate::head::Head as _;
use crate::model::outputs;
use crate::node::{Node, axis};
use crate::order::order;
use crate::proto::GraphProto;
use crate::scope::Scope;

/// A body with what it is given.
struct Repeated<'a> {
    graph: &'a GraphProto,
    /// First values of what is carried, with the names in the body.
    carried: Vec<(&'a str, ValueId)>,
    /// Sequences, steps first, with the names in the body.
    sequences: Vec<(&'a str, ValueId)>,
    /// Names that stand for a truth that never changes.
    truths: Vec<&'a str>,
    /// The names of the body's results: what is carried on, then those of the step.
    results: Vec<&'a str>,
    /// A result that has to be a constant truth.
    condition: Option<&'a str>,
    reverse: bool,
}

fn input_names(graph: &GraphProto) -> Vec<&str> {
    graph.input.iter().map(|input| input.name.as_deref().unwrap_or("")).collect()
}

impl<'a> Importer<'a> {
    /// The values of a Scan.
    pub(super) fn scan(&mut self, node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let at = |error: NodeError| error.at(self.file, &node.name, "Scan");
        let graph = node.graph("body").map_err(at)?;
        let settings = ScanSettings::read(node, graph, self.context.opset).map_err(at)?;
        let carried = settings.carried;
        let names = input_names(graph);
        self.context.begin(&node.name);
        let mut values = Vec::with_capacity(names.len());
        for index in 0..names.len() {
            let value = node.input(index);
            let at = |error: NodeError| error.at(self.file, &node.name, "Scan");
            let value = value.map_err(at)?;
            let value = match index.checked_sub(carried) {
                None => Ok(value),
                Some(sequence) => self.sequence(&settings, sequence, value),
            };
            values.push(value.map_err(|error| error.at(self.file, &node.name, "Scan"))?);
        }
        let named: Vec<(&'a str, ValueId)> = names.into_iter().zip(values).collect();
        let (first, rest) = named.split_at(carried);
        let repeated = Repeated {
            graph,
            carried: first.to_vec(),
            sequences: rest.to_vec(),
            truths: Vec::new(),
            results: outputs(graph),
            condition: None,
            reverse: settings.reverse,
        };
        let mut results = self.repeat(node, "Scan", &repeated)?;
        for (index, result) in results.iter_mut().enumerate().skip(carried) {
            let placed = self.placed(&settings, index - carried, *result);
            *result = placed.map_err(|error| error.at(self.file, &node.name, "Scan"))?;
        }
        Ok(results)
    }

    /// A sequence with its steps in front, in the order in which they are read.
    fn sequence(&mut self, settings: &ScanSettings, index: usize, value: ValueId) -> NodeResult<ValueId> {
        let rank = self.context.shape(value).len();
        let steps = axis(settings.input_axes[index], rank)?;
        let order: Vec<usize> = [steps].into_iter().chain((0..rank).filter(|&axis| axis != steps)).collect();
        let value = self.context.transpose(value, &order)?;
        let flipped = settings.backwards[index] != settings.reverse;
        if flipped { self.flipped(value) } else { Ok(value) }
    }

    /// The first axis backwards.
    fn flipped(&mut self, value: ValueId) -> NodeResult<ValueId> {
        let shape = self.context.shape(value).to_vec();
        let (mut starts, mut ends, mut steps) = (
            vec![0; shape.len()],
            shape.iter().map(|&size| size as i64).collect::<Vec<_>>(),
            vec![1; shape.len()],
        );
        (starts[0], ends[0], steps[0]) = (shape[0] as i64 - 1, -1, -1);
        self.context.slice(value, &starts, &ends, &steps)
    }

    /// A result of all steps where a Scan wants it: appended or prepended in the order of the steps, along an axis.
    fn placed(&mut self, settings: &ScanSettings, index: usize, value: ValueId) -> NodeResult<ValueId> {
        let prepended = settings.prepends.get(index).copied().unwrap_or(false);
        let value = if prepended != settings.reverse { self.flipped(value)? } else { value };
        let rank = self.context.shape(value).len();
        let to = axis(settings.output_axes.get(index).copied().unwrap_or(0), rank)?;
        let mut order: Vec<usize> = (1..rank).collect();
        order.insert(to, 0);
        self.context.transpose(value, &order)
    }

    /// The values of a Loop.
    pub(super) fn repeated(&mut self, node: &Node<'a>) -> Result<Vec<ValueId>, ImportError> {
        let at = |error: NodeError| error.at(self.file, &node.name, "Loop");
        let graph = node.graph("body").map_err(at)?;
        let names = input_names(graph);
        let mut known = |index: usize| self.context.constant_of(node, index).map_err(at);
        let goes_on = match known(1)? {
            None => true,
            Some(holds) => holds.cast(DType::Bool).to_vec::<bool>().is_ok_and(|holds| holds == [true]),
        };
        let rounds = known(0)?.and_then(|rounds| rounds.cast(DType::I64).to_vec::<i64>().ok());
        let rounds = rounds.and_then(|rounds| usize::try_from(*rounds.first()?).ok());
        let Some(rounds) = rounds.filter(|&rounds| rounds > 0 && goes_on && names.len() >= 2) else {
            return Err(at(NodeError::new(
                "has no known number of rounds, at least one; only such loops can be imported, because shapes and cycles \
                 are static here",
            )));
        };
        self.context.begin(&node.name);
        let numbers = self.context.ramp(DType::I64, rounds);
        let mut carried = Vec::with_capacity(names.len() - 2);
        for (index, &name) in names.iter().enumerate().skip(2) {
            carried.push((name, node.input(index).map_err(|error| error.at(self.file, &node.name, "Loop"))?));
        }
        let results = outputs(graph);
        let repeated = Repeated {
            graph,
            carried,
            sequences: vec![(names[0], numbers.map_err(|error| error.at(self.file, &node.name, "Loop"))?)],
            truths: vec![names[1]],
            results: results.iter().skip(1).copied().collect(),
            condition: results.first().copied(),
            reverse: false,
        };
        match self.repeat(node, "Loop", &repeated) {
            // Where a shape depends on the round, each round is a graph of its own.
            Err(ImportError::NotConstant { .. } | ImportError::Node { .. }) => {
                self.written_out(node, &repeated, rounds)
            }
            found => found,
        }
    }

    /// The results of a Loop whose rounds are handled one after the other, each with its number as a constant.
    fn written_out(
        &mut self,
        node: &Node<'a>,
        repeated: &Repeated<'a>,
        rounds: usize,
    ) -> Result<Vec<ValueId>, ImportError> {
        let at = |error: NodeError| error.at(self.file, &node.name, "Loop");
        let (graph, count) = (repeated.graph, repeated.carried.len());
        let number = |round: usize| Tensor::scalar(round as i64);
        let mut carried: Vec<ValueId> = repeated.carried.iter().map(|&(_, value)| value).collect();
        let mut steps: Vec<Vec<ValueId>> = Vec::new();
        for round in 0..rounds {
            let prefix = format!("{}@{round}/", node.name);
            self.context.begin(&prefix);
            let mut scope =
                Scope { sees_outer: true, prefix: prefix.clone(), ..Scope::with_stored(&graph.initializer) };
            scope.function.clone_from(&self.scope().function);
            let given = repeated.carried.iter().map(|&(name, _)| name).zip(carried.iter().copied());
            scope.values.extend(given);
            let constants = repeated.sequences.iter().map(|&(name, _)| (name, number(round)));
            let truths = repeated.truths.iter().map(|&name| (name, Tensor::scalar(true)));
            for (name, tensor) in constants.chain(truths) {
                let constant = self.context.constant(tensor).map_err(at)?;
                scope.values.insert(name, constant);
            }
            self.scopes.push(scope);
            let results = self.round(node, repeated)?;
            self.scopes.pop();
            carried = results[..count].to_vec();
            steps.push(results[count..].to_vec());
        }
        let mut results = carried;
        for index in 0..repeated.results.len() - count {
            let parts: Vec<ValueId> = steps.iter().map(|step| step[index]).collect();
            results.push(self.stacked(&parts).map_err(|error| error.at(self.file, &node.name, "Loop"))?);
        }
        Ok(results)
    }

    /// Handles the nodes of one round, whose scope is the innermost, and gives its results.
    fn round(&mut self, node: &Node<'a>, repeated: &Repeated<'a>) -> Result<Vec<ValueId>, ImportError> {
        self.body_nodes(repeated.graph)?;
        self.goes_on(node, "Loop", repeated)?;
        let mut results = Vec::with_capacity(repeated.results.len());
        for name in &repeated.results {
            let missing = || NodeError::new("gives what it was not given").at(self.file, &node.name, "Loop");
            results.push(self.value(name)?.ok_or_else(missing)?);
        }
        Ok(results)
    }

    /// Values of one shape along a new first axis.
    fn stacked(&mut self, parts: &[ValueId]) -> NodeResult<ValueId> {
        let mut rows = Vec::with_capacity(parts.len());
        for &part in parts {
            let shape = [&[1], self.context.shape(part)].concat();
            rows.push(self.context.reshape(part, &shape)?);
        }
        self.context.concat(&rows, 0)
    }

    /// The results of a body that is run for every step.
    fn repeat(
        &mut self,
        node: &Node<'a>,
        op: &str,
        repeated: &Repeated<'a>,
    ) -> Result<Vec<ValueId>, ImportError> {
        let Repeated { graph, carried, sequences, .. } = repeated;
        let captured = self.captured(graph)?;
        let (small, tied): (Vec<_>, Vec<_>) = captured.into_iter().partition(|&(_, value)| {
            self.context.graph.constant(value).is_some_and(|tensor| tensor.len() <= INLINE_ELEMENTS)
        });
        let mut scope = Scope { prefix: String::new(), ..Scope::with_stored(&graph.initializer) };
        scope.function.clone_from(&self.scope().function);
        let constants: Vec<(&str, Tensor)> = small
            .into_iter()
            .filter_map(|(name, value)| Some((name, self.context.graph.constant(value)?.clone())))
            .collect();
        let ty = |importer: &Self, value: ValueId| importer.context.graph.ty(value).clone();
        let whole: Vec<_> =
            carried.iter().chain(&tied).map(|&(name, value)| (name, ty(self, value))).collect();
        let parts = sequences.iter().map(|&(name, value)| {
            let TensorType { dtype, shape } = ty(self, value);
            (name, TensorType { dtype, shape: shape[1..].to_vec() })
        });
        let inputs: Vec<(&str, TensorType)> = whole.into_iter().chain(parts).collect();
        let around = self.context.enter(op);
        for (name, ty) in inputs {
            scope.values.insert(name, self.context.graph.add_input(name, ty));
        }
        for (name, tensor) in constants {
            scope.values.insert(name, self.context.graph.add_constant(name, tensor));
        }
        for &name in &repeated.truths {
            scope.values.insert(name, self.context.graph.add_constant(name, Tensor::scalar(true)));
        }
        let scopes = std::mem::replace(&mut self.scopes, vec![scope]);
        let built = self.body(node, op, repeated);
        self.scopes = scopes;
        let body = self.context.leave(around);
        built?;
        let operands = [carried.as_slice(), &tied, sequences].concat();
        let counts = [carried.len(), tied.len()];
        let results = self.recur(&node.name, (body, counts), &operands, repeated.reverse);
        results.map_err(|error| error.at(self.file, &node.name, op))
    }

    /// Handles the nodes of a body, whose scope is the only one, and sets its outputs.
    fn body(&mut self, node: &Node<'a>, op: &str, repeated: &Repeated<'a>) -> Result<(), ImportError> {
        self.body_nodes(repeated.graph)?;
        self.goes_on(node, op, repeated)?;
        let missing = |found: &str| NodeError::new(found.to_owned()).at(self.file, &node.name, op);
        let mut values = Vec::with_capacity(repeated.results.len());
        for name in &repeated.results {
            values.push(self.value(name)?);
        }
        let values: Option<Vec<ValueId>> = values.into_iter().collect();
        self.context.graph.set_outputs(values.ok_or_else(|| missing("gives what it was not given"))?);
        Ok(())
    }

    /// Handles the nodes of a body in the innermost scope.
    fn body_nodes(&mut self, graph: &'a GraphProto) -> Result<(), ImportError> {
        let names = outputs(graph);
        let defined: HashSet<&str> =
            graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
        let outside = |name: &str| !defined.contains(name);
        let order = order(&graph.node, &names, &outside).map_err(|problem| self.check().disorder(problem))?;
        self.check().operators(&graph.node, &order, &self.functions)?;
        self.check().tensors(graph, &graph.node, &order)?;
        self.nodes(&graph.node, &order)
    }

    /// Checks that the condition of the next round holds whatever the data are.
    fn goes_on(&mut self, node: &Node<'a>, op: &str, repeated: &Repeated<'a>) -> Result<(), ImportError> {
        if let Some(condition) = repeated.condition {
            let value = self.value(condition)?.and_then(|value| self.context.known(value));
            if value.and_then(|value| value.to_vec::<bool>().ok()) != Some(vec![true]) {
                return Err(NodeError::new(
                    "may end before its last round, which depends on data; cycles are static here",
                )
                .at(self.file, &node.name, op));
            }
        }
        Ok(())
    }

    /// What a body reads from around it, by name.
    fn captured(&mut self, graph: &'a GraphProto) -> Result<Vec<(&'a str, ValueId)>, ImportError> {
        let mut known: HashSet<&str> = input_names(graph).into_iter().collect();
        known.extend(graph.initializer.iter().filter_map(|tensor| tensor.name.as_deref()));
        known.extend(graph.node.iter().flat_map(|node| &node.output).map(String::as_str));
        let mut names = Vec::new();
        for node in &graph.node {
            node.each_read(&mut |name| {
                if known.insert(name) {
                    names.push(name);
                }
            });
        }
        names.extend(outputs(graph).into_iter().filter(|name| known.insert(name)));
        let mut captured = Vec::with_capacity(names.len());
        for name in names {
            // A name that only an inner graph defines is not around here.
            if crate::scope::meaning(&self.scopes, name).is_some() {
                captured.extend(self.value(name)?.map(|value| (name, value)));
            }
        }
        Ok(captured)
    }

    /// Adds the recurrence; large constants of its body become operands.
    fn recur(
        &mut self,
        name: &str,
        (body, [carried, tied]): (Graph, [usize; 2]),
        operands: &[(&str, ValueId)],
        reverse: bool,
    ) -> NodeResult<Vec<ValueId>> {
        let (body, lifted) = lifted(&body, carried + tied).map_err(failed)?;
        let recur = Recur::new(body, [carried, tied + lifted.len()], reverse).map_err(failed)?;
        let mut values: Vec<ValueId> = operands.iter().map(|&(_, value)| value).collect();
        let sequences = values.split_off(carried + tied);
        self.context.begin(name);
        for tensor in lifted {
            values.push(self.context.constant(tensor)?);
        }
        values.extend(sequences);
        self.context.emit_all(Arc::new(recur), &values)
    }
}

/// The body with an input for every large constant, behind its first `before` inputs, and the constants.
fn lifted(body: &Graph, before: usize) -> Result<(Graph, Vec<Tensor>), ediacara_graph::GraphError> {
    let read = |&value: &ValueId| body.is_output(value) || !body.consumers(value).is_empty();
    let large: Vec<(ValueId, Tensor)> = body
        .values()
        .filter(read)
        .filter_map(|value| Some((value, body.constant(value)?.clone())))
        .filter(|(_, tensor)| tensor.len() > INLINE_ELEMENTS)
        .collect();
    let mut new = Graph::new(body.name.clone());
    let mut map = std::collections::HashMap::new();
    let inputs = body.inputs();
    let tied = large.iter().map(|(value, _)| value);
    for &input in inputs[..before].iter().chain(tied).chain(&inputs[before..]) {
        let value = body.value(input);
        map.insert(input, new.add_input(value.name.clone(), value.ty.clone()));
    }
    for value in body.values().filter(read) {
        if let (Some(tensor), false) = (body.constant(value), map.contains_key(&value)) {
            map.insert(value, new.add_constant(body.value(value).name.clone(), tensor.clone()));
        }
    }
    for id in body.order() {
        let node = body.node(id);
        let inputs: Vec<ValueId> = node.inputs.iter().map(|input| map[input]).collect();
        let copy = new.add_node(node.name.clone(), node.op.clone(), &inputs)?;
        map.extend(node.outputs.iter().copied().zip(new.outputs_of(copy).to_vec()));
    }
    new.set_outputs(body.outputs().iter().map(|output| map[output]).collect());
    Ok((new, large.into_iter().map(|(_, tensor)| tensor).collect()))
}

/// The attributes of a Scan.
struct ScanSettings {
    /// How many values are carried.
    carried: usize,
    /// The axis of the steps of each sequence.
    input_axes: Vec<i64>,
    /// Which sequences are read from their end.
    backwards: Vec<bool>,
    /// The axis of the steps of each result.
    output_axes: Vec<i64>,
    /// Which results are put in front of those of earlier steps.
    prepends: Vec<bool>,
    /// Whether all sequences are read from their end.
    reverse: bool,
}

impl ScanSettings {
    fn read(node: &Node<'_>, graph: &GraphProto, opset: i64) -> NodeResult<ScanSettings> {
        if opset < 9 {
            return Err(NodeError::new(
                "is of an operator set before 9, which had batches; export it with a newer one",
            ));
        }
        let sequences = usize::try_from(node.int_or("num_scan_inputs", 0)?).unwrap_or(0);
        let carried = graph.input.len().checked_sub(sequences).filter(|_| sequences > 0);
        let carried = carried.ok_or_else(|| {
            NodeError::new(format!("has {sequences} sequences for a body of {} inputs", graph.input.len()))
        })?;
        let list = |name: &str, count: usize| -> NodeResult<Vec<i64>> {
            match node.ints(name)? {
                Some(values) if values.len() == count => Ok(values.to_vec()),
                Some(values) => {
                    Err(NodeError::new(format!("has {name} {values:?}, where {count} are needed")))
                }
                None => Ok(vec![0; count]),
            }
        };
        let results = graph.output.len().saturating_sub(carried);
        let flags = |values: Vec<i64>| values.into_iter().map(|value| value != 0).collect::<Vec<bool>>();
        let backwards = flags(list("scan_input_directions", sequences)?);
        Ok(ScanSettings {
            carried,
            input_axes: list("scan_input_axes", sequences)?,
            reverse: backwards.iter().all(|&backwards| backwards),
            backwards,
            output_axes: list("scan_output_axes", results)?,
            prepends: flags(list("scan_output_directions", results)?),
        })
    }
}
