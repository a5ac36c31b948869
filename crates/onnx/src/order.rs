//! The order in which the nodes of a graph, a branch or a function are handled.
//!
//! It has those that the outputs need, every value before its readers. A node that no output needs is left
//! out before anything about it is looked at.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::error::listed;
use crate::head::Head;

/// What is wrong with some nodes, and what to do about it.
#[derive(Debug)]
pub(crate) struct Disorder {
    pub(crate) found: String,
    pub(crate) remedy: &'static str,
}

/// The nodes that `outputs` depend on, by index; of those that are ready, the one that is first in the file
/// comes first.
///
/// `given` says which names come from outside.
pub(crate) fn order(
    nodes: &[impl Head],
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
        let unknown = |name: &&str| !name.is_empty() && !producers.contains_key(*name) && !given(name);
        if let Some(name) = node.inputs().find(unknown) {
            return Err(Disorder {
                found: format!("node '{}' reads the value '{name}', which nothing produces", node.label()),
                remedy: "the file is damaged or cut out of a larger model; export it again",
            });
        }
        node.each_read(&mut |name| {
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
    let stuck = nodes.iter().zip(&waits).filter(|&(_, &count)| count > 0).map(|(node, _)| node.label());
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
    nodes: &'a [impl Head],
    given: &dyn Fn(&str) -> bool,
) -> Result<HashMap<&'a str, usize>, Disorder> {
    let mut producers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.outputs().filter(|name| !name.is_empty()) {
            if given(name) || producers.insert(name, index).is_some() {
                return Err(Disorder {
                    found: format!("node '{}' defines the value '{name}' a second time", node.label()),
                    remedy: "every value needs its own name; export the model again",
                });
            }
        }
    }
    Ok(producers)
}

/// Which nodes the outputs depend on.
fn live(nodes: &[impl Head], outputs: &[&str], producers: &HashMap<&str, usize>) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    let mut open: Vec<usize> = outputs.iter().filter_map(|name| producers.get(name).copied()).collect();
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut live[index], true) {
            nodes[index].each_read(&mut |name| open.extend(producers.get(name)));
        }
    }
    live
}

/// Every name that the nodes in `order` read.
pub(crate) fn read_names<'a>(nodes: &'a [impl Head], order: &[usize]) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    for &index in order {
        nodes[index].each_read(&mut |name| {
            names.insert(name);
        });
    }
    names
}

/// Turns a set of names into the `given` of [`order`].
pub(crate) fn among<'a>(names: &'a HashSet<&str>) -> impl Fn(&str) -> bool + 'a {
    |name| names.contains(name)
}
