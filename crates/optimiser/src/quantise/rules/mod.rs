//! The rules of int8, one in each file: which nodes a rule lowers, what it reads and how it builds them.

mod add;
mod affine;
mod batch_matmul;
mod concat;
mod conv;
mod conv_transpose;
mod gather;
mod markers;
mod matmul;
mod maximum;
mod movement;
mod multiply;
mod pool;
mod reshape;
mod table;

use ediacara_graph::ops::Activation;
use ediacara_graph::{Node, NodeId};

use super::plan::{Plan, Verdict};
use crate::Encoding;
pub(crate) use conv::QuantisedConv;

/// A rule: lowers one kind of node to int8.
pub(crate) struct Rule {
    /// The name.
    pub(crate) name: &'static str,
    /// What it lowers to what.
    pub(crate) documentation: &'static str,
    /// Says whether this rule lowers a node; absorbs other nodes only if it does.
    pub(crate) check: fn(&mut Plan, NodeId, &Node) -> Verdict,
}

/// Every rule, in the order in which they are asked; the first that accepts a node lowers it.
pub(crate) fn all() -> &'static [Rule] {
    &[
        markers::RULE,
        conv::RULE,
        conv_transpose::RULE,
        matmul::RULE,
        batch_matmul::RULE,
        pool::RULE,
        concat::RULE,
        gather::RULE,
        reshape::RULE,
        movement::RULE,
        table::RULE,
        affine::RULE,
        add::RULE,
        multiply::RULE,
        maximum::RULE,
    ]
}

/// The stored bounds `(low, high)` of an activation.
pub(crate) fn bounds(activation: Activation, encoding: Encoding) -> (i8, i8) {
    let (low, high) = activation.bounds();
    (encoding.encode(low), encoding.encode(high))
}
