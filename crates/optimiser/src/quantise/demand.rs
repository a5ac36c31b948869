//! Which values that the host computes are worth storing in int8 again, and in which order of axes.
//!
//! A value of the host is stored where a product or a convolution reads it, also through what only moves it.
//! Other operators on values of the host stay there: int8 would cost accuracy and save nothing.

use ediacara_graph::ops::{
    Concat, Conv, ConvTranspose, Gather, Gemm, MatMul, Pad, Pool, Reduce, Reshape, Resize, Slice,
    TensorScatter, Transpose,
};
use ediacara_graph::{Graph, Node};

use super::layout::Layout;

/// Who wants a value in int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Demand {
    /// Whether a product reads it, as it is or moved.
    pub(super) product: bool,
    /// Whether a convolution reads it, as it is or moved.
    pub(super) convolution: bool,
    /// Whether either reads what operators without weights make of it: elementwise ones, pools and their like.
    pub(super) behind: bool,
    /// Whether a convolution, pool, pad or resize does.
    pub(super) shaped: bool,
    /// Whether a reduction reads what such operators make of it.
    pub(super) reduced: bool,
    /// Whether a pool, pad or resize reads it, as it is or stored.
    pub(super) image: bool,
}

impl Demand {
    /// Whether something reads the value that multiplies, as it is or moved.
    pub(super) fn is_multiplied(self) -> bool {
        self.product || self.convolution
    }

    /// The order of axes in which a value of so many is stored for its readers; nothing for a single number or row.
    pub(super) fn layout(self, rank: usize) -> Option<Layout> {
        match rank {
            0 | 1 => None,
            2 => Some(Layout::Plain),
            _ if self.convolution => Some(Layout::ChannelsLast),
            _ => Some(Layout::Plain),
        }
    }
}

/// Whether a node only moves elements.
pub(super) fn moves(node: &Node) -> bool {
    node.op_as::<Reshape>().is_some()
        || node.op_as::<Transpose>().is_some()
        || node.op_as::<Slice>().is_some()
        || node.op_as::<Concat>().is_some()
        || node.op_as::<TensorScatter>().is_some()
        || matches!(node.op.name(), "quantize_linear" | "dequantize_linear")
}

/// Whether a node makes images of images without weights.
fn shapes_images(node: &Node) -> bool {
    node.op_as::<Pool>().is_some()
        || node.op_as::<Pad>().is_some()
        || node.op_as::<Resize>().is_some()
        || node.op_as::<Gather>().is_some()
}

/// The demand for each value, by index.
pub(super) fn demands(graph: &Graph) -> Vec<Demand> {
    let mut demands = vec![Demand::default(); graph.value_count()];
    for id in graph.order().into_iter().rev() {
        let node = graph.node(id);
        let of_results = node.outputs.iter().map(|&output| demands[output.index()]);
        let results = of_results.fold(Demand::default(), |all, one| Demand {
            product: all.product || one.product,
            convolution: all.convolution || one.convolution,
            behind: all.behind || one.behind,
            shaped: all.shaped || one.shaped,
            reduced: all.reduced || one.reduced,
            image: all.image || one.image,
        });
        let converts = matches!(node.op.name(), "quantize_linear" | "dequantize_linear");
        let product = node.op_as::<MatMul>().is_some() || node.op_as::<Gemm>().is_some();
        let convolution = node.op_as::<Conv>().is_some() || node.op_as::<ConvTranspose>().is_some();
        for &input in &node.inputs {
            let wanted = &mut demands[input.index()];
            wanted.product |= product || moves(node) && results.product;
            wanted.convolution |= convolution || moves(node) && results.convolution;
            let passes = moves(node) || node.op.is_elementwise() || shapes_images(node);
            wanted.behind |= product || convolution || passes && (results.behind || results.is_multiplied());
            wanted.shaped |= convolution || shapes_images(node) || passes && results.shaped;
            wanted.image |= shapes_images(node) || converts && results.image;
            wanted.reduced |= node.op_as::<Reduce>().is_some() || passes && results.reduced;
        }
    }
    demands
}

#[cfg(test)]
mod tests {
    use ediacara_graph::{Registry, ValueId};

    use super::*;

    #[test]
    fn what_is_multiplied_is_wanted_through_what_moves_it() {
        let text = r#"graph "attention" {
  input %x: f32[2,3,4]
  constant %w: f32[4,4] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
  %s: f32[2,3,4] = sigmoid(%x)
  %t: f32[2,4,3] = transpose(%s) {permutation = [0, 2, 1]}
  %u: f32[2,3,4] = transpose(%t) {permutation = [0, 2, 1]}
  %y: f32[2,3,4] = matmul(%u, %w)
  %z: f32[2,3,4] = sigmoid(%y)
  output %z
}
"#;
        let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap_or_default();
        let demands = demands(&graph);
        let of = |name: &str| demands[graph.value_by_name(name).map_or(0, ValueId::index)];
        assert_eq!(of("x"), Demand { behind: true, ..Demand::default() });
        assert_eq!(of("s"), Demand { product: true, behind: true, ..Demand::default() });
        assert_eq!(of("s").layout(3), Some(Layout::Plain));
        assert_eq!(of("y"), Demand::default());
    }
}
