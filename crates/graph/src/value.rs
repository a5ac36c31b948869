//! A value of a graph.

use ediacara_tensor::Tensor;

use crate::{NodeId, TensorType};

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Definition {
    /// Fed from outside.
    Input,
    /// Known; boxed, because most values are computed and need not take the space of a tensor each.
    Constant(Box<Tensor>),
    /// Computed.
    Node {
        /// By this node.
        node: NodeId,
        /// As its output of this index.
        index: usize,
    },
}

/// A value: a tensor that is fed, known or computed.
#[derive(Debug, Clone)]
pub struct Value {
    /// The name, unique in the graph.
    pub name: String,
    /// The type.
    pub ty: TensorType,
    /// Where it comes from.
    pub definition: Definition,
}
