//! How each ONNX operator becomes core ops: a table by operator type, with one file for each family.
//!
//! A handler reads its node, checks it, and emits core ops through the [`Context`], which folds ops whose
//! operands are all constant. To add an operator, write its handler in the family's file and add its line to
//! that file's `TABLE`.

use std::collections::HashMap;
use std::sync::OnceLock;

use ediacara_graph::ValueId;

use crate::context::Context;
use crate::error::NodeResult;
use crate::node::Node;

mod activation;
mod binary;
mod cast;
mod constant;
mod convolution;
mod gather;
mod matrix;
mod normalisation;
mod pad;
mod pool;
mod quantise;
mod reduce;
mod resize;
mod shape;
mod slice;
mod softmax;
mod unary;
mod window;

/// Emits the core ops of one node; returns its outputs, which may be fewer than the node names.
pub(crate) type Handler = fn(&mut Context<'_>, &Node<'_>) -> NodeResult<Vec<ValueId>>;

/// The operators of one family.
type Table = &'static [(&'static str, Handler)];

const FAMILIES: &[Table] = &[
    activation::TABLE,
    binary::TABLE,
    cast::TABLE,
    constant::TABLE,
    convolution::TABLE,
    gather::TABLE,
    matrix::TABLE,
    normalisation::TABLE,
    pad::TABLE,
    pool::TABLE,
    quantise::TABLE,
    reduce::TABLE,
    resize::TABLE,
    shape::TABLE,
    slice::TABLE,
    softmax::TABLE,
    unary::TABLE,
];

/// The operator that takes one of two graphs.
///
/// The importer handles it itself, because it consists of more than its operands.
const IF: &str = "If";

/// Whether a domain is that of ONNX itself.
pub(crate) fn is_default_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// Whether an operator is the one that takes one of two graphs.
pub(crate) fn is_if(domain: &str, op: &str) -> bool {
    is_default_domain(domain) && op == IF
}

/// Whether an operator can be imported.
pub(crate) fn is_supported(domain: &str, op: &str) -> bool {
    is_if(domain, op) || find(domain, op).is_some()
}

/// The handler of an operator, if it can be imported.
pub(crate) fn find(domain: &str, op: &str) -> Option<Handler> {
    static BY_NAME: OnceLock<HashMap<&'static str, Handler>> = OnceLock::new();
    if !is_default_domain(domain) {
        return None;
    }
    let by_name = BY_NAME.get_or_init(|| FAMILIES.iter().copied().flatten().copied().collect());
    by_name.get(op).copied()
}

/// The ONNX operators that can be imported, sorted.
pub fn supported_operators() -> Vec<&'static str> {
    let handled = FAMILIES.iter().copied().flatten().map(|&(name, _)| name);
    let mut names: Vec<_> = handled.chain([IF]).collect();
    names.sort_unstable();
    names
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
