//! The order in which the nodes of a graph, a branch or a function are handled: those that its outputs need, every value
//! before its readers. What no output needs is left out before anything about it is looked at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::model::{listed, node_name};
use crate::proto::NodeProto;

/// What is wrong with some nodes, and what to do about it.
#[derive(Debug)]
pub(crate) struct Disorder {
    pub(crate) found: String,
    pub(crate) remedy: &'static str,
}

/// The nodes that `outputs` depend on, by index; among those that are ready, the first of the file comes first. `given`
/// says which names come from outside.
pub(crate) fn order(
    nodes: &[NodeProto],
    outputs: &[&str],
    given: &dyn Fn(&str) -> bool,
) -> Result<Vec<usize>, Disorder> {
    let producers = producers(nodes, given)?;
    for name in outputs {
        if !given(name) && !producers.contains_key(name) {
            return Err(Disorder {
                found: format!("its output '{name}' is produced by no node"),
                remedy: "remove it from graph.output, or export the model again",
            });
        }
    }
    let live = live(nodes, outputs, &producers);
    let mut waits = vec![0usize; nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate().filter(|&(index, _)| live[index]) {
        let unknown = |name: &&String| {
            !name.is_empty() && !producers.contains_key(name.as_str()) && !given(name.as_str())
        };
        if let Some(name) = node.input.iter().find(unknown) {
            return Err(Disorder {
                found: format!("node '{}' reads the value '{name}', which nothing produces", node_name(node)),
                remedy: "the file is damaged or cut out of a larger model; export it again",
            });
        }
        each_read(node, &mut |name| {
            if let Some(&source) = producers.get(name) {
                waits[index] += 1;
                readers[source].push(index);
            }
        });
    }
    let ready = (0..nodes.len()).filter(|&index| live[index] && waits[index] == 0);
    let mut ready: BinaryHeap<_> = ready.map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    let stuck = nodes.iter().zip(&waits).filter(|&(_, &count)| count > 0).map(|(node, _)| node_name(node));
    match waits.iter().any(|&count| count > 0) {
        true => Err(Disorder {
            found: format!("its nodes form a cycle; at or behind it are {}", listed(stuck)),
            remedy: "a network has to be free of cycles; unroll the loop and export it again",
        }),
        false => Ok(order),
    }
}

/// The node that defines each value.
fn producers<'a>(
    nodes: &'a [NodeProto],
    given: &dyn Fn(&str) -> bool,
) -> Result<HashMap<&'a str, usize>, Disorder> {
    let mut producers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if given(name) || producers.insert(name.as_str(), index).is_some() {
                return Err(Disorder {
                    found: format!("node '{}' defines the value '{name}' a second time", node_name(node)),
                    remedy: "every value needs its own name; export the model again",
                });
            }
        }
    }
    Ok(producers)
}

/// Which nodes the outputs depend on.
fn live(nodes: &[NodeProto], outputs: &[&str], producers: &HashMap<&str, usize>) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    let mut open: Vec<usize> = outputs.iter().filter_map(|name| producers.get(name).copied()).collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut live[index], true) {
            each_read(&nodes[index], &mut |name| open.extend(producers.get(name)));
        }
    }
    live
}

/// Calls `visit` with every name that a node reads: its operands, and all that is read in its branches. Names that a
/// branch defines itself are among them.
fn each_read<'a>(node: &'a NodeProto, visit: &mut dyn FnMut(&'a str)) {
    node.input.iter().filter(|name| !name.is_empty()).for_each(|name| visit(name));
    for graph in node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
        graph.node.iter().for_each(|node| each_read(node, visit));
        graph.output.iter().filter_map(|output| output.name.as_deref()).for_each(&mut *visit);
    }
}

/// Every name that the nodes in `order` read.
pub(crate) fn read_names<'a>(nodes: &'a [NodeProto], order: &[usize]) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    for &index in order {
        each_read(&nodes[index], &mut |name| {
            names.insert(name);
        });
    }
    names
}

/// A set of names as what [`order`] asks.
pub(crate) fn among<'a>(names: &'a HashSet<&str>) -> impl Fn(&str) -> bool + 'a {
    |name| names.contains(name)
}
