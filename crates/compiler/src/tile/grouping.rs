//! Layers as their tilers see them.

use crate::program::layer::{Block, Conv, Middle, Pool};
use crate::program::view::View;
use crate::tile::block::tiling::BlockProblem;
use crate::tile::convolution::Problem;
use crate::tile::cost::Rates;
use crate::tile::window::WindowProblem;

/// How groups of the network are merged into groups of the array: `merged` of them side by side become one
/// dense product with zero weights between them, where that fills the array better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grouping {
    /// Groups of the network in one of the array.
    pub merged: u64,
    /// Input channels of one group of the network.
    pub inputs: u64,
    /// Output channels of one group of the network.
    pub outputs: u64,
}

impl Grouping {
    /// The cheapest grouping of a convolution from and to so many channels.
    pub(crate) fn best([inputs, outputs]: [u64; 2], groups: u64, rates: &Rates) -> Grouping {
        let (inputs, outputs) = (inputs / groups, outputs / groups);
        let beats = |merged: &u64| {
            let (steps, blocks) =
                ((merged * inputs).div_ceil(rates.rows), (merged * outputs).div_ceil(rates.columns));
            (groups / merged) * steps * blocks
        };
        let divisors = (1..=groups).filter(|merged| groups.is_multiple_of(*merged));
        let merged = divisors.min_by_key(|merged| (beats(merged), *merged)).unwrap_or(1);
        Grouping { merged, inputs, outputs }
    }
}

/// The convolution as its tiler sees it, and how its groups are merged.
pub(crate) fn convolution(conv: &Conv, rates: &Rates) -> (Problem, Grouping) {
    let grouping = Grouping::best([conv.x.channels, conv.y.channels], conv.groups, rates);
    let problem = Problem {
        x: conv.x,
        y: conv.y,
        window: conv.window,
        groups: conv.groups / grouping.merged,
        inputs: grouping.inputs * grouping.merged,
        outputs: grouping.outputs * grouping.merged,
        residual: conv.residual.map(|residual| residual.image),
        table: conv.table.is_some(),
        staging: conv.computed.as_ref().map_or(0, staging_slots),
        held: conv.held.is_some(),
    };
    (problem.simplified(), grouping)
}

/// A depthwise convolution as the tiler of windows sees it.
pub(crate) fn depthwise(conv: &Conv) -> WindowProblem {
    WindowProblem { x: conv.x, y: conv.y, window: conv.window, weighted: true, table: conv.table.is_some() }
}

/// A pool as the tiler of windows sees it.
pub(crate) fn pool(pool: &Pool) -> WindowProblem {
    WindowProblem { x: pool.x, y: pool.y, window: pool.window, weighted: false, table: false }
}

/// The block as its tiler sees it.
pub(crate) fn block(block: &Block) -> BlockProblem {
    let conv = |conv: &Conv| Problem {
        x: conv.x,
        y: conv.y,
        window: conv.window,
        groups: 1,
        inputs: conv.x.channels,
        outputs: conv.y.channels,
        residual: conv.residual.map(|residual| residual.image),
        table: conv.table.is_some(),
        staging: 0,
        held: false,
    };
    let (x, y, window) = block.middle.shape();
    let weighted = matches!(block.middle, Middle::Depthwise(_));
    BlockProblem {
        expand: block.expand.as_ref().map(conv),
        window: WindowProblem { x, y, window, weighted, table: false },
        project: block.project.as_ref().map(conv),
    }
}

pub(crate) fn has_contiguous_terms(matrix: &View) -> bool {
    matrix.shape[1] == 1 || matrix.strides[1] == 1
}

/// How many copies of a tile are in NRAM on its way.
pub(crate) fn staging_slots(matrix: &View) -> u64 {
    if has_contiguous_terms(matrix) { 1 } else { 2 }
}
