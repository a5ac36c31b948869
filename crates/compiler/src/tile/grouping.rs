//! Layers as their tilers see them: with groups merged and pixels joined where that fills the array better.

use ediacara_isa::ElementType;

use crate::program::layer::{Block, Conv, FloatWindow, Middle, Pool};
use crate::program::view::{Image, View};
use crate::tile::block::tiling::BlockProblem;
use crate::tile::convolution::{Problem, Staging, Summation};
use crate::tile::cost::Rates;
use crate::tile::epilogue::Epilogue;
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
    /// How pixels are joined.
    pub joint: Joint,
}

/// Neighbouring output pixels as the channels of one: a window as wide as theirs together, in which the weights of each are
/// zero but for its own taps. Where a few channels leave columns of the array idle, or a few inputs its rows, those of
/// several pixels leave fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joint {
    /// How many pixels.
    pub pixels: u64,
    /// Input steps from one to the next.
    pub step: u64,
}

impl Joint {
    /// No pixels are joined.
    pub(crate) const NONE: Joint = Joint { pixels: 1, step: 0 };
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
        Grouping { merged, inputs, outputs, joint: Joint::NONE }
    }

    /// Every group by itself.
    fn apart([inputs, outputs]: [u64; 2], groups: u64) -> Grouping {
        Grouping { merged: 1, inputs: inputs / groups, outputs: outputs / groups, joint: Joint::NONE }
    }

    /// All groups as one.
    fn all([inputs, outputs]: [u64; 2], groups: u64) -> Grouping {
        Grouping { merged: groups, inputs: inputs / groups, outputs: outputs / groups, joint: Joint::NONE }
    }
}

/// The product with so many neighbouring pixels joined; nothing if they do not fill rows, or do not lie next to each other.
fn join(problem: &Problem, pixels: u64) -> Option<Problem> {
    let [kernel, stride] = [problem.window.kernel[1], problem.window.stride[1]];
    let plain = problem.groups == 1
        && problem.staging == Staging::Constant
        && problem.window.dilation[1] == 1
        && problem.epilogue.is_none();
    let joined = |image: &Image| image.join(pixels);
    let residual = match &problem.residual {
        Some(image) => Some(joined(image)?),
        None => None,
    };
    let mut window = problem.window;
    (window.kernel[1], window.stride[1]) = (kernel + (pixels - 1) * stride, pixels * stride);
    let (y, outputs) = (joined(&problem.y)?, problem.outputs * pixels);
    plain.then_some(Problem { y, residual, window, outputs, ..*problem })
}

/// The number of joined pixels for which the array takes the fewest beats for all of them, if that is fewer than each by
/// itself takes by a twentieth; and the product with them joined.
pub(crate) fn best_join(problem: &Problem, rates: &Rates) -> Option<(u64, Problem)> {
    let beats = |problem: &Problem| {
        let [down, across] = problem.window.kernel;
        let row = match problem.x.has_contiguous_pixels(problem.inputs) {
            true => (across * problem.inputs).div_ceil(rates.rows),
            false => across * problem.inputs.div_ceil(rates.rows),
        };
        problem.y.width * down * row * problem.blocks(rates)
    };
    let alone = beats(problem);
    let joined = (2..=rates.columns).filter_map(|pixels| Some((pixels, join(problem, pixels)?)));
    joined.min_by_key(|(_, joined)| beats(joined)).filter(|(_, joined)| 20 * beats(joined) < 19 * alone)
}

/// The convolution as its tiler sees it, and how its groups are merged and its pixels joined.
pub(crate) fn convolution(conv: &Conv, rates: &Rates) -> (Problem, Grouping) {
    let channels = [conv.x.channels, conv.y.channels];
    let summation = summation(conv, rates);
    let mut grouping = match conv.order {
        // Groups that are merged would add zeros to the sums of real numbers.
        _ if summation != Summation::Any => Grouping::apart(channels, conv.groups),
        // The outputs of a group lie anywhere.
        Some(_) => Grouping::all(channels, conv.groups),
        None => Grouping::best(channels, conv.groups, rates),
    };
    let problem = Problem {
        x: conv.x,
        y: conv.y,
        window: conv.window,
        groups: conv.groups / grouping.merged,
        inputs: grouping.inputs * grouping.merged,
        outputs: grouping.outputs * grouping.merged,
        summation,
        epilogue: conv.epilogue.as_ref().map(|rows| Epilogue::of(rows, rates)),
        residual: conv.residual.map(|residual| residual.image),
        table: conv.table.is_some(),
        staging: conv.computed.as_ref().map_or(Staging::Constant, staging),
        held: conv.held.is_some(),
    };
    let simplified = problem.simplified();
    let axes = [simplified.y.batch, simplified.y.height, simplified.y.width];
    let may_be = conv.epilogue.as_ref().is_none_or(|rows| rows.over(&axes).is_some());
    let problem = if may_be { simplified } else { problem };
    // Where it lies now, a result may have no pixels next to each other.
    match join(&problem, conv.joined).filter(|_| conv.joined > 1) {
        None => (problem, grouping),
        Some(joined) => {
            grouping.joint = Joint { pixels: conv.joined, step: problem.window.stride[1] };
            (joined, grouping)
        }
    }
}

/// In which order a convolution sums (N-FLOAT-DOT): a stretch holds a row of the window where the channels of a group do not fill
/// a beat.
fn summation(conv: &Conv, rates: &Rates) -> Summation {
    let few = conv.x.channels / conv.groups.max(1) < rates.rows;
    match conv.element {
        ElementType::I8 => Summation::Any,
        _ if few && conv.window.kernel[1] > 1 && conv.window.dilation[1] == 1 => Summation::Rows,
        _ => Summation::Taps,
    }
}

/// A depthwise convolution as the tiler of windows sees it.
pub(crate) fn depthwise(conv: &Conv) -> WindowProblem {
    WindowProblem {
        x: conv.x,
        y: conv.y,
        window: conv.window,
        weighted: true,
        table: conv.table.is_some(),
        element: 1,
    }
}

/// A pool as the tiler of windows sees it.
pub(crate) fn pool(pool: &Pool) -> WindowProblem {
    WindowProblem { x: pool.x, y: pool.y, window: pool.window, weighted: false, table: false, element: 1 }
}

/// A window of real numbers as the tiler of windows sees it.
pub(crate) fn float_window(layer: &FloatWindow) -> WindowProblem {
    let (x, y, window, weighted) = (layer.x, layer.y, layer.window, layer.weights.is_some());
    WindowProblem { x, y, window, weighted, table: false, element: layer.types.a.bytes() as u64 }
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
        summation: Summation::Any,
        epilogue: None,
        residual: conv.residual.map(|residual| residual.image),
        table: conv.table.is_some(),
        staging: Staging::Constant,
        held: false,
    };
    let (x, y, window) = block.middle.shape();
    let weighted = matches!(block.middle, Middle::Depthwise(_));
    BlockProblem {
        expand: block.expand.as_ref().map(conv),
        window: WindowProblem { x, y, window, weighted, table: false, element: 1 },
        project: block.project.as_ref().map(conv),
    }
}

pub(crate) fn has_contiguous_terms(matrix: &View) -> bool {
    matrix.shape[1] == 1 || matrix.strides[1] == matrix.element
}

/// How a matrix that a layer computed comes to WRAM.
fn staging(matrix: &View) -> Staging {
    if matrix.packing.is_some() {
        return Staging::Packed;
    }
    match (matrix.is_kept(), has_contiguous_terms(matrix)) {
        (false, true) => Staging::Loaded,
        (false, false) => Staging::LoadedTransposed,
        (true, true) => Staging::Copied,
        (true, false) => Staging::Transposed,
    }
}
