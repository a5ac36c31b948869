//! How each ONNX operator becomes core ops: a table by operator type, with one file for each family.
//!
//! A handler reads its node, checks it, and emits core ops through the [`Context`], which folds ops whose
//! operands are all constant. To add an operator, write its handler in the family's file and add its line to
//! that file's `TABLE`.

use std::collections::HashMap;
use std::sync::OnceLock;

use ediacara_graph::ValueId;

use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::Node;
use crate::proto::NodeProto;

pub(crate) use integer::passed_on;

mod activation;
mod binary;
mod cast;
mod constant;
mod convolution;
mod gather;
mod integer;
pub(crate) mod masked;
mod matrix;
mod normalisation;
mod pad;
mod pool;
mod qoperator;
mod quantise;
mod recurrence;
mod reduce;
mod resize;
mod shape;
mod slice;
mod softmax;
mod unary;
mod window;

/// Imports one node: emits operators, and returns the node's outputs, which may be fewer than it names.
///
/// # Errors
/// What is wrong with the node, and what to do; the importer adds file, node and operator.
pub type Handler = fn(&mut Context<'_>, &Node<'_>) -> Result<Vec<ValueId>, NodeError>;

/// The operators of one family.
type Table = &'static [(&'static str, Handler)];

const FAMILIES: &[Table] = &[
    activation::TABLE,
    binary::TABLE,
    cast::TABLE,
    constant::TABLE,
    convolution::TABLE,
    gather::TABLE,
    integer::TABLE,
    masked::TABLE,
    matrix::TABLE,
    normalisation::TABLE,
    pad::TABLE,
    pool::TABLE,
    qoperator::TABLE,
    quantise::TABLE,
    recurrence::TABLE,
    reduce::TABLE,
    resize::TABLE,
    shape::TABLE,
    slice::TABLE,
    softmax::TABLE,
    unary::TABLE,
];

/// The domain of onnxruntime's own operators.
const MICROSOFT: &str = "com.microsoft";

/// Those of them that can be imported, and those that ONNX took over since.
const MICROSOFT_FAMILIES: &[Table] = &[
    integer::MICROSOFT,
    qoperator::MICROSOFT,
    recurrence::MICROSOFT,
    quantise::TABLE,
    &[("Gelu", activation::gelu)],
];

/// The operators that consist of more than their operands: the importer handles them itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithGraphs {
    /// It takes one of two graphs.
    If,
    /// It runs a graph for each step of sequences.
    Scan,
    /// It runs a graph a number of times.
    Loop,
}

const WITH_GRAPHS: [(&str, WithGraphs); 3] =
    [("If", WithGraphs::If), ("Loop", WithGraphs::Loop), ("Scan", WithGraphs::Scan)];

/// Whether a domain is that of ONNX itself.
pub(crate) fn is_default_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The operator of that name, if it consists of graphs.
pub(crate) fn with_graphs(domain: &str, op: &str) -> Option<WithGraphs> {
    let found = WITH_GRAPHS.iter().find(|(name, _)| *name == op).filter(|_| is_default_domain(domain));
    found.map(|&(_, handled)| handled)
}

/// Ediacara's own handler of an operator, if it has one.
pub(crate) fn find(domain: &str, op: &str) -> Option<Handler> {
    static DEFAULT: OnceLock<HashMap<&'static str, Handler>> = OnceLock::new();
    static MICROSOFTS: OnceLock<HashMap<&'static str, Handler>> = OnceLock::new();
    let (table, families) = match domain {
        MICROSOFT => (&MICROSOFTS, MICROSOFT_FAMILIES),
        _ if is_default_domain(domain) => (&DEFAULT, FAMILIES),
        _ => return None,
    };
    table.get_or_init(|| families.iter().copied().flatten().copied().collect()).get(op).copied()
}

/// The operators that can be imported, sorted; those that are not of ONNX itself stand behind their domain.
pub fn supported_operators() -> Vec<String> {
    let names = |families: &[Table]| families.iter().copied().flatten().map(|&(name, _)| name).collect();
    let (handled, microsoft): (Vec<&str>, Vec<&str>) = (names(FAMILIES), names(MICROSOFT_FAMILIES));
    let microsoft = microsoft.into_iter().map(|name| format!("{MICROSOFT}.{name}"));
    let mut names: Vec<_> = handled
        .into_iter()
        .chain(WITH_GRAPHS.map(|(name, _)| name))
        .map(str::to_owned)
        .chain(microsoft)
        .collect();
    names.sort_unstable();
    names
}

/// The first result of another operator of ONNX with the attributes of this node.
fn apply(
    context: &mut Context<'_>,
    node: &Node<'_>,
    op: &str,
    operands: Vec<Option<ValueId>>,
) -> NodeResult<ValueId> {
    let handler = find("", op).ok_or_else(|| NodeError::new(format!("becomes the unknown {op}")))?;
    let proto = NodeProto { op_type: Some(op.to_owned()), input: Vec::new(), ..node.proto.clone() };
    let other =
        Node { proto: &proto, name: node.name.clone(), inputs: operands, arguments: node.arguments.clone() };
    let results = handler(context, &other)?;
    results.first().copied().ok_or_else(|| NodeError::new(format!("becomes a {op} without a result")))
}

/// The result of a handler with one output.
fn one(value: ValueId) -> NodeResult<Vec<ValueId>> {
    Ok(vec![value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_is_listed_twice() {
        let names = supported_operators();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert!(find("", "Conv").is_some());
        assert!(find("com.example", "Conv").is_none());
    }
}
