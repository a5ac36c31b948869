//! Which convolutions write their channels in the order in which a gather behind them takes them.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::QConv;
use ediacara_graph::{Graph, NodeId};

use crate::fuse::additions::is_depthwise;
use crate::fuse::blocks::{BlockNodes, product_problem};
use crate::place::segments::DlpPart;
use crate::program::shuffle::{picks, regrouped};
use crate::program::window::Window;
use crate::tile::choices::Choices;
use crate::tile::convolution::Problem;
use crate::tile::grouping::{Grouping, best_join};

/// A gather that the convolution before it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatherOf {
    /// The convolution.
    pub conv: NodeId,
    /// By output of the gather, the channel of the convolution.
    pub order: Vec<u32>,
}

/// Finds shuffles of channels (Zhang et al. 2018, ShuffleNet) that cost less as the order in which the convolution before them
/// writes its channels. If that has groups, the array then multiplies all channels by all, as the outputs of a group no longer
/// lie together. By gather. `taken` is what other layers do already.
pub(crate) fn fuse_gathers(
    graph: &Graph,
    part: &DlpPart,
    taken: &HashSet<NodeId>,
    choices: &mut Choices,
) -> HashMap<NodeId, GatherOf> {
    let dlp: HashSet<NodeId> = part.dlp.iter().copied().collect();
    let mut found = HashMap::new();
    for &gather in part.dlp.iter().filter(|node| !taken.contains(node)) {
        let value = graph.node(gather).inputs[0];
        let Some(order) = shuffle(graph, gather) else { continue };
        let Some(conv) = graph.producer(value).filter(|node| dlp.contains(node) && !taken.contains(node))
        else {
            continue;
        };
        let Some(op) = graph.node(conv).op_as::<QConv>() else { continue };
        let alone = graph.only_consumer(value) == Some(gather) && !found.contains_key(&conv);
        if alone && !is_depthwise(graph, conv, op) && is_faster(graph, [conv, gather], choices) == Some(true)
        {
            found.insert(gather, GatherOf { conv, order });
        }
    }
    found
}

/// The channels that a node takes, if it is a convolution that only puts all of them into another order.
fn shuffle(graph: &Graph, id: NodeId) -> Option<Vec<u32>> {
    let node = graph.node(id);
    let op = node.op_as::<QConv>()?;
    let [weights, bias, multiplier, shift] = [1, 2, 3, 4].map(|index| graph.constant(node.inputs[index]));
    let &[outputs, 1, 1, inputs] = weights?.shape() else { return None };
    let (multiplier, shift) = (multiplier?.as_slice::<i32>().ok()?, shift?.as_slice::<u8>().ok()?);
    let mut scales = multiplier.iter().zip(shift);
    let unscaled = scales.all(|(&multiplier, &shift)| i64::from(multiplier) == 1_i64 << shift.min(62));
    let plain = Window::of(op, [1, 1]) == Window::POINT && op.groups == 1 && op.w_zero == 0;
    let same = op.x_zero == op.y_zero && (op.low, op.high) == (i8::MIN, i8::MAX);
    let unbiased = bias?.as_slice::<i32>().ok()?.iter().all(|&bias| bias == 0);
    let picks = picks(weights?.as_slice::<i8>().ok()?, inputs)?;
    let all = outputs == inputs && picks.iter().collect::<HashSet<_>>().len() == outputs;
    let order = picks.into_iter().map(|pick| pick as u32).collect();
    (unscaled && plain && same && unbiased && all).then_some(order)
}

/// Whether the convolution that puts its channels in order is estimated to take less time than both by themselves; nothing if
/// one of them does not fit.
fn is_faster(graph: &Graph, [conv, gather]: [NodeId; 2], choices: &mut Choices) -> Option<bool> {
    let (rates, space) = (*choices.rates(), choices.rates().space());
    let mut cycles = |problem: Problem| {
        let simplified = problem.simplified();
        let joined = best_join(&simplified, &rates).map(|(_, joined)| joined);
        let choices =
            [Some(simplified), joined].into_iter().flatten().map(|form| choices.product(&form, space));
        choices.filter_map(|choice| Some(choice.ok()?.estimate.cycles())).reduce(f64::min)
    };
    let dense = product_problem(graph, conv)?;
    let moved = product_problem(graph, gather)?;
    let grouped = |x, window, channels: [u64; 2], groups, problem: &Problem| {
        let grouping = Grouping::best(channels, groups, &rates);
        let [inputs, outputs] = [grouping.inputs, grouping.outputs].map(|count| count * grouping.merged);
        Problem { x, window, groups: groups / grouping.merged, inputs, outputs, ..*problem }
    };
    let groups = graph.node(conv).op_as::<QConv>()?.groups as u64;
    let channels = [dense.x.channels, dense.outputs];
    let dense = Problem { inputs: dense.x.channels, ..dense };
    let apart = cycles(grouped(dense.x, dense.window, channels, groups, &dense))?;
    let weights = graph.constant(graph.node(gather).inputs[1])?;
    let forms = regrouped(weights, &moved.x).into_iter();
    let forms =
        forms.map(|form| grouped(form.x, form.window, [form.x.channels, moved.outputs], form.groups, &moved));
    let moved = forms.chain([moved]).filter_map(&mut cycles).reduce(f64::min)?;
    Some(cycles(dense)? < apart + moved)
}

/// The nodes that other layers do already.
pub(crate) fn taken(blocks: &[BlockNodes], additions: &HashMap<NodeId, (NodeId, usize)>) -> HashSet<NodeId> {
    let products = additions.values().map(|(product, _)| *product);
    blocks.iter().flat_map(BlockNodes::nodes).chain(products).collect()
}
