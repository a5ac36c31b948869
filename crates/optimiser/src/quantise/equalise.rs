//! Equalisation brings the channels of activations between convolutions to one range, at no cost.

use std::collections::HashMap;

use ediacara_graph::ValueId;
use ediacara_graph::ops::Activation;

use super::balance::Noise;
use super::linear::Linear;
use super::plan::{Lowering, Plan};
use super::sensitivity::Sensitivity;
use super::shift::{offsets, shifted};
use crate::{Calibration, Range};

/// How many times as small as the largest factor of its tensor a channel's factor may be.
///
/// A nearly dead channel may do more than calibration saw of it.
const LARGEST_RATIO: f32 = 16.0;

/// The candidates for how much of the difference between channels goes to the weights that read them, which
/// share their scale too.
///
/// Each set of tensors that share factors takes the candidate that makes the least noise. All of it is best
/// for activations alone. A network whose samples say nothing of noise gets half.
const SHARES: [f32; 5] = [0.5, 0.625, 0.75, 0.875, 1.0];

/// How many times as wide as calibration saw it the range of a channel is that the host alone reads, but not wider than
/// that of its tensor.
///
/// No weights behind it tell channels apart, and few samples do not show what a channel will hold.
const CHANNEL_MARGIN: f32 = 2.0;

/// The part of such channels which are at most as wide as the narrowest range that one of them is given.
///
/// The wide channels beyond it are outliers. Where ranges differ throughout, as in a spectrum, a narrow channel is often
/// one that the samples did not excite.
const ORDINARY: f64 = 0.95;

/// How the channels of a step's result come from those of one operand.
///
/// It holds the result's channel for each of the operand's, and nothing for a channel that is dropped.
pub(crate) type ChannelMap = Vec<Option<usize>>;

/// The map of channels that stay as they are.
pub(crate) fn unmoved(channels: usize) -> ChannelMap {
    (0..channels).map(Some).collect()
}

/// The number by which each channel of a value is divided before it is stored, and the number that is
/// subtracted first.
///
/// Moving, pooling, adding and relu commute with such a division, if everything that is added is divided
/// alike. A convolution in front takes it into its weights and bias, where every output channel has its own
/// scale anyway. A convolution behind multiplies its weights by it. Source: Nagel et al., Data-Free
/// Quantization Through Weight Equalization and Bias Correction, 2019, section 4.1, carried through
/// everything linear between two convolutions.
#[derive(Debug, Default)]
pub(crate) struct Factors {
    by_value: HashMap<ValueId, Vec<f32>>,
    offsets: HashMap<ValueId, Vec<f32>>,
}

impl Factors {
    /// The factors of every stored value; 1 wherever any other operator reads or writes a channel.
    pub(crate) fn find(plan: &Plan, calibration: &Calibration) -> Factors {
        let mut channels = Channels::new(plan, calibration, offsets(plan, calibration));
        for lowering in plan.lowerings() {
            channels.connect(plan, lowering);
        }
        channels.measure(plan, calibration);
        channels.factors(plan, &Sensitivity::find(plan, calibration))
    }

    /// The factors of a value, if it is divided at all.
    pub(crate) fn get(&self, value: ValueId) -> Option<&[f32]> {
        self.by_value.get(&value).map(Vec::as_slice)
    }

    /// What is subtracted from a value's channels, if anything is.
    pub(crate) fn offsets(&self, value: ValueId) -> Option<&[f32]> {
        self.offsets.get(&value).map(Vec::as_slice)
    }

    /// The range of a value after subtraction and division.
    pub(crate) fn range(&self, value: ValueId, channels: &[Range]) -> Option<Range> {
        let (factors, offsets) = (self.get(value), self.offsets(value));
        factors.or(offsets).filter(|numbers| numbers.len() == channels.len())?;
        let divided = |(channel, range): (usize, Range)| {
            let factor = factors.map_or(1.0, |factors| factors[channel]);
            Range { low: range.low / factor, high: range.high / factor }
        };
        shifted(channels, offsets).into_iter().enumerate().map(divided).reduce(Range::union)
    }
}

/// Whether a value crosses the border of the network, which knows one scale for all channels, or that of a part of
/// it in an order in which channels have no axis.
fn is_border(plan: &Plan, value: ValueId) -> bool {
    let (is_read, is_written) = (plan.host_reads(value), plan.host_writes(value));
    let rank = plan.graph.ty(value).rank();
    let stored = plan.layout(value).zip(plan.channel_axis(value));
    let has_axis = stored.is_some_and(|(layout, axis)| layout.axis(rank, axis).is_some());
    plan.graph.is_output(value)
        || is_written && plan.comes_from_outside(value)
        || (is_read || is_written) && !has_axis
}

/// A set of channels that must share one factor.
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    /// The factor must be 1.
    pinned: bool,
    /// Whether weights multiply one of them.
    is_multiplied: bool,
    /// The largest absolute activation.
    activation: f32,
    /// The largest absolute weight that multiplies one of them and shares its scale with other channels'
    /// weights.
    weight: f32,
}

/// The channels of every stored value, as a forest: the root of each set knows all of it.
struct Channels {
    /// The first channel's index and the number of channels of each value.
    values: HashMap<ValueId, (usize, usize)>,
    parents: Vec<usize>,
    shared: Vec<Shared>,
    /// What is subtracted from the channels of some values.
    offsets: HashMap<ValueId, Vec<f32>>,
}

impl Channels {
    fn new(plan: &Plan, calibration: &Calibration, offsets: HashMap<ValueId, Vec<f32>>) -> Channels {
        let (values, parents, shared) = (HashMap::new(), Vec::new(), Vec::new());
        let mut channels = Channels { values, parents, shared, offsets };
        for lowering in plan.lowerings() {
            for &value in lowering.operands.iter().chain([&lowering.result]) {
                if channels.values.contains_key(&value) {
                    continue;
                }
                let first = channels.parents.len();
                let count = plan.channels(value);
                channels.values.insert(value, (first, count));
                channels.parents.extend(first..first + count);
                channels.shared.resize(first + count, Shared::default());
                // What is tied has one form in all steps.
                let is_tied = calibration.class(&plan.graph.value(value).name).is_some();
                // Channels that the host converts are told apart by what was measured of them alone.
                let is_unknown =
                    calibration.is_made_up() && (plan.host_reads(value) || plan.host_writes(value));
                if is_tied || is_unknown || is_border(plan, value) {
                    channels.pin(value);
                }
            }
        }
        channels
    }

    fn root(&self, mut channel: usize) -> usize {
        while self.parents[channel] != channel {
            channel = self.parents[channel];
        }
        channel
    }

    fn share(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        // Shortening the path on the way keeps later walks short.
        self.parents[right] = left;
        self.shared[left].pinned |= self.shared[right].pinned;
    }

    fn pin(&mut self, value: ValueId) {
        let (first, count) = self.values[&value];
        for channel in first..first + count {
            let root = self.root(channel);
            self.shared[root].pinned = true;
        }
    }

    /// Joins the channels that a step ties together, and pins those that it cannot divide.
    fn connect(&mut self, plan: &Plan, lowering: &Lowering) {
        if !matches!(lowering.activation, Activation::None | Activation::Relu) {
            self.pin(lowering.result);
        }
        if let Some(linear) = lowering.emit.as_linear() {
            if !linear.takes_factors() {
                self.pin(lowering.operands[0]);
            }
            return;
        }
        let result_count = self.values[&lowering.result].1;
        let Some(maps) = plan.channel_maps(lowering) else {
            self.pin(lowering.result);
            lowering.operands.iter().for_each(|&operand| self.pin(operand));
            return;
        };
        let result = self.values[&lowering.result].0;
        for (operand, map) in lowering.operands.iter().zip(maps) {
            let first = self.values[operand].0;
            for (channel, to) in map.into_iter().enumerate() {
                if let Some(to) = to.filter(|&to| to < result_count) {
                    self.share(result + to, first + channel);
                }
            }
        }
    }

    /// Finds what activations and weights each set of channels sees.
    fn measure(&mut self, plan: &Plan, calibration: &Calibration) {
        let largest = |range: &Range| range.high.max(-range.low);
        for (&value, &(first, count)) in &self.values.clone() {
            let statistics = calibration.statistics(&plan.graph.value(value).name);
            let ranges = statistics.map_or(&[][..], |statistics| statistics.channel_ranges());
            let ranges = shifted(ranges, self.offsets.get(&value).map(Vec::as_slice));
            if ranges.len() != count {
                self.pin(value);
            }
            for (channel, activation) in ranges.iter().map(largest).enumerate().take(count) {
                let root = self.root(first + channel);
                self.shared[root].activation = self.shared[root].activation.max(activation);
            }
        }
        for lowering in plan.lowerings() {
            let Some(linear) = lowering.emit.as_linear().filter(Linear::takes_factors) else { continue };
            let first = self.values[&lowering.operands[0]].0;
            for channel in 0..linear.inputs() {
                let root = self.root(first + linear.channel(channel));
                self.shared[root].is_multiplied = true;
            }
            for (channel, weight) in linear.largest_by_channel() {
                let root = self.root(first + channel);
                self.shared[root].weight = self.shared[root].weight.max(weight);
            }
        }
    }

    /// The factor that a set would have by itself, with a share for the weights that read it.
    ///
    /// Where each weight has its own scale (depthwise), the weights get all of it.
    fn wanted(&self, root: usize, share: f32) -> f32 {
        let Shared { activation, weight, .. } = self.shared[root];
        match (activation > 0.0, weight > 0.0) {
            (false, _) => 0.0,
            (true, true) => activation.powf(share) / weight.powf(1.0 - share),
            (true, false) => activation,
        }
    }

    fn factors(self, plan: &Plan, sensitivity: &Sensitivity) -> Factors {
        let mut by_root: HashMap<usize, f32> = HashMap::new();
        for tensors in self.tensors() {
            let mut roots: Vec<usize> = tensors
                .iter()
                .flat_map(|value| {
                    let (first, count) = self.values[value];
                    (first..first + count).map(|channel| self.root(channel))
                })
                .collect();
            roots.sort_unstable();
            roots.dedup();
            roots.retain(|&root| !self.shared[root].pinned);
            if let Some(factors) = self.unread(&roots) {
                by_root.extend(roots.into_iter().zip(factors));
                continue;
            }
            let noise = self.noise(plan, sensitivity, &tensors, &roots);
            let candidates = SHARES.iter().filter_map(|&share| self.candidate(&roots, share));
            let measured = candidates.map(|factors| (noise.of(&factors), factors));
            if let Some((_, factors)) = measured.min_by(|(left, _), (right, _)| left.total_cmp(right)) {
                by_root.extend(roots.into_iter().zip(factors));
            }
        }
        let of_value = |(&value, &(first, count)): (&ValueId, &(usize, usize))| {
            let factor = |channel| by_root.get(&self.root(channel)).copied().unwrap_or(1.0);
            let factors: Vec<f32> = (first..first + count).map(factor).collect();
            factors.iter().any(|&factor| factor != 1.0).then_some((value, factors))
        };
        let by_value = self.values.iter().filter_map(of_value).collect();
        Factors { by_value, offsets: self.offsets }
    }

    /// The factors of channels that no weights read, but the host; nothing if weights read one of them.
    fn unread(&self, roots: &[usize]) -> Option<Vec<f32>> {
        let ranges: Vec<f32> = roots.iter().map(|&root| self.shared[root].activation).collect();
        let mut ordered = ranges.clone();
        ordered.sort_unstable_by(f32::total_cmp);
        let ordinary = *ordered.get((ordered.len() as f64 * ORDINARY) as usize)?;
        let largest = *ordered.last()?;
        let is_unread = !roots.iter().any(|&root| self.shared[root].is_multiplied);
        let factor = |range: f32| (range.max(ordinary) * CHANNEL_MARGIN / largest).min(1.0);
        (is_unread && largest.is_finite() && largest > 0.0).then(|| ranges.into_iter().map(factor).collect())
    }

    /// The factors, for a share, of sets that are compared with one another; nothing if none of them is ever
    /// read.
    fn candidate(&self, roots: &[usize], share: f32) -> Option<Vec<f32>> {
        let wanted: Vec<f32> = roots.iter().map(|&root| self.wanted(root, share)).collect();
        let largest = wanted.iter().copied().fold(0.0, f32::max);
        let factor =
            |wanted: f32| if wanted > 0.0 { (wanted / largest).max(1.0 / LARGEST_RATIO) } else { 1.0 };
        (largest.is_finite() && largest > 0.0).then(|| wanted.into_iter().map(factor).collect())
    }

    /// The noise of tensors whose channels have these roots.
    fn noise(&self, plan: &Plan, sensitivity: &Sensitivity, tensors: &[ValueId], roots: &[usize]) -> Noise {
        let unknowns = |value: ValueId, channel: usize| {
            roots.binary_search(&self.root(self.values[&value].0 + channel)).ok()
        };
        let mut noise = Noise::default();
        for &value in tensors {
            let Some(statistics) = sensitivity.statistics(value) else { continue };
            let offsets = self.offsets.get(&value).map(Vec::as_slice);
            let ranges = shifted(statistics.channel_ranges(), offsets);
            noise.add_stored(plan, sensitivity, (value, &ranges), &unknowns);
        }
        for lowering in plan.lowerings().filter(|lowering| tensors.contains(&lowering.operands[0])) {
            noise.add_reader(plan, sensitivity, lowering, &unknowns);
        }
        noise
    }

    /// The values in sets that share channels, directly or by way of others.
    fn tensors(&self) -> Vec<Vec<ValueId>> {
        let mut values: Vec<ValueId> = self.values.keys().copied().collect();
        values.sort_unstable();
        let mut set_of_root: HashMap<usize, usize> = HashMap::new();
        let mut sets: Vec<Vec<ValueId>> = Vec::new();
        for value in values {
            let (first, count) = self.values[&value];
            let roots: Vec<usize> = (first..first + count).map(|channel| self.root(channel)).collect();
            let mut met: Vec<usize> =
                roots.iter().filter_map(|root| set_of_root.get(root).copied()).collect();
            met.sort_unstable();
            met.dedup();
            let set = met.first().copied().unwrap_or(sets.len());
            if set == sets.len() {
                sets.push(Vec::new());
            }
            for &other in met.iter().skip(1) {
                let moved = std::mem::take(&mut sets[other]);
                sets[set].extend(moved);
                set_of_root.values_mut().filter(|of| **of == other).for_each(|of| *of = set);
            }
            sets[set].push(value);
            set_of_root.extend(roots.into_iter().map(|root| (root, set)));
        }
        sets
    }
}
