//! A decoded file as a well-formed model.
//!
//! Version, names, stored tensors and the order of the nodes are checked here, so that the importer can rely
//! on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message as _;
use prost::bytes::Bytes;

use crate::error::{ImportError, UnsupportedOp};
use crate::head::{Head, RawNode};
use crate::operators::Operators;
use crate::order::{Disorder, among, order, read_names};
use crate::proto::{
    FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use crate::{ops, scan, tensor};

/// The operator set versions of the default domain that can be imported.
pub(crate) const OPSETS: std::ops::RangeInclusive<i64> = 6..=28;

/// A checked model.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    bytes: &'a Bytes,
    pub(crate) proto: ModelProto,
    /// The graph, without its nodes.
    pub(crate) graph: GraphProto,
    /// The graph's nodes, as they lie in the file.
    pub(crate) nodes: Vec<RawNode<'a>>,
    /// Those of them that stand for other nodes, by index: an If, and the calls of functions.
    pub(crate) calls: HashMap<usize, NodeProto>,
    pub(crate) opset: i64,
    /// The nodes that the outputs depend on, by index, in an order where every value is produced before it is
    /// read.
    pub(crate) order: Vec<usize>,
}

impl<'a> Model<'a> {
    /// Decodes and checks.
    ///
    /// `file` is for messages; `limit` is the most bytes that one tensor may take.
    pub(crate) fn decode(
        file: &str,
        bytes: &'a Bytes,
        limit: usize,
        operators: &Operators,
    ) -> Result<Model<'a>, ImportError> {
        let broken = |found| ImportError::Decode { file: file.to_owned(), found };
        let parts = scan::parts(bytes).map_err(broken)?;
        let (proto, graph) = (parts.model(bytes).map_err(broken)?, parts.graph(bytes).map_err(broken)?);
        // Every message has to be well-formed, even where nothing needs it.
        for value in parts.value_info {
            ValueInfoProto::decode(value).map_err(|error| broken(error.to_string()))?;
        }
        let nodes = parts.nodes;
        for node in &nodes {
            NodeProto::decode(bytes.slice_ref(node.bytes())).map_err(|error| broken(error.to_string()))?;
        }
        let check = Check { file, limit, operators };
        let Some(graph) = graph else {
            return Err(check.error("it holds no graph", "it may be another kind of file, or an empty model"));
        };
        let order = check.names(&graph, &nodes)?;
        check.operators(&nodes, &order, &functions(&proto))?;
        let Some(opset) = default_opset(&proto.opset_import) else {
            return Err(check.error(
                "it does not say which operator set version its nodes follow",
                "export it with an opset_import of the default domain",
            ));
        };
        check.opset(opset)?;
        check.tensors(&graph, &nodes, &order)?;
        let mut model = Model { bytes, proto, graph, nodes, calls: HashMap::new(), opset, order };
        for &index in &model.order {
            let [domain, op, _] = model.nodes[index].operator();
            if operators.find(domain, op).is_none() {
                let call = model.node(index).map_err(broken)?;
                model.calls.insert(index, call);
            }
        }
        Ok(model)
    }

    /// How many elements every constant has, by name.
    pub(crate) fn constant_sizes(&self) -> HashMap<&str, usize> {
        let stored = self.graph.initializer.iter();
        let stored = stored.filter_map(|tensor| Some((tensor.name.as_deref()?, elements(tensor))));
        let made = self.nodes.iter().enumerate().filter(|(_, node)| node.operator()[1] == "Constant");
        let made = made.filter_map(|(index, node)| {
            Some((node.outputs().next()?, constant_elements(&self.node(index).ok()?)?))
        });
        stored.chain(made).collect()
    }

    /// Decodes the node of that index.
    pub(crate) fn node(&self, index: usize) -> Result<NodeProto, String> {
        let node = NodeProto::decode(self.bytes.slice_ref(self.nodes[index].bytes()));
        node.map_err(|error| error.to_string())
    }
}

/// How many elements a stored tensor has.
fn elements(tensor: &TensorProto) -> usize {
    tensor.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).fold(1, usize::saturating_mul)
}

/// How many elements the value of a Constant has.
fn constant_elements(node: &NodeProto) -> Option<usize> {
    let attribute = node.attribute.first()?;
    match attribute.name.as_deref()? {
        "value" => attribute.t.as_ref().map(elements),
        "value_float" | "value_int" => Some(1),
        "value_floats" => Some(attribute.floats.len()),
        "value_ints" => Some(attribute.ints.len()),
        _ => None,
    }
}

/// The functions of a model by how they are called: domain, name and overload.
pub(crate) type Functions<'a> = HashMap<[&'a str; 3], &'a FunctionProto>;

/// The functions that a model brings itself.
pub(crate) fn functions<'a>(proto: &'a ModelProto) -> Functions<'a> {
    let text = |field: &'a Option<String>| field.as_deref().unwrap_or("");
    let key = |function: &'a FunctionProto| [&function.domain, &function.name, &function.overload].map(text);
    proto.functions.iter().map(|function| (key(function), function)).collect()
}

/// The version of the default operator set.
///
/// ONNX wants one; where a file gives several, onnxruntime takes the last.
pub(crate) fn default_opset(sets: &[OperatorSetIdProto]) -> Option<i64> {
    let default = |set: &&OperatorSetIdProto| ops::is_default_domain(set.domain.as_deref().unwrap_or(""));
    sets.iter().rfind(default)?.version
}

/// The function that a node calls, if it is one of the model's own.
pub(crate) fn called<'a>(functions: &Functions<'a>, node: &impl Head) -> Option<&'a FunctionProto> {
    functions.get(&node.operator()).copied()
}

/// Checks a model, a branch or a function before its nodes are handled.
pub(crate) struct Check<'a> {
    pub(crate) file: &'a str,
    /// The most bytes that one tensor may take.
    pub(crate) limit: usize,
    /// The operators that the caller adds.
    pub(crate) operators: &'a Operators,
}

impl Check<'_> {
    fn error(&self, found: impl Into<String>, remedy: impl Into<String>) -> ImportError {
        ImportError::Model { file: self.file.to_owned(), found: found.into(), remedy: remedy.into() }
    }

    pub(crate) fn disorder(&self, disorder: Disorder) -> ImportError {
        self.error(disorder.found, disorder.remedy)
    }

    /// Whether nodes of that version of the default operator set can be imported.
    pub(crate) fn opset(&self, version: i64) -> Result<(), ImportError> {
        if OPSETS.contains(&version) {
            return Ok(());
        }
        let (oldest, newest) = (OPSETS.start(), OPSETS.end());
        Err(self.error(
            format!("its operator set version is {version}, supported are {oldest} to {newest}"),
            "convert it with onnx.version_converter or export it with another opset",
        ))
    }

    /// Lists all operators of the nodes in `order` that cannot be imported, with those of the functions that
    /// they call.
    ///
    /// An If is not followed: only the branch that it takes has to be known, and that is not known yet.
    pub(crate) fn operators(
        &self,
        nodes: &[impl Head],
        order: &[usize],
        functions: &Functions<'_>,
    ) -> Result<(), ImportError> {
        let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut visited = HashSet::new();
        let mut open = Vec::new();
        for &index in order {
            self.operator(&nodes[index], functions, &mut visited, &mut open, &mut missing)?;
            while let Some(node) = open.pop() {
                self.operator(node, functions, &mut visited, &mut open, &mut missing)?;
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let ops = missing.into_iter().map(|(op, nodes)| UnsupportedOp { op, nodes }).collect();
        Err(ImportError::UnsupportedOps { file: self.file.to_owned(), ops })
    }

    /// Looks at one node.
    ///
    /// If it calls a function that was not `visited`, the function's nodes become `open`, the first last. If
    /// it cannot be imported, it goes to `missing`.
    fn operator<'f, H: Head>(
        &self,
        node: &H,
        functions: &Functions<'f>,
        visited: &mut HashSet<*const FunctionProto>,
        open: &mut Vec<&'f NodeProto>,
        missing: &mut BTreeMap<String, Vec<String>>,
    ) -> Result<(), ImportError> {
        let [domain, op, _] = node.operator();
        if self.operators.supports(domain, op) {
            return Ok(());
        }
        if let Some(function) = called(functions, node) {
            if visited.insert(std::ptr::from_ref(function)) {
                let order = self.body(function, function.output.len())?;
                open.extend(order.into_iter().rev().map(|index| &function.node[index]));
            }
            return Ok(());
        }
        let name = if ops::is_default_domain(domain) { op.to_owned() } else { format!("{domain}.{op}") };
        missing.entry(name).or_default().push(node.label().to_owned());
        Ok(())
    }

    /// The order of a function's nodes, as far as its first `outputs` results need them.
    pub(crate) fn body(&self, function: &FunctionProto, outputs: usize) -> Result<Vec<usize>, ImportError> {
        let inputs: HashSet<&str> = function.input.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = function.output.iter().take(outputs).map(String::as_str).collect();
        order(&function.node, &outputs, &among(&inputs)).map_err(|disorder| self.disorder(disorder))
    }

    /// Checks that the initialisers that the nodes in `order` or the outputs read can be read.
    pub(crate) fn tensors(
        &self,
        graph: &GraphProto,
        nodes: &[impl Head],
        order: &[usize],
    ) -> Result<(), ImportError> {
        let mut read = read_names(nodes, order);
        read.extend(outputs(graph));
        let sparse =
            graph.sparse_initializer.iter().filter_map(|tensor| tensor.values.as_ref()?.name.as_deref());
        if let Some(name) = sparse.into_iter().find(|name| read.contains(name)) {
            return Err(self.error(
                format!("its initialiser '{name}' is a sparse tensor"),
                "store it as an ordinary tensor: sparse ones are not supported",
            ));
        }
        let is_read = |proto: &&TensorProto| read.contains(proto.name.as_deref().unwrap_or(""));
        for proto in graph.initializer.iter().filter(is_read) {
            tensor::header(proto, self.limit).map_err(|found| ImportError::Tensor {
                file: self.file.to_owned(),
                tensor: proto.name.clone().unwrap_or_default(),
                found,
            })?;
        }
        Ok(())
    }

    /// Checks that names are unique and that every value read exists; returns the order of the nodes.
    fn names(&self, graph: &GraphProto, nodes: &[impl Head]) -> Result<Vec<usize>, ImportError> {
        let mut given: HashSet<&str> = HashSet::new();
        for (kind, name) in inputs_and_initialisers(graph) {
            // An initialiser may have the name of an input, as its default value; before IR version 4 all had
            // to.
            if name.is_empty() {
                return Err(self.error(format!("one {kind} has no name"), "export the model again"));
            }
            given.insert(name);
        }
        self.unique(graph)?;
        if graph.output.is_empty() {
            return Err(self.error("its graph has no outputs", "add the values of interest to graph.output"));
        }
        order(nodes, &outputs(graph), &among(&given)).map_err(|disorder| self.disorder(disorder))
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
}

/// The names of a graph's outputs.
pub(crate) fn outputs(graph: &GraphProto) -> Vec<&str> {
    graph.output.iter().map(|output| output.name.as_deref().unwrap_or("")).collect()
}

fn inputs_and_initialisers(graph: &GraphProto) -> impl Iterator<Item = (&'static str, &str)> {
    let inputs = graph.input.iter().map(|value| ("input", value.name.as_deref().unwrap_or("")));
    let stored = graph.initializer.iter().map(|tensor| ("initialiser", tensor.name.as_deref().unwrap_or("")));
    inputs.chain(stored)
}
