//! In which order DLP and host take turns.
//!
//! A segment is what runs in one place without a pause. A node belongs to the first segment of its place that
//! no operand comes after: the position of a node is the largest of its operands' positions, one more where
//! the place differs. The host has even positions, the DLP odd ones.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::Port;

use crate::place::bindings;
use crate::place::borders::stored;
use crate::place::partition::{Fed, HostOp, Places};

/// What runs where, in order.
#[derive(Debug, Default)]
pub(crate) struct Division {
    /// The segments.
    pub parts: Vec<Part>,
    /// Every node that the DLP does not run, in the graph's order, with the reason.
    pub host: Vec<HostOp>,
}

/// A segment.
#[derive(Debug)]
pub(crate) enum Part {
    /// The DLP's.
    Dlp(DlpPart),
    /// The host's.
    Host(HostPart),
}

impl Part {
    /// The nodes that the DLP runs.
    pub(crate) fn dlp(&self) -> &[NodeId] {
        match self {
            Part::Dlp(part) => &part.dlp,
            Part::Host(_) => &[],
        }
    }
}

/// A segment of the DLP.
#[derive(Debug, Default)]
pub(crate) struct DlpPart {
    /// Its nodes, in topological order.
    pub dlp: Vec<NodeId>,
    /// What is brought into DRAM for it, in order of first use.
    pub fed: Vec<(ValueId, Fed)>,
    /// Values of its nodes that somebody else wants, in order.
    pub outputs: Vec<ValueId>,
    /// Those of them that other segments read.
    pub read: Vec<ValueId>,
    /// Outputs of the network that a port makes of one of `outputs`: the output, the value, and the port.
    pub decoded: Vec<(ValueId, ValueId, Port)>,
}

impl DlpPart {
    /// What ports bring in: of several values that are one input as it is, under several shapes, the first.
    pub(crate) fn brought(&self) -> impl Iterator<Item = &(ValueId, Fed)> {
        let is_first = |index: usize| {
            let fed = &self.fed[index].1;
            !fed.is_as_given() || !self.fed[..index].iter().any(|(_, other)| other == fed)
        };
        self.fed.iter().enumerate().filter(move |(index, _)| is_first(*index)).map(|(_, entry)| entry)
    }
}

/// A segment of the host.
#[derive(Debug, Default)]
pub(crate) struct HostPart {
    /// Its nodes, in topological order.
    pub nodes: Vec<NodeId>,
    /// Values from elsewhere that it reads, in order of first use.
    pub inputs: Vec<ValueId>,
    /// Values of its own that others read, in order.
    pub outputs: Vec<ValueId>,
}

/// Divides a graph into segments.
pub(crate) fn divide(graph: &Graph, places: &Places) -> Division {
    let order = graph.order();
    let is_stored = |value: ValueId| graph.producer(value).is_some_and(|node| places.dlp.contains(&node));
    let decode = |&output: &ValueId| Some((output, stored(graph, is_stored, output)?));
    let decoded: HashMap<ValueId, (ValueId, Port)> = graph.outputs().iter().filter_map(decode).collect();
    let (wanted, kept) =
        (wanted(graph, places, &decoded), decoded.values().map(|(stored, _)| *stored).collect());
    let divider = Divider { graph, places, wanted, decoded, kept };
    let positions = divider.positions(&order);
    let mut turns: BTreeMap<u32, Vec<NodeId>> = BTreeMap::new();
    for &node in &order {
        if let Some(&position) = positions.get(&node) {
            turns.entry(position).or_default().push(node);
        }
    }
    let part = |(position, nodes)| match position % 2 {
        DLP => Part::Dlp(divider.dlp_part(nodes, &positions)),
        _ => Part::Host(divider.host_part(nodes, &positions)),
    };
    let mut parts: Vec<Part> = turns.into_iter().map(part).collect();
    let constants = divider.constant_outputs();
    match parts.last_mut() {
        _ if constants.is_empty() => {}
        Some(Part::Host(last)) => last.outputs.extend(constants),
        _ => parts.push(Part::Host(HostPart { outputs: constants, ..HostPart::default() })),
    }
    Division { parts, host: divider.host_ops(&order) }
}

/// Positions of the DLP are odd.
const DLP: u32 = 1;

/// Nodes that the host must run: what the network's outputs and the DLP's nodes are computed from, but for
/// what ports do.
fn wanted(graph: &Graph, places: &Places, decoded: &HashMap<ValueId, (ValueId, Port)>) -> HashSet<NodeId> {
    let operands = |node: NodeId| match places.dlp.contains(&node) {
        true => bindings::operands(graph, node).iter().copied(),
        false => graph.node(node).inputs.iter().copied(),
    };
    let made_by_port = |value: &ValueId| places.fed.contains_key(value);
    let dlp = graph.order().into_iter().filter(|node| places.dlp.contains(node)).flat_map(operands);
    let outputs = graph.outputs().iter().copied().filter(|output| !decoded.contains_key(output));
    let mut open: Vec<ValueId> = dlp.filter(|value| !made_by_port(value)).chain(outputs).collect();
    let mut found = HashSet::new();
    while let Some(value) = open.pop() {
        if let Some(node) = graph.producer(value)
            && !places.dlp.contains(&node)
            && found.insert(node)
        {
            open.extend(operands(node));
        }
    }
    found
}

struct Divider<'a> {
    graph: &'a Graph,
    places: &'a Places,
    /// The host's nodes that must run.
    wanted: HashSet<NodeId>,
    /// Outputs of the network that a port makes: of which value, and the port.
    decoded: HashMap<ValueId, (ValueId, Port)>,
    /// The values that those are made of.
    kept: HashSet<ValueId>,
}

impl Divider<'_> {
    fn is_dlp(&self, node: NodeId) -> bool {
        self.places.dlp.contains(&node)
    }

    /// The node that an operand of `reader` comes from, if a segment computes it.
    fn source(&self, reader: NodeId, value: ValueId) -> Option<NodeId> {
        let producer = self.graph.producer(value)?;
        let at_border = self.is_dlp(reader) && self.places.fed.contains_key(&value);
        (!at_border && (self.is_dlp(producer) || self.wanted.contains(&producer))).then_some(producer)
    }

    fn positions(&self, order: &[NodeId]) -> HashMap<NodeId, u32> {
        let mut positions: HashMap<NodeId, u32> = HashMap::new();
        for &id in order.iter().filter(|id| self.is_dlp(**id) || self.wanted.contains(id)) {
            let own = u32::from(self.is_dlp(id));
            let operands = self.graph.node(id).inputs.iter().filter_map(|&value| self.source(id, value));
            let after =
                operands.filter_map(|node| positions.get(&node)).map(|&at| at + u32::from(at % 2 != own));
            let position = after.max().unwrap_or(0).max(own);
            positions.insert(id, position);
        }
        self.postpone(order, &mut positions);
        positions
    }

    /// Lets the host do things later where it has a later turn anyway, so that fewer turns are left.
    fn postpone(&self, order: &[NodeId], positions: &mut HashMap<NodeId, u32>) {
        let used: BTreeSet<u32> = positions.values().copied().collect();
        for &id in order.iter().rev().filter(|id| self.wanted.contains(id)) {
            let readers = self.graph.node(id).outputs.iter().flat_map(|&value| {
                let readers = self.graph.consumers(value).into_iter();
                readers.filter(move |&reader| self.source(reader, value).is_some())
            });
            let at = |reader: NodeId| Some(positions.get(&reader)? - u32::from(self.is_dlp(reader)));
            let (own, latest) = (positions.get(&id).copied(), readers.filter_map(at).min());
            let latest = latest.or_else(|| used.iter().copied().filter(|at| at % 2 != DLP).max());
            let last = |latest: u32| used.range(..=latest).copied().rfind(|at| at % 2 != DLP);
            positions.extend(own.zip(latest.and_then(last)).map(|(own, last)| (id, own.max(last))));
        }
    }

    /// Whether a segment other than that at `position` reads a value.
    fn is_read_elsewhere(&self, value: ValueId, position: u32, positions: &HashMap<NodeId, u32>) -> bool {
        self.graph.consumers(value).into_iter().any(|reader| {
            self.source(reader, value).is_some() && positions.get(&reader).is_some_and(|&at| at != position)
        })
    }

    fn dlp_part(&self, dlp: Vec<NodeId>, positions: &HashMap<NodeId, u32>) -> DlpPart {
        let mut part = DlpPart::default();
        let mut known: HashSet<ValueId> = HashSet::new();
        let position = dlp.first().and_then(|node| positions.get(node)).copied().unwrap_or(DLP);
        for &id in &dlp {
            let node = self.graph.node(id);
            for &value in bindings::operands(self.graph, id) {
                let here = self.graph.producer(value).and_then(|node| positions.get(&node))
                    == Some(&position)
                    && !self.places.fed.contains_key(&value);
                if self.graph.constant(value).is_none() && !here && known.insert(value) {
                    let fed = self.places.fed.get(&value).cloned();
                    part.fed.push((value, fed.unwrap_or_else(|| Fed::plain(self.graph, value))));
                }
            }
            for &value in &node.outputs {
                let read = self.is_read_elsewhere(value, position, positions);
                if read {
                    part.read.push(value);
                }
                if read || self.kept.contains(&value) {
                    part.outputs.push(value);
                }
            }
        }
        for output in self.graph.outputs() {
            if let Some((stored, port)) = self.decoded.get(output)
                && part.outputs.contains(stored)
                && part.decoded.iter().all(|(other, ..)| other != output)
            {
                part.decoded.push((*output, *stored, port.clone()));
            }
        }
        part.dlp = dlp;
        part
    }

    fn host_part(&self, nodes: Vec<NodeId>, positions: &HashMap<NodeId, u32>) -> HostPart {
        let mut part = HostPart::default();
        let mut known: HashSet<ValueId> = HashSet::new();
        let position = nodes.first().and_then(|node| positions.get(node)).copied().unwrap_or(0);
        for &id in &nodes {
            let node = self.graph.node(id);
            for &value in &node.inputs {
                let here =
                    self.graph.producer(value).and_then(|node| positions.get(&node)) == Some(&position);
                if self.graph.constant(value).is_none() && !here && known.insert(value) {
                    part.inputs.push(value);
                }
            }
            // What a port makes of an output serves other segments as well.
            let wanted = |value: &ValueId| {
                let read = || self.is_read_elsewhere(*value, position, positions);
                !self.decoded.contains_key(value) && (self.graph.is_output(*value) || read())
            };
            part.outputs.extend(node.outputs.iter().copied().filter(wanted));
        }
        part.nodes = nodes;
        part
    }

    /// Outputs of the network that are constants: the host hands them out.
    fn constant_outputs(&self) -> Vec<ValueId> {
        let is_constant = |output: &ValueId| self.graph.constant(*output).is_some();
        self.graph.outputs().iter().copied().filter(is_constant).collect()
    }

    /// Every node that the DLP does not run, with the reason.
    fn host_ops(&self, order: &[NodeId]) -> Vec<HostOp> {
        let mut decoding: HashSet<NodeId> = HashSet::new();
        for (output, (stored, _)) in &self.decoded {
            let mut value = *output;
            while value != *stored
                && let Some(node) = self.graph.producer(value)
            {
                decoding.insert(node);
                value = self.graph.node(node).inputs[0];
            }
        }
        let op = |&id: &NodeId| {
            let node = self.graph.node(id);
            let quantises = node.outputs.iter().any(|value| self.places.fed.contains_key(value));
            let runs = self.wanted.contains(&id) || decoding.contains(&id) || quantises;
            let reason = self.places.reasons.get(&id).cloned().unwrap_or_default();
            let (name, op) = (node.name.clone(), node.op.name().to_owned());
            (!self.is_dlp(id) && runs).then_some(HostOp { node: id, name, op, reason })
        };
        order.iter().filter_map(op).collect()
    }
}
