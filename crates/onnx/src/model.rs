//! A decoded file as a well-formed model: version, names, stored tensors and the order of the nodes are checked here,
//! so that the importer can rely on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message as _;
use prost::bytes::Bytes;

use crate::error::{ImportError, UnsupportedOp};
use crate::proto::{GraphProto, ModelProto, NodeProto};
use crate::{ops, scan, tensor};

/// The operator set versions of the default domain that can be imported.
pub(crate) const OPSETS: std::ops::RangeInclusive<i64> = 6..=27;

/// How many names an error lists before it says "and N more".
const LISTED: usize = 8;

/// A checked model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) proto: ModelProto,
    pub(crate) graph: GraphProto,
    pub(crate) opset: i64,
    /// The nodes that the outputs depend on, by index, in an order where every value is produced before it is read.
    pub(crate) order: Vec<usize>,
}

impl Model {
    /// Decodes and checks. `file` is for messages; `limit` is the most bytes that one tensor may take.
    pub(crate) fn decode(file: &str, bytes: Bytes, limit: usize) -> Result<Model, ImportError> {
        let broken = |found| ImportError::Decode { file: file.to_owned(), found };
        scan::check(&bytes).map_err(broken)?;
        let mut proto = ModelProto::decode(bytes).map_err(|error| broken(error.to_string()))?;
        let check = Check { file, limit };
        let Some(graph) = proto.graph.take() else {
            return Err(check.error("it holds no graph", "it may be another kind of file, or an empty model"));
        };
        check.operators(&graph)?;
        let opset = check.opset(&proto)?;
        check.tensors(&graph)?;
        let order = check.names(&graph)?;
        Ok(Model { proto, graph, opset, order })
    }
}

/// A node's name for messages: its own, or that of its first output.
pub(crate) fn node_name(node: &NodeProto) -> &str {
    match node.name.as_deref() {
        Some(name) if !name.is_empty() => name,
        _ => node.output.iter().find(|name| !name.is_empty()).map_or("(unnamed)", String::as_str),
    }
}

/// `names` joined, cut after [`LISTED`].
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(LISTED).collect();
    let more = names.count();
    match (shown.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

struct Check<'a> {
    file: &'a str,
    limit: usize,
}

impl Check<'_> {
    fn error(&self, found: impl Into<String>, remedy: impl Into<String>) -> ImportError {
        ImportError::Model { file: self.file.to_owned(), found: found.into(), remedy: remedy.into() }
    }

    fn opset(&self, proto: &ModelProto) -> Result<i64, ImportError> {
        let default = |domain: &str| domain.is_empty() || domain == "ai.onnx";
        let found = proto.opset_import.iter().find(|set| default(set.domain.as_deref().unwrap_or("")));
        let Some(version) = found.and_then(|set| set.version) else {
            return Err(self.error(
                "it does not say which operator set version its nodes follow",
                "export it with an opset_import of the default domain",
            ));
        };
        if !OPSETS.contains(&version) {
            let (oldest, newest) = (OPSETS.start(), OPSETS.end());
            return Err(self.error(
                format!("its operator set version is {version}, supported are {oldest} to {newest}"),
                "convert it with onnx.version_converter or export it with another opset",
            ));
        }
        Ok(version)
    }

    fn operators(&self, graph: &GraphProto) -> Result<(), ImportError> {
        let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in &graph.node {
            let (domain, op) = (node.domain.as_deref().unwrap_or(""), node.op_type.as_deref().unwrap_or(""));
            if ops::find(domain, op).is_none() {
                let name = match domain {
                    "" | "ai.onnx" => op.to_owned(),
                    _ => format!("{domain}.{op}"),
                };
                missing.entry(name).or_default().push(node_name(node).to_owned());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let ops = missing.into_iter().map(|(op, nodes)| UnsupportedOp { op, nodes }).collect();
        Err(ImportError::UnsupportedOps { file: self.file.to_owned(), ops })
    }

    fn tensors(&self, graph: &GraphProto) -> Result<(), ImportError> {
        if let Some(sparse) = graph.sparse_initializer.first() {
            let name = sparse.values.as_ref().and_then(|values| values.name.as_deref()).unwrap_or("");
            return Err(self.error(
                format!("its initialiser '{name}' is a sparse tensor"),
                "store it as an ordinary tensor: sparse ones are not supported",
            ));
        }
        for proto in &graph.initializer {
            tensor::header(proto, self.limit).map_err(|found| ImportError::Tensor {
                file: self.file.to_owned(),
                tensor: proto.name.clone().unwrap_or_default(),
                found,
            })?;
        }
        Ok(())
    }

    /// Checks that names are unique and that every value read exists; returns the order of the nodes.
    fn names(&self, graph: &GraphProto) -> Result<Vec<usize>, ImportError> {
        let mut given: HashSet<&str> = HashSet::new();
        for (kind, name) in inputs_and_initialisers(graph) {
            // An initialiser may bear the name of an input (its default value, as all had to before IR version 4).
            if name.is_empty() {
                return Err(self.error(format!("one {kind} has no name"), "export the model again"));
            }
            given.insert(name);
        }
        self.unique(graph)?;
        let mut producer: HashMap<&str, usize> = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                if given.contains(name.as_str()) || producer.insert(name, index).is_some() {
                    return Err(self.error(
                        format!("node '{}' defines the value '{name}' a second time", node_name(node)),
                        "every value needs its own name; export the model again",
                    ));
                }
            }
        }
        let mut order = self.sort(graph, &given, &producer)?;
        let live = live_nodes(graph, &order, &producer);
        order.retain(|&index| live[index]);
        if graph.output.is_empty() {
            return Err(self.error("its graph has no outputs", "add the values of interest to graph.output"));
        }
        for output in &graph.output {
            let name = output.name.as_deref().unwrap_or("");
            if !given.contains(name) && !producer.contains_key(name) {
                return Err(self.error(
                    format!("its output '{name}' is produced by no node"),
                    "remove it from graph.output, or export the model again",
                ));
            }
        }
        Ok(order)
    }

    fn unique(&self, graph: &GraphProto) -> Result<(), ImportError> {
        let inputs = graph.input.iter().map(|value| ("input", value.name.as_deref().unwrap_or("")));
        let stored =
            graph.initializer.iter().map(|tensor| ("initialiser", tensor.name.as_deref().unwrap_or("")));
        let outputs = graph.output.iter().map(|value| ("output", value.name.as_deref().unwrap_or("")));
        let mut seen = HashSet::new();
        for (kind, name) in inputs.chain(stored).chain(outputs) {
            if !seen.insert((kind, name)) {
                return Err(self.error(
                    format!("two of its {kind}s have the name '{name}'"),
                    "every value needs its own name; export the model again",
                ));
            }
        }
        Ok(())
    }

    /// Kahn's algorithm; among the nodes that are ready, the first of the file comes first.
    fn sort(
        &self,
        graph: &GraphProto,
        given: &HashSet<&str>,
        producer: &HashMap<&str, usize>,
    ) -> Result<Vec<usize>, ImportError> {
        let nodes = &graph.node;
        let mut waits = vec![0usize; nodes.len()];
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            for name in node.input.iter().filter(|name| !name.is_empty()) {
                match producer.get(name.as_str()) {
                    Some(&source) => {
                        waits[index] += 1;
                        readers[source].push(index);
                    }
                    None if given.contains(name.as_str()) => {}
                    None => {
                        let name_of_node = node_name(node);
                        return Err(self.error(
                            format!("node '{name_of_node}' reads the value '{name}', which nothing produces"),
                            "the file is damaged or cut out of a larger model; export it again",
                        ));
                    }
                }
            }
        }
        let ready = waits.iter().enumerate().filter(|&(_, &count)| count == 0);
        let mut ready: std::collections::BinaryHeap<_> =
            ready.map(|(index, _)| std::cmp::Reverse(index)).collect();
        let mut order = Vec::with_capacity(nodes.len());
        while let Some(std::cmp::Reverse(index)) = ready.pop() {
            order.push(index);
            for &reader in &readers[index] {
                waits[reader] -= 1;
                if waits[reader] == 0 {
                    ready.push(std::cmp::Reverse(reader));
                }
            }
        }
        if order.len() < nodes.len() {
            let stuck = nodes.iter().zip(&waits).filter(|&(_, &count)| count > 0);
            let stuck = listed(stuck.map(|(node, _)| node_name(node)));
            return Err(self.error(
                format!("its nodes form a cycle; at or behind it are {stuck}"),
                "a network has to be free of cycles; unroll the loop and export it again",
            ));
        }
        Ok(order)
    }
}

/// Which nodes the graph's outputs depend on. `order` is topological.
fn live_nodes(graph: &GraphProto, order: &[usize], producer: &HashMap<&str, usize>) -> Vec<bool> {
    let mut live = vec![false; graph.node.len()];
    for output in &graph.output {
        if let Some(&index) = producer.get(output.name.as_deref().unwrap_or("")) {
            live[index] = true;
        }
    }
    for &index in order.iter().rev() {
        if live[index] {
            for source in graph.node[index].input.iter().filter_map(|name| producer.get(name.as_str())) {
                live[*source] = true;
            }
        }
    }
    live
}

fn inputs_and_initialisers(graph: &GraphProto) -> impl Iterator<Item = (&'static str, &str)> {
    let inputs = graph.input.iter().map(|value| ("input", value.name.as_deref().unwrap_or("")));
    let stored = graph.initializer.iter().map(|tensor| ("initialiser", tensor.name.as_deref().unwrap_or("")));
    inputs.chain(stored)
}
