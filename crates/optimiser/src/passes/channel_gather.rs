//! Movements that pick whole channels.

use ediacara_graph::ops::{Gather, Reshape, Slice, Transpose};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId, OpError, Tensor, TensorType, ValueId};

/// The most elements of a movement that is followed, because it is followed element by element.
const MAX_ELEMENTS: usize = 1 << 24;
/// The longest chain of movements that is followed.
const MAX_CHAIN: usize = 8;

/// See [`Rewrite::documentation`].
pub(super) struct ChannelGather;

impl Rewrite for ChannelGather {
    fn name(&self) -> &'static str {
        "channel_gather"
    }

    fn documentation(&self) -> &'static str {
        "A chain of reshapes, transposes, slices and gathers from [N,C,H,W] to [N,D,H,W] that moves whole channels (a \
         channel shuffle, or the half of one) is one gather of channels; of neighbouring ones in order, a slice."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let output = graph.node(id).outputs[0];
        let Some(chain) = Chain::ending_at(graph, id) else { return Ok(None) };
        let channels = chain.channels(graph).map_err(|source| GraphError::Op {
            node: graph.node(id).name.clone(),
            source: Box::new(source),
        })?;
        let Some(channels) = channels else { return Ok(None) };
        let mut patch = Patch::new();
        let (first, count) = (channels[0], channels.len());
        let in_order = channels.iter().enumerate().all(|(position, &channel)| channel == first + position);
        let new = if in_order {
            let slice = Slice::along(&graph.ty(chain.source).shape, 1, first, first + count);
            patch.node("", slice, &[chain.source.into()])
        } else {
            let indices = channels.iter().map(|&channel| channel as i64).collect();
            let indices = Tensor::from_vec::<i64>(&[count], indices)
                .map_err(|source| GraphError::Tensor { value: graph.value(output).name.clone(), source })?;
            let indices = patch.constant(format!("{}.channels", graph.node(id).name), indices);
            patch.node("", Gather { axis: 1 }, &[chain.source.into(), indices])
        };
        patch.replace(output, new);
        Ok(Some(patch))
    }
}

/// Movements one after another.
struct Chain {
    /// The value that the first movement reads, [N,C,H,W].
    source: ValueId,
    /// The movements, first to last.
    nodes: Vec<NodeId>,
}

impl Chain {
    /// The longest chain that ends at `id` and keeps [N,_,H,W].
    ///
    /// It has two movements or more, and one of them may put channels out of order.
    fn ending_at(graph: &Graph, id: NodeId) -> Option<Chain> {
        let end = graph.ty(*graph.node(id).outputs.first()?);
        if end.rank() != 4 || end.elements() == 0 {
            return None;
        }
        let mut nodes = Vec::new();
        let mut longest = None;
        let (mut next, mut shuffles) = (Some(id), false);
        while let Some(node) = next.filter(|&node| nodes.len() < MAX_CHAIN && is_movement(graph, node)) {
            nodes.push(node);
            shuffles |=
                graph.node(node).op_as::<Reshape>().is_none() && graph.node(node).op_as::<Slice>().is_none();
            let source = graph.node(node).inputs[0];
            let ty = graph.ty(source);
            let same_image = ty.rank() == 4 && ty.shape[0] == end.shape[0] && ty.shape[2..] == end.shape[2..];
            if same_image && shuffles && nodes.len() > 1 && ty.elements() <= MAX_ELEMENTS {
                longest = Some((source, nodes.len()));
            }
            next = graph.producer(source);
        }
        let (source, length) = longest?;
        nodes.truncate(length);
        nodes.reverse();
        Some(Chain { source, nodes })
    }

    /// For each channel of the result, the source's channel that it is; nothing if the chain moves anything
    /// else.
    fn channels(&self, graph: &Graph) -> Result<Option<Vec<usize>>, OpError> {
        let shape = &graph.ty(self.source).shape;
        let plane: usize = shape[2..].iter().product();
        let image = shape[1] * plane;
        // The movements are carried out on the elements' own positions.
        let positions: Vec<i32> = (0..graph.ty(self.source).elements() as i32).collect();
        let tensor = |source| OpError::Tensor { op: "channel_gather", source };
        let mut moved = Tensor::from_vec(shape, positions).map_err(tensor)?;
        for &id in &self.nodes {
            let node = graph.node(id);
            let mut inputs = vec![&moved];
            inputs.extend(node.inputs[1..].iter().filter_map(|&input| graph.constant(input)));
            let ty = TensorType::new(moved.dtype(), &graph.ty(node.outputs[0]).shape);
            let mut outputs = [ty.zeros().map_err(tensor)?];
            node.op.run(&inputs, &mut outputs)?;
            [moved] = outputs;
        }
        let moved = moved.to_vec::<i32>().map_err(tensor)?;
        let planes = moved.chunks_exact(plane);
        let count = planes.len() / shape[0];
        let mut channels = vec![usize::MAX; count];
        for (index, plane_positions) in planes.enumerate() {
            let (number, channel) = (index / count, index % count);
            let first = plane_positions[0] as usize;
            let source = first % image / plane;
            let whole = first == number * image + source * plane
                && plane_positions.iter().enumerate().all(|(offset, &at)| at as usize == first + offset);
            if !whole || (number > 0 && channels[channel] != source) {
                return Ok(None);
            }
            channels[channel] = source;
        }
        Ok(Some(channels))
    }
}

/// Whether a node moves elements of its first operand by constants.
fn is_movement(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let moves = node.op_as::<Reshape>().is_some()
        || node.op_as::<Transpose>().is_some()
        || node.op_as::<Slice>().is_some()
        || node.op_as::<Gather>().is_some();
    moves && node.inputs[1..].iter().all(|&input| graph.constant(input).is_some())
}
