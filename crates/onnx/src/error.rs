//! What can go wrong while an ONNX file becomes a graph.

use std::fmt;
use std::path::PathBuf;

use ediacara_graph::OpError;

/// Why a file was not imported.
///
/// Every message names the file, the place in it, what was found and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file, or a file that it refers to, cannot be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX protobuf message.
    #[error(
        "{file}: is not a readable ONNX file: {found}. It may be truncated or of another format; \
         download or export it again"
    )]
    Decode {
        /// The file.
        file: String,
        /// What the decoder met.
        found: String,
    },
    /// The message decodes, but what it describes is not a well-formed model.
    #[error("{file}: {found}; {remedy}")]
    Model {
        /// The file.
        file: String,
        /// What was found and where.
        found: String,
        /// What to do.
        remedy: String,
    },
    /// A stored tensor is malformed, too large or of a type that Ediacara does not hold.
    #[error("{file}: tensor '{tensor}': {found}")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor's name, or the place where it stands.
        tensor: String,
        /// What was found and what to do.
        found: String,
    },
    /// The file uses operators that cannot be imported; all of them are listed.
    #[error("{file}: {count} of its nodes use operators that are not supported: {list}", count = count(.ops), list = list(.ops))]
    UnsupportedOps {
        /// The file.
        file: String,
        /// Every unsupported operator with the nodes that use it, by name.
        ops: Vec<UnsupportedOp>,
    },
    /// A node cannot be imported because of its attributes, its operands or the combination of them.
    #[error("{file}: node '{node}' ({op}): {found}")]
    Node {
        /// The file.
        file: String,
        /// The node's name, or its first output where it has none.
        node: String,
        /// The operator.
        op: String,
        /// What was found and what to do.
        found: String,
    },
    /// A node needs the value of an operand (a shape, axes, a size) at import, but the value is not constant.
    #[error(
        "{file}: node '{node}' ({op}): its operand '{operand}' has to be known at import, because shapes are static here, \
         but it is computed from {}, or give a sample (--input FILE, --calibrate FILE), whose shapes then stand",
        fixing(.inputs)
    )]
    NotConstant {
        /// The file.
        file: String,
        /// The node.
        node: String,
        /// The operator.
        op: String,
        /// The operand's name in the file.
        operand: String,
        /// The network's inputs that it is computed from.
        inputs: Box<[String]>,
    },
    /// A node cannot be imported, and dimensions that shapes depend on were not given.
    #[error(
        "{error}. Free dimensions were taken as 1, which may be why: give their sizes with --dim NAME=SIZE; they are \
         {}",
        .dims.join(", ")
    )]
    Unbound {
        /// What is wrong.
        error: Box<ImportError>,
        /// The names of the dimensions.
        dims: Vec<String>,
    },
    /// A name given in the options is not in the file.
    #[error("{file}: has no {kind} named '{name}'; it has: {known}")]
    UnknownName {
        /// The file.
        file: String,
        /// What kind of name it is.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
}

/// An operator that cannot be imported and the nodes that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedOp {
    /// The operator's type, with its domain before it where that is not the default one.
    pub op: String,
    /// The nodes, by name (by first output where they have none), in the order of the file.
    pub nodes: Vec<String>,
}

fn count(ops: &[UnsupportedOp]) -> usize {
    ops.iter().map(|op| op.nodes.len()).sum()
}

fn list(ops: &[UnsupportedOp]) -> String {
    let nodes = |op: &UnsupportedOp| listed(op.nodes.iter().map(String::as_str));
    ops.iter().map(|op| format!("{} ({})", op.op, nodes(op))).collect::<Vec<_>>().join("; ")
}

/// The inputs that decide a value, and how to fix them.
fn fixing(inputs: &[String]) -> String {
    match inputs {
        [input] => format!("the network's input '{input}'; fix that input with --value {input}=NUMBER"),
        inputs => {
            let inputs = listed(inputs.iter().map(String::as_str));
            format!("inputs of the network ({inputs}); fix those that decide it with --value NAME=NUMBER")
        }
    }
}

/// What a handler says about its node; the importer adds file, node and operator.
#[derive(Debug)]
pub enum NodeError {
    /// The node is wrong or asks for something unsupported; the text says what was found and what to do.
    Invalid(String),
    /// An operand has to be constant and is not.
    NotConstant {
        /// Its name in the file.
        operand: String,
        /// The network's inputs that it is computed from.
        inputs: Box<[String]>,
    },
}

impl NodeError {
    /// What was found, and what to do: the rest of a sentence that begins with the node.
    pub fn new(found: impl Into<String>) -> NodeError {
        NodeError::Invalid(found.into())
    }

    pub(crate) fn at(self, file: &str, node: &str, op: &str) -> ImportError {
        let (file, node, op) = (file.to_owned(), node.to_owned(), op.to_owned());
        match self {
            NodeError::Invalid(found) => ImportError::Node { file, node, op, found },
            NodeError::NotConstant { operand, inputs } => {
                ImportError::NotConstant { file, node, op, operand, inputs }
            }
        }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Invalid(found) => f.write_str(found),
            NodeError::NotConstant { operand, .. } => write!(f, "operand '{operand}' is not constant"),
        }
    }
}

impl std::error::Error for NodeError {}

impl From<OpError> for NodeError {
    fn from(error: OpError) -> NodeError {
        NodeError::new(error.to_string())
    }
}

/// What a handler returns.
pub(crate) type NodeResult<T> = Result<T, NodeError>;

/// How many names an error lists before it says "and N more".
const LISTED: usize = 8;

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
