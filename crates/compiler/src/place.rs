//! Where activations live in DRAM.
//!
//! Every value gets a home, a [`View`]. A concatenation costs nothing where its operands can be written
//! straight into its result; a slice, a reshape and many transpositions cost nothing because their readers
//! can read with pitches. What remains becomes a copy, which the build pass adds.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Concat, Gather, QAdd, QConv, QMatMul, Reshape, Slice, Transpose};
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::CompileError;
use crate::dram::DramImage;
use crate::fuse_block::BlockNodes;
use crate::movement::view_of;
use crate::partition::Partition;
use crate::view::View;

/// The homes of values, and how each node's result came to its home.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    /// Home of each value on the DLP's side.
    pub homes: HashMap<ValueId, View>,
    /// Nodes that are nothing but a view.
    pub views: HashSet<NodeId>,
    /// Operands of concatenations that are written in place: no copy.
    pub embedded: HashSet<ValueId>,
    /// Additions fused with a convolution: the convolution and the index of the operand that it is.
    pub fused: HashMap<NodeId, (NodeId, usize)>,
    /// Blocks, by each node that they do.
    pub blocks: HashMap<NodeId, BlockNodes>,
}

impl Placement {
    /// The block that does a node.
    pub(crate) fn block_of(&self, node: NodeId) -> Option<&BlockNodes> {
        self.blocks.get(&node)
    }
}

struct Placer<'a> {
    graph: &'a Graph,
    dlp: HashSet<NodeId>,
    outputs: HashSet<ValueId>,
    /// Where in which concatenation an embedded value lies: (result, axis, start).
    parents: HashMap<ValueId, (ValueId, usize, u64)>,
    placement: Placement,
}

fn extents(graph: &Graph, value: ValueId) -> Vec<u64> {
    graph.ty(value).shape.iter().map(|&extent| extent as u64).collect()
}

/// Finds additions that a convolution before them can do on the way. `fuse` off finds none.
pub(crate) fn fuse_additions(graph: &Graph, partition: &Partition) -> HashMap<NodeId, (NodeId, usize)> {
    let order: HashMap<NodeId, usize> =
        partition.dlp.iter().enumerate().map(|(at, &node)| (node, at)).collect();
    let mut found = HashMap::new();
    for &id in partition.dlp.iter().filter(|&&id| graph.node(id).op_as::<QAdd>().is_some()) {
        let candidate = |&index: &usize| {
            let value = graph.node(id).inputs[index];
            let producer = graph.producer(value).filter(|producer| order.contains_key(producer))?;
            let node = graph.node(producer);
            let product = node.op_as::<QMatMul>().is_some()
                || node.op_as::<QConv>().is_some_and(|conv| !is_depthwise(graph, producer, conv));
            (product && graph.only_consumer(value) == Some(id)).then_some((order[&producer], producer, index))
        };
        // The later of two convolutions: the other's result is then in DRAM already.
        let same = graph.node(id).inputs[0] == graph.node(id).inputs[1];
        if let (false, Some((_, producer, index))) =
            (same, (0..2).filter_map(|index| candidate(&index)).max())
        {
            found.insert(id, (producer, index));
        }
    }
    found
}

/// Whether each channel is convolved by itself into one.
pub(crate) fn is_depthwise(graph: &Graph, id: NodeId, conv: &QConv) -> bool {
    let node = graph.node(id);
    let (x, w) = (&graph.ty(node.inputs[0]).shape, &graph.ty(node.inputs[1]).shape);
    conv.groups == x[3] && conv.groups == w[0]
}

/// Gives every value of the DLP's part a home.
///
/// # Errors
/// DRAM is full.
pub(crate) fn place(
    graph: &Graph,
    partition: &Partition,
    fused: HashMap<NodeId, (NodeId, usize)>,
    blocks: &[BlockNodes],
    dram: &mut DramImage,
) -> Result<Placement, CompileError> {
    let mut placer = Placer {
        graph,
        dlp: partition.dlp.iter().copied().collect(),
        outputs: partition.outputs.iter().copied().collect(),
        parents: HashMap::new(),
        placement: Placement { fused, blocks: by_node(blocks), ..Placement::default() },
    };
    for &id in partition.dlp.iter().rev() {
        placer.embed_operands(id);
    }
    for (value, fed) in &partition.fed {
        let name = &graph.value(*value).name;
        let base = dram.reserve(graph.ty(*value).elements() as u64, &format!("input `{name}`"))?;
        // The port has the input's extents in stored order; a reshape of it is the same bytes.
        debug_assert_eq!(graph.ty(fed.input).elements(), graph.ty(*value).elements());
        placer.placement.homes.insert(*value, View::dense(base, &extents(graph, *value)));
    }
    for &id in &partition.dlp {
        placer.place_constants(id, dram)?;
        placer.place_result(id, dram)?;
    }
    Ok(placer.placement)
}

fn by_node(blocks: &[BlockNodes]) -> HashMap<NodeId, BlockNodes> {
    let nodes = |block: &BlockNodes| {
        let all = [block.expand, Some(block.window), block.project, Some(block.last)];
        all.into_iter().flatten().collect::<Vec<_>>()
    };
    blocks.iter().flat_map(|block| nodes(block).into_iter().map(|node| (node, *block))).collect()
}

impl Placer<'_> {
    /// Decides which operands of a concatenation are written in place.
    fn embed_operands(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let Some(concat) = node.op_as::<Concat>() else { return };
        let mut start = 0;
        for &value in &node.inputs {
            if self.can_embed(value) {
                self.parents.insert(value, (node.outputs[0], concat.axis, start));
                self.placement.embedded.insert(value);
            }
            start += extents(self.graph, value)[concat.axis];
        }
    }

    /// A value can be written into the middle of another if a layer of its own writes it, nobody needs it
    /// dense, and it is not promised to another concatenation (or to another place of this one).
    fn can_embed(&self, value: ValueId) -> bool {
        let Some(producer) = self.graph.producer(value).filter(|producer| self.dlp.contains(producer)) else {
            return false;
        };
        let node = self.graph.node(producer);
        let moves = node.op_as::<Slice>().is_some()
            || node.op_as::<Reshape>().is_some()
            || node.op_as::<Transpose>().is_some()
            || node.op_as::<Gather>().is_some();
        // A reshape may not be able to see a pitched tensor as a view; a copy there costs more than one here.
        let reshaped = self.graph.consumers(value).iter().any(|&reader| {
            self.dlp.contains(&reader) && self.graph.node(reader).op_as::<Reshape>().is_some()
        });
        !moves && !reshaped && !self.outputs.contains(&value) && !self.parents.contains_key(&value)
    }

    fn place_constants(&mut self, id: NodeId, dram: &mut DramImage) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let operands = match node.op.name() {
            "q_add" | "q_multiply" | "concat" => &node.inputs[..],
            _ => &node.inputs[..1],
        };
        for &value in operands {
            let Some(tensor) = self.graph.constant(value) else { continue };
            if self.placement.homes.contains_key(&value) {
                continue;
            }
            let name = &self.graph.value(value).name;
            let problem = |error: ediacara_graph::TensorError| CompileError::Layer {
                layer: node.name.clone(),
                problem: error.to_string(),
            };
            let bytes =
                tensor.to_vec::<i8>().map_err(problem)?.into_iter().map(|value| value as u8).collect();
            let base = dram.place(bytes, &format!("constant `{name}`"))?;
            self.placement.homes.insert(value, View::dense(base, &extents(self.graph, value)));
        }
        Ok(())
    }

    fn place_result(&mut self, id: NodeId, dram: &mut DramImage) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let value = node.outputs[0];
        if self.placement.block_of(id).is_some_and(|block| block.last != id) {
            // What lies between the parts of a block never leaves the chip.
            return Ok(());
        }
        if self.placement.fused.values().any(|&(conv, _)| conv == id) {
            // The sum is all that is stored.
            return Ok(());
        }
        let view = self.placement.homes.get(&node.inputs[0]).and_then(|x| view_of(self.graph, id, x));
        let readable = |view: &View| {
            view.shape.iter().zip(&view.strides).next_back().is_none_or(|(&n, &s)| n == 1 || s == 1)
        };
        let wanted = |view: &View| readable(view) && (view.is_dense() || !self.outputs.contains(&value));
        match view.filter(wanted) {
            Some(view) => {
                self.placement.views.insert(id);
                self.placement.homes.insert(value, view);
            }
            None => {
                self.home(value, dram)?;
            }
        }
        Ok(())
    }

    /// The home of a value that a layer writes: its place in a concatenation, or room of its own.
    fn home(&mut self, value: ValueId, dram: &mut DramImage) -> Result<View, CompileError> {
        if let Some(view) = self.placement.homes.get(&value) {
            return Ok(view.clone());
        }
        let shape = extents(self.graph, value);
        let view = match self.parents.get(&value).copied() {
            Some((parent, axis, start)) => self.home(parent, dram)?.slice(axis, start, shape[axis], 1),
            None => {
                let what = format!("activation `{}`", self.graph.value(value).name);
                View::dense(dram.reserve(shape.iter().product(), &what)?, &shape)
            }
        };
        self.placement.homes.insert(value, view.clone());
        Ok(view)
    }
}
