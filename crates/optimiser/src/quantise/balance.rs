//! The cost of a choice of factors: the noise in the answers that it would make.
//!
//! Three things make noise. Activations are rounded in steps that the widest channel of their tensor sets.
//! Weights are rounded in steps that the largest of a row sets. A new sample goes beyond the range that
//! calibration saw, the sooner the less room a channel has left. Channels that are brought to full range gain
//! by the first and lose by the others.

use ediacara_graph::ValueId;
use rayon::prelude::*;

use super::linear::Linear;
use super::plan::{Lowering, Plan};
use super::sensitivity::{Sensitivity, pixels};
use crate::Range;

/// Noise of a number rounded in steps of 1.
const ROUNDING: f64 = 1.0 / 12.0;

/// How much more the noise of weights counts than the model of independent errors says.
///
/// Each weight meets every pixel alike, so that its effects on an answer add up. The number was found on
/// photos that no bound is measured on.
const WEIGHT_PENALTY: f64 = 4.0;

/// How many numbers of a channel go beyond its range together if one does: the blob that a feature makes.
///
/// It was found on the same photos.
const CLIPPED_TOGETHER: f64 = 4.0;

/// The channels of one tensor.
#[derive(Default)]
struct Stored {
    /// Which of the unknown factors divides each channel; none for a channel that stays as it is.
    unknowns: Vec<Option<usize>>,
    /// The part of the tensor's range that each channel needs, undivided.
    widths: Vec<f64>,
    /// How far a channel would go beyond its width.
    excesses: Vec<f64>,
    /// The cost of noise in all of a channel's numbers.
    costs: Vec<f64>,
    /// The cost of cutting a number off, for an excess of 1.
    clip_costs: Vec<f64>,
}

/// The weights of one layer that reads one of the tensors.
struct Reader {
    /// `[outputs, inputs of a group]`: the largest of the taps.
    largest: Vec<f32>,
    inputs: usize,
    outputs_of_group: usize,
    /// For each channel that is read, the unknown factor and the variance of what one output sees of it.
    channels: Vec<(Option<usize>, f64)>,
    /// The cost of noise in all numbers of an output channel.
    costs: Vec<f64>,
}

/// The noise of tensors that share factors, and of the weights that read them.
#[derive(Default)]
pub(crate) struct Noise {
    stored: Vec<Stored>,
    readers: Vec<Reader>,
}

/// Which of the unknown factors divides a channel of a value.
pub(crate) type Unknowns<'a> = dyn Fn(ValueId, usize) -> Option<usize> + 'a;

impl Noise {
    /// Adds a tensor whose channels have these ranges once their offsets are taken off.
    pub(crate) fn add_stored(
        &mut self,
        plan: &Plan,
        sensitivity: &Sensitivity,
        (value, ranges): (ValueId, &[Range]),
        unknowns: &Unknowns,
    ) {
        let (Some(weights), Some(statistics)) = (sensitivity.get(value), sensitivity.statistics(value))
        else {
            return;
        };
        let Some(whole) = ranges.iter().copied().reduce(Range::union).map(Range::with_zero) else { return };
        if ranges.len() != weights.len() || whole.width() <= 0.0 {
            return;
        }
        // A channel of one sign in a tensor of two signs needs as much on the other side.
        let span = whole.width() / reach(whole);
        let clip = CLIPPED_TOGETHER * 2.0 * statistics.probability_of_excess();
        self.stored.push(Stored {
            unknowns: (0..ranges.len()).map(|channel| unknowns(value, channel)).collect(),
            widths: ranges.iter().map(|&range| span * reach(range)).collect(),
            excesses: statistics.excesses(),
            costs: weights.iter().map(|weight| weight * pixels(plan, value)).collect(),
            clip_costs: weights.iter().map(|weight| weight * clip).collect(),
        });
    }

    /// Adds a layer that reads one of the tensors, unless each channel's weights have a scale of their own.
    pub(crate) fn add_reader(
        &mut self,
        plan: &Plan,
        sensitivity: &Sensitivity,
        lowering: &Lowering,
        unknowns: &Unknowns,
    ) {
        let value = lowering.operands[0];
        let Some(linear) = lowering.emit.as_linear().filter(Linear::takes_factors) else { return };
        let &[outputs, inputs, ref taps @ ..] = linear.weights.shape() else { return };
        let variances = sensitivity.statistics(value).map(|statistics| statistics.variances());
        let variances = variances.unwrap_or_default();
        let Some(weights) = sensitivity.before_activation(lowering).filter(|_| !variances.is_empty()) else {
            return;
        };
        let groups = linear.groups;
        if inputs == 1 && groups > 1 {
            return;
        }
        let taps = taps.iter().product::<usize>().max(1);
        let largest = |taps: &[f32]| taps.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let channel = |channel: usize| {
            let channel = linear.channel(channel);
            (unknowns(value, channel), variances[channel] * taps as f64)
        };
        let all = WEIGHT_PENALTY * pixels(plan, lowering.result);
        self.readers.push(Reader {
            largest: linear.weights.numbers().par_chunks_exact(taps).map(largest).collect(),
            inputs,
            outputs_of_group: (outputs / groups).max(1),
            channels: (0..inputs * groups).map(channel).collect(),
            costs: weights.iter().map(|weight| weight * all).collect(),
        });
    }

    /// The noise that these values of the unknown factors make.
    pub(crate) fn of(&self, factors: &[f32]) -> f64 {
        let stored = self.stored.iter().map(|stored| stored.noise(factors)).sum::<f64>();
        stored + self.readers.iter().map(|reader| reader.noise(factors)).sum::<f64>()
    }
}

/// The largest absolute number.
fn reach(range: Range) -> f64 {
    f64::from(range.high.max(-range.low))
}

fn factor(factors: &[f32], unknown: Option<usize>) -> f64 {
    unknown.map_or(1.0, |unknown| f64::from(factors[unknown]))
}

impl Stored {
    fn noise(&self, factors: &[f32]) -> f64 {
        let factor = |channel: usize| factor(factors, self.unknowns[channel]);
        let range =
            (0..self.widths.len()).map(|channel| self.widths[channel] / factor(channel)).fold(0.0, f64::max);
        let of_channel = |channel: usize| {
            let step = range / 255.0 * factor(channel);
            let rounded = self.costs[channel] * ROUNDING * step * step;
            let excess = self.excesses[channel];
            if excess <= 0.0 {
                return rounded;
            }
            // The part of an exponential tail that lies beyond the room.
            let room = (range * factor(channel) - self.widths[channel]).max(0.0);
            rounded + self.clip_costs[channel] * excess * excess * (-room / excess).exp()
        };
        (0..self.widths.len()).map(of_channel).sum()
    }
}

impl Reader {
    fn noise(&self, factors: &[f32]) -> f64 {
        let of_group = |(group, channels): (usize, &[(Option<usize>, f64)])| {
            let factors: Vec<f64> = channels.iter().map(|&(unknown, _)| factor(factors, unknown)).collect();
            let outputs = group * self.outputs_of_group..(group + 1) * self.outputs_of_group;
            let steps = outputs.map(|output| {
                let row = &self.largest[output * self.inputs..][..self.inputs];
                let step = largest_product(row, &factors) / 127.0;
                self.costs[output] * ROUNDING * step * step
            });
            let seen =
                channels.iter().zip(&factors).map(|((_, variance), factor)| variance / (factor * factor));
            steps.sum::<f64>() * seen.sum::<f64>()
        };
        self.channels.chunks_exact(self.inputs).enumerate().map(of_group).sum()
    }
}

/// The largest product of two numbers that are not negative.
///
/// So many are found side by side, because each maximum would wait for the one before.
fn largest_product(left: &[f32], right: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut largest = [0.0_f64; LANES];
    let mut look = |lane: usize, left: f32, right: f64| {
        let product = f64::from(left) * right;
        largest[lane] = if product > largest[lane] { product } else { largest[lane] };
    };
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left.iter().zip(right) {
        (0..LANES).for_each(|lane| look(lane, left[lane], right[lane]));
    }
    left_rest.iter().zip(right_rest).for_each(|(&left, &right)| look(0, left, right));
    largest.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) -> bool {
        (found / wanted - 1.0).abs() < 1e-9
    }

    #[test]
    fn a_small_factor_makes_finer_steps() {
        let stored = Stored {
            unknowns: vec![None, Some(0)],
            widths: vec![255.0, 51.0],
            excesses: vec![0.0, 0.0],
            costs: vec![12.0, 24.0],
            clip_costs: vec![0.0, 0.0],
        };
        // Steps of 1 in both channels, then of 0.5 in the second.
        assert!(close(stored.noise(&[1.0]), 3.0));
        assert!(close(stored.noise(&[0.5]), 1.5));
        // The second channel is the widest: 51 / 0.125 = 408, steps of 1.6 and 0.2.
        assert!(close(stored.noise(&[0.125]), 2.56 + 2.0 * 0.04));
    }

    #[test]
    fn room_keeps_from_clipping() {
        let stored = Stored {
            unknowns: vec![None, Some(0)],
            widths: vec![256.0, 64.0],
            excesses: vec![0.0, 64.0],
            costs: vec![0.0, 0.0],
            clip_costs: vec![1.0, 1.0],
        };
        // There is room for three times its width, then for none.
        assert!(close(stored.noise(&[1.0]), 64.0 * 64.0 * (-3.0_f64).exp()));
        assert!(close(stored.noise(&[0.25]), 64.0 * 64.0));
    }

    #[test]
    fn rows_of_weights_are_rounded_in_steps_of_their_largest() {
        let reader = Reader {
            largest: vec![127.0, 63.5],
            inputs: 2,
            outputs_of_group: 1,
            channels: vec![(None, 1.0), (Some(0), 3.0)],
            costs: vec![12.0],
        };
        // Both channels have a step of 1. A factor of 4 makes one of 2, and the second channel 16 times as
        // small.
        assert!(close(reader.noise(&[1.0]), 4.0));
        assert!(close(reader.noise(&[4.0]), 4.0 * (1.0 + 3.0 / 16.0)));
    }
}
