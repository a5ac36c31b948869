//! The integers of a layer: weights, and the records of N-REQUANTISE.

use std::borrow::Cow;

use ediacara_graph::{Rescaling, Tensor};
use ediacara_kernels::int8::{Multiplier, quantize, quantize_multiplier};
use rayon::prelude::*;

use super::rounding::{Factor, dot};
use super::weights::{Bias, Weights};
use crate::Result;
use crate::moments::Moments;

/// The limit of a bias, so that it cannot swallow the accumulator's range.
const BIAS_LIMIT: f64 = (1_u64 << 30) as f64;

/// A layer with output channels outermost in its weights.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    /// The weights `[outputs, inputs / groups, taps...]`.
    pub(crate) weights: &'a Weights,
    /// The bias, one number for each output channel.
    pub(crate) bias: Option<&'a Bias>,
    /// Groups of channels that do not see each other.
    pub(crate) groups: usize,
    /// What becomes of the sums before they are stored, if they are not stored as they are.
    pub(crate) rescaling: Option<&'a Rescaling>,
}

/// What is known of a layer's surroundings; all of it may be missing.
#[derive(Default)]
pub(crate) struct Knowledge<'a> {
    /// The mean of each channel of the real operand.
    pub(crate) means: Vec<f64>,
    /// How the inputs vary together.
    pub(crate) moments: Option<&'a Moments>,
    /// What was subtracted from each channel of the operand before it was divided.
    pub(crate) input_offsets: Option<Vec<f32>>,
    /// What is to be subtracted from each channel of the result before it is divided.
    pub(crate) output_offsets: Option<Vec<f32>>,
    /// The number by which each channel of the operand was divided before it was stored.
    pub(crate) input_factors: Option<Vec<f32>>,
    /// The number by which each channel of the result is to be divided.
    pub(crate) output_factors: Option<Vec<f32>>,
}

/// Weights as integers, in the order of the real ones.
pub(crate) struct Integers {
    /// The integers.
    pub(crate) values: Vec<i8>,
    /// One scale for each output channel.
    pub(crate) scales: Vec<f32>,
    /// The zero point of all.
    pub(crate) zero: i8,
}

/// The records of N-REQUANTISE, one entry for each output channel.
pub(crate) struct Records {
    /// `bias`, i32.
    pub(crate) bias: Tensor,
    /// `multiplier`, i32.
    pub(crate) multiplier: Tensor,
    /// `shift`, u8.
    pub(crate) shift: Tensor,
}

impl Integers {
    /// Whether all weights of an output channel stand for zero.
    fn is_dead(&self, channel: usize) -> bool {
        let length = self.values.len() / self.scales.len().max(1);
        self.values[channel * length..][..length].iter().all(|&value| value == self.zero)
    }
}

impl Layer<'_> {
    /// The layer's integers, with their records.
    ///
    /// Weights stay as they were given, or become symmetric per output channel with zero point 0. In the
    /// second case the bias is corrected for their rounding.
    ///
    /// `multiplier` gives the multiplier that stands for a ratio of scales.
    pub(crate) fn quantise(
        &self,
        [x_scale, y_scale]: [f32; 2],
        knowledge: &Knowledge,
        multiplier: impl Fn(f64) -> Result<Multiplier>,
    ) -> Result<(Integers, Records)> {
        let tensor = match self.weights {
            Weights::Stored { values, scales, zero } => {
                let integers =
                    Integers { values: values.to_vec::<i8>()?, scales: scales.clone(), zero: *zero };
                let factors = knowledge.output_factors.as_deref();
                let records = self.records((x_scale, y_scale, factors), &integers, self.bias, multiplier)?;
                return Ok((integers, records));
            }
            Weights::Real(tensor) => tensor,
        };
        let mut real = RealLayer::new(tensor, self.bias, self.groups)?;
        real.take_offsets(knowledge);
        real.take_factors(knowledge);
        let scales = real.scales(x_scale);
        let values = real.rounded(&scales, knowledge)?;
        real.correct_bias(&values, &scales, knowledge);
        let integers = Integers { values, scales, zero: 0 };
        let records =
            self.records((x_scale, y_scale, None), &integers, Some(&Bias::Real(real.bias)), multiplier)?;
        Ok((integers, records))
    }

    /// The records of a layer: N-BIAS and N-MULTIPLIER for each output channel.
    ///
    /// The result's channels are divided by `factors`, if the weights are not divided already.
    fn records(
        &self,
        (x_scale, y_scale, factors): (f32, f32, Option<&[f32]>),
        integers: &Integers,
        bias: Option<&Bias>,
        multiplier: impl Fn(f64) -> Result<Multiplier>,
    ) -> Result<Records> {
        let channels = integers.scales.len();
        let (mut biases, mut multipliers, mut shifts) =
            (vec![0; channels], vec![0; channels], vec![0; channels]);
        for (channel, &w_scale) in integers.scales.iter().enumerate() {
            let scale = f64::from(x_scale) * f64::from(w_scale);
            let (factor, offset) =
                self.rescaling.map_or((1.0, 0.0), |rescaling| rescaling.of_channel(channel));
            let y_scale = f64::from(y_scale) * factors.map_or(1.0, |factors| f64::from(factors[channel]));
            let ratio = scale * factor / y_scale;
            let own = bias.map_or(0, |bias| bias.integer(channel, scale));
            // The cast saturates.
            biases[channel] = (f64::from(own) + offset / (scale * factor)).round() as i32;
            // A pruned channel has an arbitrary scale and always accumulates 0, so that every multiplier is
            // right.
            let is_any_right =
                quantize_multiplier(ratio).is_err() && biases[channel] == 0 && integers.is_dead(channel);
            let multiplier =
                if is_any_right { Multiplier { value: 0, shift: 1 } } else { multiplier(ratio)? };
            multipliers[channel] = multiplier.value;
            shifts[channel] = multiplier.shift;
        }
        Ok(Records {
            bias: Tensor::from_vec(&[channels], biases)?,
            multiplier: Tensor::from_vec(&[channels], multipliers)?,
            shift: Tensor::from_vec(&[channels], shifts)?,
        })
    }
}

/// A layer's real numbers on their way to integers.
struct RealLayer<'a> {
    /// `[outputs, inputs, taps]`.
    weights: Cow<'a, [f32]>,
    /// `[outputs]`.
    bias: Vec<f32>,
    outputs: usize,
    /// Input channels of one group.
    inputs: usize,
    taps: usize,
    groups: usize,
}

impl<'a> RealLayer<'a> {
    fn new(weights: &'a Tensor, bias: Option<&Bias>, groups: usize) -> Result<RealLayer<'a>> {
        let outputs = weights.shape().first().copied().unwrap_or(1);
        let inputs = weights.shape().get(1).copied().unwrap_or(1);
        let taps = weights.shape().iter().skip(2).product();
        let bias = (0..outputs).map(|channel| bias.map_or(0.0, |bias| bias.real(channel))).collect();
        Ok(RealLayer { weights: Cow::Borrowed(weights.as_slice()?), bias, outputs, inputs, taps, groups })
    }

    /// The operand's channels that an output channel sees.
    fn channels(&self, output: usize) -> std::ops::Range<usize> {
        let group = output / (self.outputs / self.groups).max(1);
        group * self.inputs..(group + 1) * self.inputs
    }

    fn row_length(&self) -> usize {
        self.inputs * self.taps
    }

    /// Adds to the bias what the operand's offsets would have added to the result, and subtracts the result's
    /// own.
    fn take_offsets(&mut self, knowledge: &Knowledge) {
        if knowledge.input_offsets.is_none() && knowledge.output_offsets.is_none() {
            return;
        }
        let length = self.row_length();
        for output in 0..self.outputs {
            let channels = self.channels(output);
            let row = &self.weights[output * length..][..length];
            let moved = knowledge.input_offsets.as_ref().map_or(0.0, |offsets| {
                let products = row.iter().enumerate().map(|(at, &weight)| {
                    f64::from(weight) * f64::from(offsets[channels.start + at / self.taps])
                });
                products.sum()
            });
            let own = knowledge.output_offsets.as_ref().map_or(0.0, |offsets| f64::from(offsets[output]));
            self.bias[output] = (f64::from(self.bias[output]) + moved - own) as f32;
        }
    }

    /// Multiplies by the factors of the operand, and divides by those of the result.
    fn take_factors(&mut self, knowledge: &Knowledge) {
        if knowledge.input_factors.is_none() && knowledge.output_factors.is_none() {
            return;
        }
        let (taps, length) = (self.taps.max(1), self.row_length());
        let divisor =
            |output: usize| knowledge.output_factors.as_ref().map_or(1.0, |factors| factors[output]);
        self.bias.iter_mut().enumerate().for_each(|(output, bias)| *bias /= divisor(output));
        if length == 0 {
            return;
        }
        let channels: Vec<usize> = (0..self.outputs).map(|output| self.channels(output).start).collect();
        self.weights.to_mut().par_chunks_exact_mut(length).enumerate().for_each(|(output, row)| {
            for (channel, weights) in (channels[output]..).zip(row.chunks_exact_mut(taps)) {
                let factor = knowledge.input_factors.as_ref().map_or(1.0, |factors| factors[channel])
                    / divisor(output);
                weights.iter_mut().for_each(|weight| *weight *= factor);
            }
        });
    }

    /// The smallest scale of each output channel with which its largest weight fits and its bias stays small
    /// enough.
    fn scales(&self, x_scale: f32) -> Vec<f32> {
        let scale = |output: usize| {
            let row = &self.weights[output * self.row_length()..][..self.row_length()];
            let largest = largest_magnitude(row);
            let floor = f64::from(self.bias[output].abs()) / (f64::from(x_scale) * BIAS_LIMIT);
            let scale = (f64::from(largest) / 127.0).max(floor) as f32;
            if scale > f32::MIN_POSITIVE { scale } else { 1.0 }
        };
        (0..self.outputs).map(scale).collect()
    }

    /// The weights as integers.
    ///
    /// If it is known how the inputs vary together, they are rounded so that errors compensate each other;
    /// otherwise they are rounded to the nearest.
    fn rounded(&self, scales: &[f32], knowledge: &Knowledge) -> Result<Vec<i8>> {
        let mut values = vec![0; self.weights.len()];
        if values.is_empty() {
            return Ok(values);
        }
        let (rows, length) = ((self.outputs / self.groups).max(1), self.row_length());
        let groups = self.weights.chunks(rows * length).zip(scales.chunks(rows));
        for (group, ((weights, scales), values)) in groups.zip(values.chunks_mut(rows * length)).enumerate() {
            match self.factor(group, knowledge) {
                Some(factor) => factor.round(weights, scales, values),
                // The largest weight is at most 127 times the scale, so that none becomes -128.
                None => {
                    let rows = weights.par_chunks(length).zip(scales).zip(values.par_chunks_mut(length));
                    rows.try_for_each(|((weights, &scale), values)| quantize(weights, scale, 0, values))?;
                }
            }
        }
        Ok(values)
    }

    fn factor(&self, group: usize, knowledge: &Knowledge) -> Option<Factor> {
        let moments = knowledge.moments.filter(|moments| moments.size() == self.row_length())?;
        let mut covariance = moments.covariance(group);
        if let Some(factors) = &knowledge.input_factors {
            let size = self.row_length();
            let factor = |at: usize| f64::from(factors[group * self.inputs + at / self.taps]);
            let factors: Vec<f64> = (0..size).map(factor).collect();
            for (row, &of_row) in covariance.chunks_exact_mut(size).zip(&factors) {
                row.iter_mut().zip(&factors).for_each(|(entry, factor)| *entry /= of_row * factor);
            }
        }
        Factor::new(&covariance, self.row_length())
    }

    /// Corrects the bias for the change that rounding the weights makes to the mean of each output channel.
    ///
    /// With inputs of mean `mean[c]` the rounded weights add `sum((rounded - w)[o, c, tap] * mean[c])` to
    /// output channel `o`; the same is subtracted here. Padding, whose mean is 0, counts as ordinary input.
    /// Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019,
    /// section 4.2, with measured means.
    fn correct_bias(&mut self, values: &[i8], scales: &[f32], knowledge: &Knowledge) {
        if knowledge.means.len() != self.inputs * self.groups {
            return;
        }
        let mean = |channel: usize| {
            let of_channel = |numbers: &Option<Vec<f32>>| numbers.as_ref().map(|all| f64::from(all[channel]));
            let offset = of_channel(&knowledge.input_offsets).unwrap_or(0.0);
            (knowledge.means[channel] - offset) / of_channel(&knowledge.input_factors).unwrap_or(1.0)
        };
        let means: Vec<f64> = (0..knowledge.means.len()).map(mean).collect();
        let (length, taps) = (self.row_length(), self.taps.max(1));
        let corrected = |output: usize| {
            let scale = f64::from(scales[output]);
            let (real, stored) =
                (&self.weights[output * length..][..length], &values[output * length..][..length]);
            let error = |(&real, &stored): (&f32, &i8)| f64::from(stored) * scale - f64::from(real);
            let channels = real.chunks_exact(taps).zip(stored.chunks_exact(taps));
            let errors: Vec<f64> =
                channels.map(|(real, stored)| real.iter().zip(stored).map(error).sum()).collect();
            (f64::from(self.bias[output]) - dot(&errors, &means[self.channels(output)])) as f32
        };
        self.bias = (0..self.outputs).into_par_iter().map(corrected).collect();
    }
}

/// The largest absolute number; 0 if there is none.
fn largest_magnitude(numbers: &[f32]) -> f32 {
    /// So many maxima are found side by side, because each would wait for the one before.
    const LANES: usize = 16;
    let mut largest = [0.0_f32; LANES];
    let chunks = numbers.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (largest, number) in largest.iter_mut().zip(chunk) {
            let magnitude = number.abs();
            *largest = if magnitude > *largest { magnitude } else { *largest };
        }
    }
    rest.iter().chain(&largest).fold(0.0, |largest, number| number.abs().max(largest))
}
