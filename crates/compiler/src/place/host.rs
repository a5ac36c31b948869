//! The graph that the host runs in a segment.

use std::collections::HashMap;

use ediacara_graph::{Definition, Graph, GraphError, ValueId};

use crate::place::segments::HostPart;

/// Builds the graph of a segment: its inputs and outputs are the part's, under their names.
///
/// # Errors
/// A node does not take its operands, which cannot happen in a graph that was verified.
pub(crate) fn host_graph(graph: &Graph, part: &HostPart) -> Result<Graph, GraphError> {
    let mut host = Graph::new(format!("{} on the host", graph.name));
    let mut map: HashMap<ValueId, ValueId> = HashMap::new();
    for &value in &part.inputs {
        map.insert(value, host.add_input(graph.value(value).name.clone(), graph.ty(value).clone()));
    }
    let bring = |host: &mut Graph, map: &mut HashMap<ValueId, ValueId>, value: ValueId| {
        if let (false, Definition::Constant(tensor)) =
            (map.contains_key(&value), &graph.value(value).definition)
        {
            map.insert(value, host.add_constant(graph.value(value).name.clone(), (**tensor).clone()));
        }
    };
    for &id in &part.nodes {
        let node = graph.node(id);
        node.inputs.iter().for_each(|&value| bring(&mut host, &mut map, value));
        let inputs: Vec<ValueId> = node.inputs.iter().filter_map(|value| map.get(value).copied()).collect();
        let new = host.add_node(node.name.clone(), node.op.clone(), &inputs)?;
        for (&old, new) in node.outputs.iter().zip(host.outputs_of(new).to_vec()) {
            host.rename_value(new, graph.value(old).name.clone());
            map.insert(old, new);
        }
    }
    part.outputs.iter().for_each(|&value| bring(&mut host, &mut map, value));
    let named = |value: &ValueId| Some((graph.value(*value).name.clone(), map.get(value).copied()?));
    host.set_named_outputs(&part.outputs.iter().filter_map(named).collect::<Vec<_>>())?;
    Ok(host)
}
