//! Which depthwise convolutions and max pools become blocks with their neighbours.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{PoolKind, QConv, QPool};
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::fuse::additions::is_depthwise;
use crate::place::segments::DlpPart;
use crate::program::shuffle::{Regrouped, regrouped};
use crate::program::view::{Image, View};
use crate::program::window::Window;
use crate::tile::block::tiling::BlockProblem;
use crate::tile::choices::Choices;
use crate::tile::convolution::{Problem, Staging, Summation};
use crate::tile::grouping::{Grouping, best_join};
use crate::tile::window::WindowProblem;

/// The nodes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockNodes {
    /// The convolution before.
    pub expand: Option<NodeId>,
    /// The depthwise convolution or max pool.
    pub window: NodeId,
    /// The pointwise convolution after.
    pub project: Option<NodeId>,
    /// The node whose result the block stores: an addition, `project`, or `window`.
    pub last: NodeId,
}

impl BlockNodes {
    /// Its nodes, in the order of the data.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        let chain = [self.expand, Some(self.window), self.project].into_iter().flatten();
        let addition = (self.last != self.project.unwrap_or(self.window)).then_some(self.last);
        chain.chain(addition).collect()
    }
}

struct Finder<'a> {
    graph: &'a Graph,
    dlp: HashSet<NodeId>,
    outputs: HashSet<ValueId>,
    /// By convolution, the addition that it does.
    additions: HashMap<NodeId, NodeId>,
    choices: &'a mut Choices,
}

/// The blocks of the DLP's part that are estimated to be faster than their layers one by one. `fused` is what
/// [`fuse_additions`](crate::fuse::additions::fuse_additions) found.
pub(crate) fn fuse_blocks(
    graph: &Graph,
    part: &DlpPart,
    fused: &HashMap<NodeId, (NodeId, usize)>,
    choices: &mut Choices,
) -> Vec<BlockNodes> {
    let mut finder = Finder {
        graph,
        dlp: part.dlp.iter().copied().collect(),
        outputs: part.outputs.iter().copied().collect(),
        additions: fused.iter().map(|(&add, &(conv, _))| (conv, add)).collect(),
        choices,
    };
    let mut taken: HashSet<NodeId> = HashSet::new();
    let mut found = Vec::new();
    for &id in &part.dlp {
        if !finder.is_window(id) || taken.contains(&id) {
            continue;
        }
        if let Some(block) = finder.block(id, &taken) {
            taken.extend(block.expand.into_iter().chain([block.window]).chain(block.project));
            found.push(block);
        }
    }
    found
}

impl Finder<'_> {
    fn is_window(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        node.op_as::<QConv>().is_some_and(|conv| is_depthwise(self.graph, id, conv))
            || node.op_as::<QPool>().is_some_and(|pool| pool.kind == PoolKind::Max)
    }

    /// The best block around a window.
    fn block(&mut self, window: NodeId, taken: &HashSet<NodeId>) -> Option<BlockNodes> {
        let expand = self.before(window).filter(|node| !taken.contains(node));
        let project = self.after(window);
        let (before, after) = (self.alone(expand)?, self.alone(project)?);
        let alone = self.window(window)?;
        let space = self.choices.rates().space();
        let alone = self.choices.window(&alone, space).ok()?.estimate.cycles();
        let mut best: Option<(f64, BlockNodes)> = None;
        for (expand, project) in [(expand, project), (expand, None), (None, project)] {
            let Some(last) = self.last(expand, window, project) else { continue };
            let block = BlockNodes { expand, window, project, last };
            let together = self.problem(&block).and_then(|problem| self.choices.block(&problem, space));
            let Some(together) = together else { continue };
            let apart = expand.map_or(0.0, |_| before) + alone + project.map_or(0.0, |_| after);
            let gain = apart - together.estimate.cycles();
            if gain > 0.0 && best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, block));
            }
        }
        best.map(|(_, block)| block)
    }

    /// The node whose result is stored; nothing for what is no block: a window alone, or a residual that is not the input
    /// of the expansion.
    fn last(&self, expand: Option<NodeId>, window: NodeId, project: Option<NodeId>) -> Option<NodeId> {
        let Some(project) = project else { return expand.map(|_| window) };
        let Some(&add) = self.additions.get(&project) else { return Some(project) };
        let expand = expand?;
        let x = self.graph.node(expand).inputs[0];
        let operands = &self.graph.node(add).inputs;
        (operands.contains(&x) && self.is_pointwise(expand)).then_some(add)
    }

    fn before(&self, window: NodeId) -> Option<NodeId> {
        let value = self.graph.node(window).inputs[0];
        let producer = self.graph.producer(value).filter(|node| self.dlp.contains(node))?;
        let conv = self.graph.node(producer).op_as::<QConv>()?;
        let alone = self.graph.only_consumer(value) == Some(window) && !self.outputs.contains(&value);
        (alone && conv.groups == 1).then_some(producer)
    }

    fn after(&self, window: NodeId) -> Option<NodeId> {
        let value = self.graph.node(window).outputs[0];
        let consumer = self.graph.only_consumer(value).filter(|node| self.dlp.contains(node))?;
        let fits = self.graph.node(consumer).inputs[0] == value
            && self.is_pointwise(consumer)
            && !self.outputs.contains(&value);
        fits.then_some(consumer)
    }

    /// Whether a node is a convolution of one group whose outputs each read one pixel, all of them in order.
    fn is_pointwise(&self, id: NodeId) -> bool {
        let node = self.graph.node(id);
        let Some(conv) = node.op_as::<QConv>() else { return false };
        let weights = &self.graph.ty(node.inputs[1]).shape;
        conv.groups == 1
            && weights[1..3] == [1, 1]
            && conv.stride == [1, 1]
            && conv.padding == [0; 4]
            && self.graph.ty(node.inputs[0]).shape[1..3] == self.graph.ty(node.outputs[0]).shape[1..3]
    }

    /// Cycles of a convolution as a layer, 0 if there is none; nothing if it has no images.
    fn alone(&mut self, node: Option<NodeId>) -> Option<f64> {
        let Some(node) = node else { return Some(0.0) };
        let problem = self.product(node)?;
        let forms = self.forms(node, &problem);
        let space = self.choices.rates().space();
        let simplified = problem.simplified();
        let joined = best_join(&simplified, self.choices.rates()).map(|(_, joined)| joined);
        let cycles = |problem: Problem| {
            let choice = self.choices.product(&problem, space);
            choice.map_or(f64::INFINITY, |choice| choice.estimate.cycles())
        };
        let forms = forms.into_iter().map(Problem::simplified).chain(joined);
        Some([simplified].into_iter().chain(forms).map(cycles).fold(f64::INFINITY, f64::min))
    }

    /// The other forms of a gather of channels that is a layer of its own, as its tiler sees them.
    fn forms(&self, id: NodeId, product: &Problem) -> Vec<Problem> {
        let weights = self.graph.constant(self.graph.node(id).inputs[1]);
        let Some(weights) = weights.filter(|_| self.is_pointwise(id)) else { return Vec::new() };
        let form = |form: Regrouped| {
            let channels = [form.x.channels, product.outputs];
            let grouping = Grouping::best(channels, form.groups, self.choices.rates());
            Problem {
                x: form.x,
                window: form.window,
                groups: form.groups / grouping.merged,
                inputs: grouping.inputs * grouping.merged,
                outputs: grouping.outputs * grouping.merged,
                ..*product
            }
        };
        regrouped(weights, &product.x).into_iter().map(form).collect()
    }

    fn problem(&self, block: &BlockNodes) -> Option<BlockProblem> {
        let one = |node: Option<NodeId>| match node {
            Some(node) => self.product(node).map(Some),
            None => Some(None),
        };
        let window = self.window(block.window)?;
        Some(BlockProblem { expand: one(block.expand)?, window, project: one(block.project)? })
    }

    /// A convolution as its tiler sees it.
    fn product(&self, id: NodeId) -> Option<Problem> {
        let problem = product_problem(self.graph, id)?;
        Some(Problem { residual: self.additions.get(&id).map(|_| problem.y), ..problem })
    }

    /// A depthwise convolution or max pool as its tiler sees it.
    fn window(&self, id: NodeId) -> Option<WindowProblem> {
        let node = self.graph.node(id);
        let window = match node.op_as::<QPool>() {
            Some(pool) => Window::new(pool.kernel, pool.stride, pool.padding, [1, 1]),
            None => {
                let weights = &self.graph.ty(node.inputs[1]).shape;
                Window::of(node.op_as::<QConv>()?, [weights[1], weights[2]])
            }
        };
        Some(WindowProblem {
            x: self.image(node.inputs[0])?,
            y: self.image(node.outputs[0])?,
            window,
            weighted: node.op_as::<QConv>().is_some(),
            table: false,
            element: 1,
        })
    }

    /// The value as if it lay densely in DRAM.
    fn image(&self, value: ValueId) -> Option<Image> {
        unplaced(self.graph, value)
    }
}

/// A convolution of one group alone, with its operands densely in DRAM.
pub(crate) fn product_problem(graph: &Graph, id: NodeId) -> Option<Problem> {
    let node = graph.node(id);
    let weights = &graph.ty(node.inputs[1]).shape;
    Some(Problem {
        x: unplaced(graph, node.inputs[0])?,
        y: unplaced(graph, node.outputs[0])?,
        window: Window::of(node.op_as::<QConv>()?, [weights[1], weights[2]]),
        groups: 1,
        inputs: weights[3] as u64,
        outputs: weights[0] as u64,
        summation: Summation::Any,
        epilogue: None,
        residual: None,
        table: false,
        staging: Staging::Constant,
        held: false,
    })
}

/// A value as a dense image at address 0: its extents count, it is never loaded or stored.
pub(crate) fn unplaced(graph: &Graph, value: ValueId) -> Option<Image> {
    let shape: Vec<u64> = graph.ty(value).shape.iter().map(|&extent| extent as u64).collect();
    View::dense(0, &shape).image()
}
