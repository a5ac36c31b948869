//! Steps that multiply the channels of their operand by constant weights.

use super::weights::Weights;

/// The weights of such a step, and the channels that they read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear<'a> {
    /// `[outputs, inputs / groups, taps...]`.
    pub(crate) weights: &'a Weights,
    /// Groups of channels that do not see each other.
    pub(crate) groups: usize,
    /// Where the weights' input channels are among the operand's, if not at the same place.
    pub(crate) gathered: Option<&'a [usize]>,
    /// Whether it also reads zeros around its operand.
    pub(crate) is_padded: bool,
}

impl Linear<'_> {
    /// Whether factors of the operand's channels can go into the weights.
    pub(crate) fn takes_factors(&self) -> bool {
        matches!(self.weights, Weights::Real(_))
    }

    /// How many channels the weights read, through all groups.
    pub(crate) fn inputs(&self) -> usize {
        self.weights.shape()[1] * self.groups
    }

    /// The operand's channel that a channel of the weights reads; channels of the weights are counted through
    /// all groups.
    pub(crate) fn channel(&self, of_weights: usize) -> usize {
        self.gathered.map_or(of_weights, |gathered| gathered[of_weights])
    }

    /// The noise of all outputs, weighed by `out`, if a channel of the operand has noise of one; for each of
    /// its `channels`.
    pub(crate) fn carry_back(&self, out: &[f64], channels: usize) -> Vec<f64> {
        let mut back = vec![0.0; channels];
        let &[outputs, inputs, ref taps @ ..] = self.weights.shape() else { return back };
        let taps = taps.iter().product::<usize>().max(1);
        let outputs_of_group = (outputs / self.groups).max(1);
        for (output, row) in self.weights.numbers().chunks_exact((inputs * taps).max(1)).enumerate() {
            let first = output / outputs_of_group * inputs;
            for (channel, weights) in (first..).zip(row.chunks_exact(taps)) {
                let square: f32 = weights.iter().map(|weight| weight * weight).sum();
                back[self.channel(channel)] += f64::from(square) * out[output];
            }
        }
        back
    }

    /// The operand's channels whose weights share a scale with those of others, each with its largest
    /// absolute weight.
    pub(crate) fn largest_by_channel(&self) -> Vec<(usize, f32)> {
        // In a depthwise convolution each channel's weights have their own scale.
        if self.weights.shape()[1] == 1 && self.groups > 1 {
            return Vec::new();
        }
        let largest = self.weights.largest_by_input(self.groups).into_iter().enumerate();
        largest.map(|(channel, weight)| (self.channel(channel), weight)).collect()
    }
}
