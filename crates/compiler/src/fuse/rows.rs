//! Which nodes of the float dialect run as one layer, a block of rows at a time, so that what passes between them stays on
//! chip.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use ediacara_graph::ops::FRow;
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::place::partition::goes_by_rows;
use crate::place::segments::DlpPart;

/// Nodes of the float dialect that one layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The nodes, in order. The layer stands where the first does.
    pub nodes: Vec<NodeId>,
    /// Extents of the rows, the row itself last.
    pub shape: Vec<usize>,
}

/// Puts the nodes of the float dialect into chains; with `alone`, each into its own. `nram` is the bytes of NRAM.
///
/// A node joins a chain of its rows that it follows directly, in the order that [`gathered`] gives, if a row of all that the
/// chain goes over fits NRAM. So nothing that the chain waits for waits for the chain.
pub(crate) fn fuse_rows(graph: &Graph, part: &DlpPart, nram: u64, alone: bool) -> Vec<Chain> {
    Chains::of(graph, part, nram, |chains, id, index| {
        let last = chains.all[index].nodes.last().map(|last| chains.position[last] + 1);
        !alone && last == Some(chains.position[&id])
    })
}

/// The nodes of a segment in an order in which those that may be a chain follow one another; nothing if no node goes by rows.
///
/// A node may join a chain of its rows if nothing else that it reads waits for the chain.
pub(crate) fn gathered(graph: &Graph, part: &DlpPart, nram: u64) -> Option<Vec<NodeId>> {
    let chains = Chains::of(graph, part, nram, |chains, id, index| !chains.waits_for(id, index));
    if chains.is_empty() {
        return None;
    }
    // A unit is a chain or a node of its own; its number is the place of its first node.
    let position: HashMap<NodeId, usize> =
        part.dlp.iter().enumerate().map(|(index, &id)| (id, index)).collect();
    let mut unit: Vec<usize> = (0..part.dlp.len()).collect();
    let mut nodes: Vec<Vec<NodeId>> = part.dlp.iter().map(|&id| vec![id]).collect();
    for chain in chains {
        let first = position[&chain.nodes[0]];
        for id in &chain.nodes {
            unit[position[id]] = first;
            nodes[position[id]].clear();
        }
        nodes[first] = chain.nodes;
    }
    let mut waits: Vec<usize> = vec![0; unit.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); unit.len()];
    for (index, &id) in part.dlp.iter().enumerate() {
        let makers = graph.node(id).inputs.iter().filter_map(|&value| graph.producer(value));
        for maker in makers.filter_map(|maker| position.get(&maker)).map(|&maker| unit[maker]) {
            if maker != unit[index] {
                followers[maker].push(unit[index]);
                waits[unit[index]] += 1;
            }
        }
    }
    let mut order = Vec::with_capacity(part.dlp.len());
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..unit.len()).filter(|&own| unit[own] == own && waits[own] == 0).map(Reverse).collect();
    while let Some(Reverse(next)) = ready.pop() {
        order.append(&mut nodes[next]);
        for &follower in &followers[next] {
            waits[follower] -= 1;
            if waits[follower] == 0 {
                ready.push(Reverse(follower));
            }
        }
    }
    Some(order)
}

/// Chains while they grow.
struct Chains<'a> {
    graph: &'a Graph,
    nram: u64,
    of: HashMap<NodeId, usize>,
    all: Vec<Chain>,
    position: HashMap<NodeId, usize>,
}

impl<'a> Chains<'a> {
    /// The chains of a segment, where `joins` says whether a node that fits a chain joins it.
    fn of(
        graph: &'a Graph,
        part: &DlpPart,
        nram: u64,
        joins: impl Fn(&Chains<'a>, NodeId, usize) -> bool,
    ) -> Vec<Chain> {
        let position = part.dlp.iter().enumerate().map(|(index, &id)| (id, index)).collect();
        let mut chains = Chains { graph, nram, of: HashMap::new(), all: Vec::new(), position };
        for &id in part.dlp.iter().filter(|&&id| goes_by_rows(graph, id)) {
            let makers = graph.node(id).inputs.iter().filter_map(|&value| graph.producer(value));
            let mut before: Vec<usize> = makers.filter_map(|maker| chains.of.get(&maker).copied()).collect();
            before.sort_unstable_by_key(|&chain| Reverse(chain));
            let takes = |index: usize| {
                let chain = &chains.all[index];
                fits(graph, id, chain) && chains.has_room(id, chain) && joins(&chains, id, index)
            };
            let found = before.into_iter().find(|&index| takes(index));
            chains.add(id, found);
        }
        chains.all
    }

    fn add(&mut self, id: NodeId, chain: Option<usize>) {
        let index = chain.unwrap_or_else(|| {
            let shape = self.graph.ty(self.graph.node(id).inputs[0]).shape.clone();
            self.all.push(Chain { nodes: Vec::new(), shape });
            self.all.len() - 1
        });
        self.all[index].nodes.push(id);
        self.of.insert(id, index);
    }

    /// Whether a row of everything that the chain goes over fits NRAM, twice for what is loaded or stored while another is
    /// computed. Rows that are not reduced may be cut.
    fn has_room(&self, id: NodeId, chain: &Chain) -> bool {
        let graph = self.graph;
        let own: HashSet<NodeId> = chain.nodes.iter().copied().chain([id]).collect();
        let nodes = || own.iter().map(|&id| graph.node(id));
        let keeps_rows = nodes().any(|node| node.op_as::<FRow>().is_none_or(|op| op.operation.reduces()));
        let rows: usize = chain.shape.iter().rev().skip(1).product();
        let is_inner = |value: ValueId| {
            let made_here = graph.producer(value).is_some_and(|maker| own.contains(&maker));
            made_here
                && !graph.is_output(value)
                && graph.consumers(value).iter().all(|reader| own.contains(reader))
        };
        let bytes = |value: ValueId| {
            let ty = graph.ty(value);
            let row = (ty.shape.last().copied().unwrap_or(1) * ty.dtype.size_bytes()) as u64;
            if is_inner(value) || rows == 1 { row } else { 2 * row }
        };
        let values: HashSet<ValueId> =
            nodes().flat_map(|node| node.inputs.iter().chain(&node.outputs)).copied().collect();
        !keeps_rows || values.into_iter().map(bytes).sum::<u64>() <= self.nram
    }

    /// Whether something that a node reads, other than results of the chain, needs the chain to be done before.
    fn waits_for(&self, id: NodeId, index: usize) -> bool {
        let start = self.position[&self.all[index].nodes[0]];
        let mut seen: HashSet<NodeId> = HashSet::new();
        let mut open: Vec<NodeId> = vec![id];
        while let Some(next) = open.pop() {
            let makers = self.graph.node(next).inputs.iter().filter_map(|&value| self.graph.producer(value));
            for maker in makers {
                let Some(&position) = self.position.get(&maker) else { continue };
                let chain = self.of.get(&maker).copied();
                if chain == Some(index) {
                    if next != id {
                        return true;
                    }
                    continue;
                }
                // All of a chain runs at once.
                let together = chain.map_or(&[][..], |chain| &self.all[chain].nodes);
                let last = together.last().map_or(position, |last| self.position[last]);
                if last < start || !seen.insert(maker) {
                    continue;
                }
                open.push(maker);
                open.extend(together.iter().copied().filter(|node| seen.insert(*node)));
            }
        }
        false
    }
}

/// Whether a node goes over the rows of a chain: its first operand has their shape, or one number for each of them that the
/// chain itself makes.
fn fits(graph: &Graph, id: NodeId, chain: &Chain) -> bool {
    let node = graph.node(id);
    let shape = |value: ValueId| &graph.ty(value).shape;
    if *shape(node.inputs[0]) == chain.shape {
        return true;
    }
    let own: HashSet<NodeId> = chain.nodes.iter().copied().collect();
    let (_, rows) = chain.shape.split_last().unwrap_or((&0, &[]));
    let per_row = |value: &ValueId| {
        let shape = shape(*value);
        let made = graph.producer(*value).is_some_and(|producer| own.contains(&producer));
        made && shape.split_last() == Some((&1, rows))
    };
    let reduces = node.op_as::<FRow>().is_none_or(|op| op.operation.reduces());
    !reduces && node.inputs.iter().all(per_row)
}
