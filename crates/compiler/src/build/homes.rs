//! Where activations live in DRAM, those that pass between segments too.
//!
//! Every value gets a home, a [`View`]. A concatenation costs nothing where its operands can be written
//! straight into its result, also through a reshape between; a slice, a reshape and many transpositions cost
//! nothing because their readers can read with pitches. What remains becomes a copy, which the build pass adds.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Concat, Gather, Reshape, Slice, TensorScatter, Transpose};
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::CompileError;
use crate::build::movement::view_of;
use crate::fuse::blocks::BlockNodes;
use crate::fuse::epilogues::ProductOf;
use crate::fuse::gathers::GatherOf;
use crate::fuse::rows::Chain;
use crate::fuse::tables::LookedUp;
use crate::place::bindings::Bindings;
use crate::place::dram::DramImage;
use crate::place::partition::is_matrix_product;
use crate::place::segments::DlpPart;
use crate::program::packing::Packing;
use crate::program::view::View;

/// The homes of values, and how each node's result came to its home.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placement {
    /// Home of each value on the DLP's side.
    pub homes: HashMap<ValueId, View>,
    /// Nodes that are nothing but a view.
    pub views: HashSet<NodeId>,
    /// Operands of concatenations that are written in place: no copy.
    pub embedded: HashSet<ValueId>,
    /// Additions fused with a convolution: the convolution and the index of the operand that it is.
    pub fused: HashMap<NodeId, (NodeId, usize)>,
    /// Tables fused with what is before them: a convolution, a product, or an addition that is fused itself.
    pub tables: HashMap<NodeId, LookedUp>,
    /// Gathers of channels that the convolution before them does.
    pub gathers: HashMap<NodeId, GatherOf>,
    /// Nodes whose results the layer of another node goes on with, so that they have no home.
    pub inner: HashSet<NodeId>,
    /// Blocks, by each node that they do.
    pub blocks: HashMap<NodeId, BlockNodes>,
    /// Chains of the float dialect, by their first node; nothing stands for the others of a chain.
    pub chains: HashMap<NodeId, Option<Chain>>,
    /// By the first node of a chain, the product that it goes on with.
    pub epilogues: HashMap<NodeId, ProductOf>,
    /// The bindings of the network, for what is written where they say.
    pub bindings: Bindings,
    /// What was reserved in DRAM for results of layers, in the order of addresses: each value that is no part of another,
    /// and where it lies.
    pub buffers: Vec<(ValueId, View)>,
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
    /// Where an embedded value lies.
    parents: HashMap<ValueId, Parent>,
    placement: Placement,
}

/// The value that another is part of in memory.
#[derive(Debug, Clone, Copy)]
enum Parent {
    /// The result of a concatenation along an axis, of which it is a part from an index on.
    Concat { result: ValueId, axis: usize, start: u64 },
    /// The result of a reshape, which is the same bytes.
    Reshape(ValueId),
}

fn extents(graph: &Graph, value: ValueId) -> Vec<u64> {
    graph.ty(value).shape.iter().map(|&extent| extent as u64).collect()
}

/// What the passes before decided about the nodes of a segment.
#[derive(Debug, Default)]
pub(crate) struct Fused {
    /// Additions that a product before them does.
    pub additions: HashMap<NodeId, (NodeId, usize)>,
    /// Gathers that the convolution before them does.
    pub gathers: HashMap<NodeId, GatherOf>,
    /// Tables that a product, or its addition, does.
    pub tables: HashMap<NodeId, LookedUp>,
    /// Windows together with the convolutions around them.
    pub blocks: Vec<BlockNodes>,
    /// Nodes of the float dialect that run together.
    pub chains: Vec<Chain>,
    /// By the first node of a chain, the product that it goes on with.
    pub epilogues: HashMap<NodeId, ProductOf>,
}

/// Where rows are appended to caches.
#[derive(Debug, Default)]
pub(crate) struct Appends {
    /// The caches that are packed.
    pub packings: HashMap<ValueId, Packing>,
    /// What says where.
    pub bindings: Bindings,
}

/// Gives every value of a segment a home; `stay` has the addresses of what earlier segments left in DRAM.
///
/// # Errors
/// DRAM is full.
pub(crate) fn place(
    graph: &Graph,
    part: &DlpPart,
    fused: Fused,
    appends: &Appends,
    stay: &HashMap<ValueId, u64>,
    dram: &mut DramImage,
) -> Result<Placement, CompileError> {
    let Fused { additions, gathers, tables, blocks, chains, epilogues } = fused;
    let blocks = by_node(&blocks);
    let in_blocks = blocks.iter().filter(|(id, block)| block.last != **id).map(|(id, _)| *id);
    let products = additions.values().map(|(product, _)| *product);
    let gathered = gathers.values().map(|gather| gather.conv);
    let looked_up = tables.values().flat_map(|table| table.between.iter().chain([&table.before])).copied();
    let in_chains = chains.iter().flat_map(|chain| inside(graph, part, chain));
    let before_chains = epilogues.values().flat_map(ProductOf::nodes);
    let inner = products.chain(gathered).chain(looked_up).chain(in_blocks).chain(in_chains);
    let inner = inner.chain(before_chains).collect();
    let chains = by_first(chains);
    let placement = Placement {
        fused: additions,
        gathers,
        tables,
        inner,
        blocks,
        chains,
        epilogues,
        bindings: appends.bindings.clone(),
        ..Placement::default()
    };
    let mut placer = Placer {
        graph,
        dlp: part.dlp.iter().copied().collect(),
        outputs: part.outputs.iter().copied().collect(),
        parents: HashMap::new(),
        placement,
    };
    for &id in part.dlp.iter().rev() {
        placer.embed_operands(id);
    }
    // An input as it is lies in one place, under whatever shapes it is read.
    let mut given: HashMap<ValueId, u64> = HashMap::new();
    for (value, fed) in &part.fed {
        let name = &graph.value(*value).name;
        let before = given.get(&fed.source).or(stay.get(&fed.source)).filter(|_| fed.is_as_given());
        let base = match stay.get(value).or(before) {
            Some(&base) => base,
            None => dram.reserve(bytes(graph, *value), &format!("input `{name}`"))?,
        };
        if fed.is_as_given() {
            given.insert(fed.source, base);
        }
        // The port has the input's extents in stored order; a reshape of it is the same bytes.
        debug_assert_eq!(graph.ty(fed.source).elements(), graph.ty(*value).elements());
        let packing = appends.packings.get(value).copied();
        placer.placement.homes.insert(*value, View { packing, ..dense(graph, *value, base) });
    }
    for &id in &part.dlp {
        placer.place_constants(id, dram)?;
        placer.place_result(id, dram)?;
    }
    Ok(placer.placement)
}

/// Bytes of a value.
fn bytes(graph: &Graph, value: ValueId) -> u64 {
    dense(graph, value, 0).bytes()
}

/// A value densely in DRAM.
fn dense(graph: &Graph, value: ValueId, base: u64) -> View {
    View::dense_of(base, &extents(graph, value), graph.ty(value).dtype.size_bytes() as u64)
}

/// Nodes of a chain whose results only the chain reads.
fn inside(graph: &Graph, part: &DlpPart, chain: &Chain) -> Vec<NodeId> {
    let only_inside = |id: &NodeId| {
        let value = graph.output_of(*id);
        !part.outputs.contains(&value)
            && graph.consumers(value).iter().all(|reader| chain.nodes.contains(reader))
    };
    chain.nodes.iter().copied().filter(only_inside).collect()
}

fn by_first(chains: Vec<Chain>) -> HashMap<NodeId, Option<Chain>> {
    let mut found = HashMap::new();
    for chain in chains {
        found.extend(chain.nodes.iter().map(|&node| (node, None)));
        found.insert(chain.nodes[0], Some(chain));
    }
    found
}

fn by_node(blocks: &[BlockNodes]) -> HashMap<NodeId, BlockNodes> {
    blocks.iter().flat_map(|block| block.nodes().into_iter().map(|node| (node, *block))).collect()
}

impl Placer<'_> {
    /// Decides which operands of a concatenation are written in place.
    fn embed_operands(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let Some(concat) = node.op_as::<Concat>() else { return };
        let mut start = 0;
        for &value in &node.inputs {
            let parent = Parent::Concat { result: node.outputs[0], axis: concat.axis, start };
            if self.can_embed(value) && !self.is_reshaped(value) {
                self.parents.insert(value, parent);
                self.placement.embedded.insert(value);
            } else if let Some(source) = self.reshaped_source(value, parent) {
                self.parents.insert(value, parent);
                self.parents.insert(source, Parent::Reshape(value));
                self.placement.embedded.insert(source);
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
            || node.op_as::<TensorScatter>().is_some()
            || node.op_as::<Gather>().is_some();
        !moves && !self.outputs.contains(&value) && !self.parents.contains_key(&value)
    }

    /// A reshape may not be able to see a pitched tensor as a view; a copy there costs more than one before it.
    fn is_reshaped(&self, value: ValueId) -> bool {
        self.graph
            .consumers(value)
            .iter()
            .any(|&reader| self.dlp.contains(&reader) && self.graph.node(reader).op_as::<Reshape>().is_some())
    }

    /// What a concatenation's operand is a reshape of, if that can be written in place under its own shape.
    fn reshaped_source(&self, value: ValueId, parent: Parent) -> Option<ValueId> {
        let reshape = self.graph.producer(value).filter(|node| self.dlp.contains(node))?;
        self.graph.node(reshape).op_as::<Reshape>()?;
        let source = self.graph.node(reshape).inputs[0];
        let alone = |value| self.graph.only_consumer(value).is_some() && !self.outputs.contains(&value);
        // Others may read the source with pitches, but another reshape may not see it as a view.
        let reshapes = |reader: &NodeId| {
            self.dlp.contains(reader) && self.graph.node(*reader).op_as::<Reshape>().is_some()
        };
        let once = self.graph.consumers(source).iter().filter(|reader| reshapes(reader)).count() == 1;
        // What is part of an output cannot stay on chip for the others.
        let sole = alone(source) || once && !self.is_part_of_output(value, parent);
        let free = !self.parents.contains_key(&value) && self.can_embed(source);
        let place = self.relative(value, Some(parent))?.reshape(&extents(self.graph, source))?;
        (free && alone(value) && sole && place.is_readable()).then_some(source)
    }

    /// Whether an output of the segment will hold a value whose parent is `parent`.
    fn is_part_of_output(&self, value: ValueId, parent: Parent) -> bool {
        let (mut value, mut parent) = (value, Some(parent));
        while let Some(Parent::Concat { result, .. } | Parent::Reshape(result)) = parent {
            (value, parent) = (result, self.parents.get(&result).copied());
            if self.outputs.contains(&value) {
                return true;
            }
        }
        // A view of it may be one.
        let moves = |reader: &NodeId| self.graph.node(*reader).op_as::<Reshape>().is_some();
        let readers = self.graph.consumers(value).into_iter().filter(moves);
        readers.into_iter().any(|reader| self.outputs.contains(&self.graph.output_of(reader)))
    }

    /// Where a value will lie, counted from its outermost parent; `parent` is its own.
    fn relative(&self, value: ValueId, parent: Option<Parent>) -> Option<View> {
        let shape = extents(self.graph, value);
        let outer = |value: ValueId| self.relative(value, self.parents.get(&value).copied());
        match parent {
            Some(Parent::Concat { result, axis, start }) => {
                Some(outer(result)?.slice(axis, start, shape[axis], 1))
            }
            Some(Parent::Reshape(result)) => outer(result)?.reshape(&shape),
            None => Some(dense(self.graph, value, 0)),
        }
    }

    /// Whether a value is read as the second operand of products alone, or as part of one: those take any matrix with
    /// a contiguous axis.
    fn only_multiplied(&self, value: ValueId) -> bool {
        let consumers = self.graph.consumers(value);
        let takes = |&reader: &NodeId| {
            let node = self.graph.node(reader);
            let moves = node.op_as::<Slice>().is_some()
                || node.op_as::<Reshape>().is_some()
                || node.op_as::<Transpose>().is_some();
            let multiplies = is_matrix_product(self.graph, reader) && node.inputs[0] != value;
            self.dlp.contains(&reader) && (multiplies || moves && self.only_multiplied(node.outputs[0]))
        };
        !consumers.is_empty() && !self.outputs.contains(&value) && consumers.iter().all(takes)
    }

    /// Whether what reads a value can read it there.
    fn suits(&self, value: ValueId, view: &View) -> bool {
        if self.outputs.contains(&value) && !view.is_dense() {
            return false;
        }
        let is_operand = |&reader: &NodeId| is_matrix_product(self.graph, reader);
        view.is_readable()
            || self.only_multiplied(value)
                && (view.is_matrix() || !self.graph.consumers(value).iter().any(is_operand))
    }

    fn place_constants(&mut self, id: NodeId, dram: &mut DramImage) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let operands = match node.op.name() {
            "q_add" | "q_multiply" | "q_maximum" | "concat" | "f_row" => &node.inputs[..],
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
            let bytes = tensor.to_contiguous().as_bytes().map_err(problem)?.to_vec();
            let base = dram.place(bytes, &format!("constant `{name}`"))?;
            self.placement.homes.insert(value, dense(self.graph, value, base));
        }
        Ok(())
    }

    fn place_result(&mut self, id: NodeId, dram: &mut DramImage) -> Result<(), CompileError> {
        let node = self.graph.node(id);
        let value = node.outputs[0];
        if self.placement.inner.contains(&id) {
            // It never leaves the chip.
            return Ok(());
        }
        if node.op_as::<TensorScatter>().is_some()
            && let Some(cache) = self.placement.homes.get(&node.inputs[0]).cloned()
        {
            // Rows are written into the cache where it lies.
            self.placement.homes.insert(value, cache);
            return Ok(());
        }
        let view = self.placement.homes.get(&node.inputs[0]).and_then(|x| view_of(self.graph, id, x));
        match view.filter(|view| self.suits(value, view)) {
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
        let inside = match self.parents.get(&value).copied() {
            Some(Parent::Concat { result, axis, start }) => {
                Some(self.home(result, dram)?.slice(axis, start, shape[axis], 1))
            }
            // That it can be said was found when the parent was.
            Some(Parent::Reshape(result)) => self.home(result, dram)?.reshape(&shape),
            None => None,
        };
        let view = match inside {
            Some(view) => view,
            None => {
                let what = format!("activation `{}`", self.graph.value(value).name);
                let view = dense(self.graph, value, dram.reserve(bytes(self.graph, value), &what)?);
                self.placement.buffers.push((value, view.clone()));
                view
            }
        };
        self.placement.homes.insert(value, view.clone());
        Ok(view)
    }
}
