//! A proposed change: new constants, new nodes, and which values they stand for.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use crate::{Graph, GraphError, IntoOp, NodeId, Op, ValueId};

/// A value in a patch: one of the graph's, or one that the patch adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchValue {
    /// A value of the graph.
    Existing(ValueId),
    /// The patch's constant of this index.
    Constant(usize),
    /// An output of one of the patch's nodes.
    Node {
        /// The node's index in the patch.
        node: usize,
        /// The output's index.
        index: usize,
    },
}

impl PatchValue {
    /// Another output of the same node of the patch.
    ///
    /// # Panics
    /// This is no output of a node of the patch.
    pub fn output(self, index: usize) -> PatchValue {
        match self {
            PatchValue::Node { node, .. } => PatchValue::Node { node, index },
            other => panic!("{other:?} is no output of a node of the patch"),
        }
    }
}

impl From<ValueId> for PatchValue {
    fn from(id: ValueId) -> PatchValue {
        PatchValue::Existing(id)
    }
}

struct NewNode {
    name: String,
    op: Arc<dyn Op>,
    inputs: Vec<PatchValue>,
}

/// A proposed change of a graph.
///
/// Nodes that lose their last reader by it are unlinked when it is applied.
#[derive(Default)]
pub struct Patch {
    constants: Vec<(String, Tensor)>,
    nodes: Vec<NewNode>,
    replacements: Vec<(ValueId, PatchValue)>,
}

/// What a patch has changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The nodes added.
    pub(crate) added: Vec<NodeId>,
    /// The values that now stand for others.
    pub(crate) replacements: Vec<ValueId>,
}

impl Patch {
    /// A patch that changes nothing yet.
    pub fn new() -> Patch {
        Patch::default()
    }

    /// The commonest patch: let every reader of `old` read `new` instead.
    pub fn replacing(old: ValueId, new: ValueId) -> Patch {
        let mut patch = Patch::new();
        patch.replace(old, new);
        patch
    }

    /// Adds a constant.
    ///
    /// If the patch puts a value of that name out of use, the constant takes the name over.
    pub fn constant(&mut self, name: impl Into<String>, tensor: Tensor) -> PatchValue {
        self.constants.push((name.into(), tensor));
        PatchValue::Constant(self.constants.len() - 1)
    }

    /// Adds a node and returns its first output.
    ///
    /// With an empty name it is named after the node that was matched.
    pub fn node(&mut self, name: impl Into<String>, op: impl IntoOp, inputs: &[PatchValue]) -> PatchValue {
        self.nodes.push(NewNode { name: name.into(), op: op.into_op(), inputs: inputs.to_vec() });
        PatchValue::Node { node: self.nodes.len() - 1, index: 0 }
    }

    /// Lets every reader of `old` except the patch's own nodes read `new` instead; the graph's outputs too.
    pub fn replace(&mut self, old: ValueId, new: impl Into<PatchValue>) {
        self.replacements.push((old, new.into()));
    }

    /// Applies the patch to the graph; `matched` is the node that the rule looked at.
    pub(crate) fn apply(self, graph: &mut Graph, matched: NodeId) -> Result<Changes, GraphError> {
        let base = graph.node(matched).name.clone();
        let mut names = Vec::with_capacity(self.constants.len());
        let mut constants = Vec::with_capacity(self.constants.len());
        for (name, tensor) in self.constants {
            constants.push(graph.add_constant(name.clone(), tensor));
            names.push(name);
        }
        let mut added: Vec<NodeId> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes {
            let inputs: Result<Vec<ValueId>, GraphError> =
                node.inputs.iter().map(|&value| resolve(graph, &constants, &added, value)).collect();
            let name = if node.name.is_empty() { base.clone() } else { node.name };
            added.push(graph.add_node(name, node.op, &inputs?)?);
        }
        let mut candidates = vec![matched];
        let mut replacements = Vec::with_capacity(self.replacements.len());
        for (old, new) in self.replacements {
            let new = resolve(graph, &constants, &added, new)?;
            graph.replace_uses_except(old, new, &added)?;
            candidates.extend(graph.producer(old));
            replacements.push(new);
        }
        candidates.extend(&added);
        graph.unlink_dead_among(candidates);
        // A constant is mostly called by the name of what it replaces, which had the name until now.
        for (&constant, name) in constants.iter().zip(&names) {
            graph.take_name_out_of_use(constant, name);
        }
        Ok(Changes { added, replacements })
    }
}

fn resolve(
    graph: &Graph,
    constants: &[ValueId],
    nodes: &[NodeId],
    value: PatchValue,
) -> Result<ValueId, GraphError> {
    let missing =
        || GraphError::Other { problem: format!("a patch refers to {value:?}, which it does not add") };
    match value {
        PatchValue::Existing(id) => Ok(id),
        PatchValue::Constant(index) => constants.get(index).copied().ok_or_else(missing),
        PatchValue::Node { node, index } => {
            let node = *nodes.get(node).ok_or_else(missing)?;
            graph.outputs_of(node).get(index).copied().ok_or_else(missing)
        }
    }
}
