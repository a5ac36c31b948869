//! Which axis of a value counts its channels: the numbers of one kind, which weights treat alike.

use ediacara_graph::ops::{Conv, ConvTranspose, Gemm, MatMul, Reshape, Transpose};
use ediacara_graph::{Graph, Node, ValueId};

use crate::forest::Forest;
use crate::known::is_known;

/// The axis of the channels of every value.
///
/// It is axis 1 of images, `[N,C,...]`, and the last of rows that constant weights multiply, `[...,C]`. What
/// elementwise operators make of such values has its channels there too, and so has what they make them of; what
/// moves axes takes the channels along.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChannelAxes {
    /// By index of the value.
    axes: Vec<usize>,
}

/// The axis of channels where nothing tells another one.
const OF_IMAGES: usize = 1;

impl ChannelAxes {
    pub(crate) fn find(graph: &Graph) -> ChannelAxes {
        let mut alike = alike(graph);
        let mut by_set: Vec<Option<usize>> = vec![None; graph.value_count()];
        let order = graph.order();
        for node in order.iter().map(|&id| graph.node(id)) {
            let is_image = node.op_as::<Conv>().is_some() || node.op_as::<ConvTranspose>().is_some();
            if !is_image && !multiplies_rows(graph, node) {
                continue;
            }
            for value in [node.inputs[0], node.outputs[0]] {
                let axis = if is_image { OF_IMAGES } else { graph.ty(value).rank().saturating_sub(1) };
                let known = &mut by_set[alike.root(value.index())];
                // An image stays one, whatever multiplies its rows.
                *known = if *known == Some(OF_IMAGES) { *known } else { Some(axis) };
            }
        }
        for node in order.iter().map(|&id| graph.node(id)) {
            let Some(&result) = node.outputs.first() else { continue };
            let set = alike.root(result.index());
            if by_set[set].is_none()
                && let Some(from) = node.inputs.first()
            {
                let axis = by_set[alike.root(from.index())].unwrap_or(OF_IMAGES);
                by_set[set] = moved(node, axis, &graph.ty(*from).shape);
            }
        }
        let axis = |value: usize| by_set[alike.root(value)].unwrap_or(OF_IMAGES);
        ChannelAxes { axes: (0..graph.value_count()).map(axis).collect() }
    }

    /// The axis of a value's channels; nothing if it has too few axes.
    pub(crate) fn axis(&self, graph: &Graph, value: ValueId) -> Option<usize> {
        let axis = self.axes.get(value.index()).copied().unwrap_or(OF_IMAGES);
        (axis < graph.ty(value).rank()).then_some(axis)
    }
}

/// The values that elementwise operators tie together.
fn alike(graph: &Graph) -> Forest {
    let mut alike = Forest::new(graph.value_count());
    for node in graph.nodes().map(|id| graph.node(id)).filter(|node| node.op.is_elementwise()) {
        let result = node.outputs[0];
        let same = |input: &&ValueId| graph.ty(**input).shape == graph.ty(result).shape;
        node.inputs.iter().filter(same).for_each(|input| alike.join(input.index(), result.index()));
    }
    alike
}

/// Whether a node moves axes, or splits and merges them.
pub(crate) fn moves_axes(node: &Node) -> bool {
    node.op_as::<Transpose>().is_some() || node.op_as::<Reshape>().is_some()
}

/// Where a node that [`moves_axes`] takes one of an operand of that shape; nothing if it takes it apart.
pub(crate) fn moved(node: &Node, axis: usize, from: &[usize]) -> Option<usize> {
    if let Some(transpose) = node.op_as::<Transpose>() {
        return transpose.permutation.iter().position(|&of_operand| of_operand == axis);
    }
    let to = &node.op_as::<Reshape>()?.shape;
    let product = |shape: &[usize]| shape.iter().product::<usize>();
    let before = product(from.get(..axis)?);
    (0..to.len()).find(|&place| Some(&to[place]) == from.get(axis) && product(&to[..place]) == before)
}

/// Whether a node multiplies the last axis of its first operand by a constant matrix.
fn multiplies_rows(graph: &Graph, node: &Node) -> bool {
    let is_product = node.op_as::<MatMul>().is_some() || node.op_as::<Gemm>().is_some();
    let weights = node.inputs.get(1).filter(|_| is_product);
    weights.is_some_and(|&weights| graph.ty(weights).rank() == 2 && is_known(graph, weights))
}

#[cfg(test)]
mod tests {
    use ediacara_graph::Registry;

    use super::*;

    #[test]
    fn rows_have_their_channels_last_and_images_second_until_they_are_moved() {
        let text = r#"graph "both" {
  input %x: f32[2,3,4]
  input %i: f32[1,4,3,4]
  constant %w: f32[4,2] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
  constant %k: f32[2,4,1,1] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
  %s: f32[2,3,4] = sigmoid(%x)
  %p: f32[2,3,2] = matmul(%s, %w)
  %r: f32[2,3,2] = relu(%p)
  %c: f32[1,2,3,4] = conv(%i, %k) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = "none"}
  %d: f32[1,2,3,4] = relu(%c)
  %m: f32[1,2,3,2] = matmul(%d, %w)
  %t: f32[1,3,4,2] = transpose(%d) {permutation = [0, 2, 3, 1]}
  %f: f32[1,12,2] = reshape(%t) {shape = [1, 12, 2]}
  output %r
  output %m
  output %f
}
"#;
        let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
        let axes = ChannelAxes::find(&graph);
        let of = |name: &str| axes.axis(&graph, graph.value_by_name(name).unwrap());
        assert_eq!(["x", "s", "p", "r", "m"].map(of), [Some(2), Some(2), Some(2), Some(2), Some(3)]);
        assert_eq!(["i", "c", "d"].map(of), [Some(1); 3], "they are images");
        assert_eq!(["t", "f"].map(of), [Some(3), Some(2)], "the channels are moved");
    }
}
