//! The part of a graph that some of its values need, and graphs whose inputs are known.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::{Definition, Graph, ValueId};
use ediacara_tensor::Tensor;

use crate::TrainError;

/// A graph of what `outputs` need and nothing else, and for each of its inputs the input of `graph` that it is.
pub(crate) fn prune(graph: &Graph, outputs: &[ValueId]) -> Result<(Graph, Vec<ValueId>), TrainError> {
    copy(graph, outputs, &HashMap::new())
}

/// The graph with some of its inputs known: constants, under their names.
pub(crate) fn freeze(graph: &Graph, known: &HashMap<ValueId, Tensor>) -> Result<Graph, TrainError> {
    Ok(copy(graph, graph.outputs(), known)?.0)
}

fn copy(
    graph: &Graph,
    outputs: &[ValueId],
    known: &HashMap<ValueId, Tensor>,
) -> Result<(Graph, Vec<ValueId>), TrainError> {
    let mut needed = vec![false; graph.value_count()];
    let mut open: Vec<ValueId> = outputs.to_vec();
    while let Some(value) = open.pop() {
        if std::mem::replace(&mut needed[value.index()], true) {
            continue;
        }
        if let Some(producer) = graph.producer(value) {
            open.extend(&graph.node(producer).inputs);
        }
    }
    let mut pruned = Graph::new(graph.name.clone());
    let mut map: HashMap<ValueId, ValueId> = HashMap::new();
    let mut inputs = Vec::new();
    for &input in graph.inputs().iter().filter(|input| needed[input.index()]) {
        let value = graph.value(input);
        if let Some(tensor) = known.get(&input) {
            map.insert(input, pruned.add_constant(value.name.clone(), tensor.clone()));
            continue;
        }
        map.insert(input, pruned.add_input(value.name.clone(), value.ty.clone()));
        inputs.push(input);
    }
    for value in graph.values().filter(|value| needed[value.index()]) {
        if let Definition::Constant(tensor) = &graph.value(value).definition {
            map.insert(value, pruned.add_constant(graph.value(value).name.clone(), tensor.clone()));
        }
    }
    for id in graph.order() {
        let node = graph.node(id);
        if !node.outputs.iter().any(|output| needed[output.index()]) {
            continue;
        }
        let operands: Vec<ValueId> = node.inputs.iter().filter_map(|input| map.get(input).copied()).collect();
        let new = pruned.add_node(node.name.clone(), Arc::clone(&node.op), &operands)?;
        for (&old, &new) in node.outputs.iter().zip(pruned.outputs_of(new)) {
            map.insert(old, new);
        }
    }
    let found = |output: &ValueId| {
        let unknown = || TrainError::Session(format!("{output} is no value of graph `{}`", graph.name));
        map.get(output).copied().ok_or_else(unknown)
    };
    pruned.set_outputs(outputs.iter().map(found).collect::<Result<_, _>>()?);
    Ok((pruned, inputs))
}
