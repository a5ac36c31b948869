//! Product with constant weights -> gemm.

use ediacara_graph::ops::{Gemm, MatMul, Transpose};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId};

use crate::known::real_constant;

/// See [`Rewrite::documentation`].
pub(super) struct MatmulToGemm;

impl Rewrite for MatmulToGemm {
    fn name(&self) -> &'static str {
        "matmul_to_gemm"
    }

    fn documentation(&self) -> &'static str {
        "x[M,K] * w[K,N] with constant w is the fully connected layer of w transposed."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        if node.op_as::<MatMul>().is_none() {
            return Ok(None);
        }
        let (x, w) = (node.inputs[0], node.inputs[1]);
        if graph.ty(x).rank() != 2 || graph.ty(w).rank() != 2 {
            return Ok(None);
        }
        let mut patch = Patch::new();
        let weights = match graph.constant(w) {
            Some(weights) => {
                let transposed = weights.transpose(&[1, 0]).map_err(|source| {
                    let value = graph.value(w).name.clone();
                    GraphError::Tensor { value, source }
                })?;
                patch.constant(graph.value(w).name.clone(), transposed)
            }
            // Dequantised weights keep their integers.
            None if real_constant(graph, w).is_some() => {
                let name = format!("{}.turned", graph.value(w).name);
                patch.node(name, Transpose { permutation: vec![1, 0] }, &[w.into()])
            }
            None => return Ok(None),
        };
        let new = patch.node("", Gemm::default(), &[x.into(), weights]);
        patch.replace(node.outputs[0], new);
        Ok(Some(patch))
    }
}
