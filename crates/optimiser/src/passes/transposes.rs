//! Transposes of transposes, and those that move no element.

use ediacara_graph::ops::{Reshape, Transpose};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId};

/// See [`Rewrite::documentation`].
pub(super) struct Transposes;

impl Rewrite for Transposes {
    fn name(&self) -> &'static str {
        "transposes"
    }

    fn documentation(&self) -> &'static str {
        "Permutations compose: a transpose of a transpose is one transpose. One that leaves the axes longer than 1 in \
         their order moves no element: it is a reshape."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let Some(outer) = node.op_as::<Transpose>() else { return Ok(None) };
        let x = node.inputs[0];
        let mut patch = Patch::new();
        let shape = &graph.ty(x).shape;
        let long: Vec<usize> = outer.permutation.iter().copied().filter(|&axis| shape[axis] != 1).collect();
        if long.is_sorted() {
            let shape = graph.ty(node.outputs[0]).shape.clone();
            let new = patch.node("", Reshape { shape }, &[x.into()]);
            patch.replace(node.outputs[0], new);
            return Ok(Some(patch));
        }
        let Some(producer) = graph.producer(x).map(|producer| graph.node(producer)) else { return Ok(None) };
        let Some(inner) = producer.op_as::<Transpose>() else { return Ok(None) };
        let permutation = outer.permutation.iter().map(|&axis| inner.permutation[axis]).collect();
        let new = patch.node("", Transpose { permutation }, &[producer.inputs[0].into()]);
        patch.replace(node.outputs[0], new);
        Ok(Some(patch))
    }
}
