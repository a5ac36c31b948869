//! The part of a graph that some of its values need, and graphs whose inputs are known.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::{Definition, Graph, TensorType, Value, ValueId};
use ediacara_tensor::Tensor;

use crate::TrainError;

/// A graph of what `outputs` need and nothing else, and for each of its inputs the input of `graph` that it
/// stands for.
pub(crate) fn prune(graph: &Graph, outputs: &[ValueId]) -> Result<(Graph, Vec<ValueId>), TrainError> {
    copy(graph, outputs, &HashMap::new())
}

/// Makes a network that was built to be trained into one to be used.
///
/// It has what `outputs` need of the graph and nothing else; inputs with a tensor become constants under
/// their names.
///
/// Such a network can be exported, quantised and compiled for the DLP, where weights are part of the program.
/// [`Session::freeze`](crate::Session::freeze) takes the tensors of its variables.
///
/// # Errors
/// A value is of another graph. A value that is given a tensor is no input, or has another type. The outputs
/// need a variable that is given none.
pub fn freeze(
    graph: &Graph,
    outputs: &[ValueId],
    tensors: impl IntoIterator<Item = (ValueId, Tensor)>,
) -> Result<Graph, TrainError> {
    let mut known = HashMap::new();
    for (value, tensor) in tensors {
        check_input(graph, value, &tensor)?;
        known.insert(value, tensor);
    }
    let (frozen, _) = copy(graph, outputs, &known)?;
    let free: Vec<String> = frozen
        .inputs()
        .iter()
        .filter(|&&input| frozen.is_variable(input))
        .map(|&input| format!("`{}`", frozen.value(input).name))
        .collect();
    if free.is_empty() {
        return Ok(frozen);
    }
    let free = free.join(", ");
    Err(TrainError::Session(format!("graph `{}` cannot be frozen without tensors of {free}", graph.name)))
}

/// Refuses a tensor for a value that is no input of the graph, or has another type.
pub(crate) fn check_input(graph: &Graph, value: ValueId, tensor: &Tensor) -> Result<(), TrainError> {
    graph.check_value(value)?;
    let Value { name, ty, definition } = graph.value(value);
    let problem = match definition {
        Definition::Constant(_) => format!("`{name}` is given a tensor, but is no input: it is a constant"),
        Definition::Node { node, .. } => {
            let op = graph.node(*node).op.name();
            format!("`{name}` is given a tensor, but is no input: it is computed by {op}")
        }
        Definition::Input if TensorType::of(tensor) != *ty => {
            format!("input `{name}` is {ty}, but is given {}", TensorType::of(tensor))
        }
        Definition::Input => return Ok(()),
    };
    Err(TrainError::Session(problem))
}

fn copy(
    graph: &Graph,
    outputs: &[ValueId],
    known: &HashMap<ValueId, Tensor>,
) -> Result<(Graph, Vec<ValueId>), TrainError> {
    outputs.iter().try_for_each(|&output| graph.check_value(output))?;
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
        let add = if graph.is_variable(input) { Graph::add_variable } else { Graph::add_input };
        map.insert(input, add(&mut pruned, value.name.clone(), value.ty.clone()));
        inputs.push(input);
    }
    for value in graph.values().filter(|value| needed[value.index()]) {
        if let Definition::Constant(tensor) = &graph.value(value).definition {
            map.insert(value, pruned.add_constant(graph.value(value).name.clone(), Tensor::clone(tensor)));
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
