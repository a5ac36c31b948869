//! Factors before a product of two computed values.

use ediacara_graph::ops::MatMul;
use ediacara_graph::rewrite::{Patch, PatchValue, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId};

use crate::known::{real_constant, scaled_by};

/// See [`Rewrite::documentation`].
pub(super) struct FactorBehindProduct;

impl Rewrite for FactorBehindProduct {
    fn name(&self) -> &'static str {
        "factor_behind_product"
    }

    fn documentation(&self) -> &'static str {
        "(k x) y = k (x y): one factor for all elements of an operand that only a product reads goes behind the product, \
         which requantises anyway."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        if node.op_as::<MatMul>().is_none() || node.inputs.iter().any(|&x| real_constant(graph, x).is_some())
        {
            return Ok(None);
        }
        let factor = |index: usize| {
            let value = node.inputs[index];
            let scaling = graph.node(graph.producer(value)?);
            let (x, factor) = scaled_by(graph, scaling)?;
            let fits = graph.ty(factor).rank() <= graph.ty(node.outputs[0]).rank();
            (fits && graph.only_consumer(value) == Some(id)).then_some((index, x, factor, scaling))
        };
        let Some((index, x, factor, scaling)) = [0, 1].into_iter().find_map(factor) else { return Ok(None) };
        let mut patch = Patch::new();
        let mut operands: Vec<PatchValue> = node.inputs.iter().map(|&input| input.into()).collect();
        operands[index] = x.into();
        let product = patch.node(format!("{}.unscaled", node.name), node.op.clone(), &operands);
        let result = patch.node("", scaling.op.clone(), &[product, factor.into()]);
        patch.replace(node.outputs[0], result);
        Ok(Some(patch))
    }
}
