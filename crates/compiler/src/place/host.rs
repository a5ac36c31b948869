//! The graph that the host runs after the DLP.

use std::collections::HashMap;

use ediacara_graph::{Definition, Graph, GraphError, ValueId};

use crate::place::partition::Partition;

/// The host's part of a network.
#[derive(Debug, Clone)]
pub(crate) struct HostPart {
    /// Its inputs are the DLP's outputs, then the network's inputs that it reads itself.
    pub graph: Graph,
    /// For each output of the DLP (a value of the network), the input of `graph` that takes it.
    pub from_dlp: Vec<ValueId>,
    /// For each further input of `graph`, the network's input.
    pub from_network: Vec<ValueId>,
}

/// Builds the host's part.
///
/// # Errors
/// A node does not take its operands, which cannot happen in a graph that was verified.
pub(crate) fn host_part(graph: &Graph, partition: &Partition) -> Result<HostPart, GraphError> {
    let mut host = Graph::new(format!("{} on the host", graph.name));
    let mut map: HashMap<ValueId, ValueId> = HashMap::new();
    let mut from_dlp = Vec::new();
    for &value in &partition.outputs {
        let input = host.add_input(graph.value(value).name.clone(), graph.ty(value).clone());
        map.insert(value, input);
        from_dlp.push(input);
    }
    // Only what the outputs need: the chains that quantise the DLP's inputs are not part of what follows it.
    let nodes: Vec<_> = partition.host.iter().map(|op| op.node).collect();
    let mut needed: Vec<ValueId> = graph.outputs().to_vec();
    let mut live = std::collections::HashSet::new();
    while let Some(value) = needed.pop() {
        if map.contains_key(&value) {
            continue;
        }
        if let Some(node) = graph.producer(value)
            && live.insert(node)
        {
            needed.extend(&graph.node(node).inputs);
        }
    }
    let read = nodes.iter().filter(|node| live.contains(node)).flat_map(|&node| &graph.node(node).inputs);
    let read: std::collections::HashSet<ValueId> = read.chain(graph.outputs()).copied().collect();
    let mut from_network = Vec::new();
    for &value in graph.inputs().iter().filter(|value| read.contains(value)) {
        map.insert(value, host.add_input(graph.value(value).name.clone(), graph.ty(value).clone()));
        from_network.push(value);
    }
    let bring = |host: &mut Graph, map: &mut HashMap<ValueId, ValueId>, value: ValueId| {
        if let (false, Definition::Constant(tensor)) =
            (map.contains_key(&value), &graph.value(value).definition)
        {
            map.insert(value, host.add_constant(graph.value(value).name.clone(), (**tensor).clone()));
        }
    };
    for id in nodes.into_iter().filter(|node| live.contains(node)) {
        let node = graph.node(id);
        node.inputs.iter().for_each(|&value| bring(&mut host, &mut map, value));
        let inputs: Vec<ValueId> = node.inputs.iter().filter_map(|value| map.get(value).copied()).collect();
        let new = host.add_node(node.name.clone(), node.op.clone(), &inputs)?;
        for (&old, new) in node.outputs.iter().zip(host.outputs_of(new).to_vec()) {
            host.rename_value(new, graph.value(old).name.clone());
            map.insert(old, new);
        }
    }
    graph.outputs().iter().for_each(|&value| bring(&mut host, &mut map, value));
    let named = |value: &ValueId| Some((graph.value(*value).name.clone(), map.get(value).copied()?));
    host.set_named_outputs(&graph.outputs().iter().filter_map(named).collect::<Vec<_>>())?;
    Ok(HostPart { graph: host, from_dlp, from_network })
}
