//! Calibration: the statistics of every real value of a graph over sample inputs.

use std::collections::{BTreeMap, BTreeSet};

use ediacara_graph::{DType, Graph, Tensor, ValueId};
use ediacara_host::Executor;
use rayon::prelude::*;

use crate::assumed;
use crate::channels::ChannelAxes;
use crate::moments::{self, Layer, Moments};
use crate::{OptimiserError, Range, Result};

/// The statistics of one real (f32) value over the samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// The smallest and the largest number.
    range: Range,
    /// The smallest and the largest number of each channel.
    channels: Vec<Range>,
    /// The sum of each channel's means over the samples.
    sums: Vec<f64>,
    /// The sum of each channel's mean squares over the samples.
    squares: Vec<f64>,
    /// The sum of each channel's shares of positive numbers over the samples.
    positives: Vec<f64>,
    /// The sum of the widths of each channel's ranges in the samples.
    widths: Vec<f64>,
    samples: usize,
}

impl Statistics {
    /// A value of which only the range is known.
    pub fn of_range(range: Range) -> Statistics {
        let none = Vec::new;
        Statistics {
            range,
            channels: Vec::new(),
            sums: none(),
            squares: none(),
            positives: none(),
            widths: none(),
            samples: 0,
        }
    }

    /// The smallest and the largest number.
    pub fn range(&self) -> Range {
        self.range
    }

    /// The smallest and the largest number of each channel; empty if the value has no channels.
    ///
    /// Channels are the indices of axis 1, or of the last axis where a constant matrix multiplies rows.
    pub fn channel_ranges(&self) -> &[Range] {
        &self.channels
    }

    /// The mean of each channel; empty if it is not known, or if the value has no channels.
    pub fn channel_means(&self) -> Vec<f64> {
        self.averages(&self.sums)
    }

    /// The variance of each channel; empty where there are no means.
    pub(crate) fn variances(&self) -> Vec<f64> {
        let means = self.channel_means();
        let squares = self.averages(&self.squares);
        squares.iter().zip(means).map(|(square, mean)| (square - mean * mean).max(0.0)).collect()
    }

    /// The share of each channel's numbers that are positive; empty where there are no means.
    pub(crate) fn positive_shares(&self) -> Vec<f64> {
        self.averages(&self.positives)
    }

    /// How far each channel would probably go beyond its range in a new sample that exceeds it.
    ///
    /// It is empty where there are no means.
    ///
    /// If the widths of the samples have an exponential tail of mean `b`, the largest of `n` lies on average
    /// `b (1/2 + ... + 1/n)` above their mean. A new one that is larger exceeds it by `b`. One sample does
    /// not show this; photos show a sixth of the width.
    pub(crate) fn excesses(&self) -> Vec<f64> {
        let harmonic: f64 = (2..=self.samples).map(|number| 1.0 / number as f64).sum();
        let excess = |(range, mean): (&Range, f64)| {
            if self.samples < 2 { range.width() / 6.0 } else { (range.width() - mean).max(0.0) / harmonic }
        };
        self.channels.iter().zip(self.averages(&self.widths)).map(excess).collect()
    }

    /// The probability that a new sample goes beyond a channel's range: any of all samples may be the
    /// largest.
    pub(crate) fn probability_of_excess(&self) -> f64 {
        1.0 / (self.samples as f64 + 1.0)
    }

    fn averages(&self, sums: &[f64]) -> Vec<f64> {
        sums.iter().map(|sum| sum / self.samples as f64).collect()
    }

    /// Statistics of one sample, whose channels lie along `axis`; nothing if a number is infinite or not a number.
    fn of_sample(tensor: &Tensor, numbers: &[f32], axis: Option<usize>) -> Option<Statistics> {
        let Some(axis) = axis.filter(|&axis| axis < tensor.rank()) else {
            return Some(Statistics::of_range(Range::of(numbers)?));
        };
        let channels = tensor.shape()[axis];
        let planes = match tensor.shape()[axis + 1..].iter().product() {
            1 => Plane::columns(numbers, channels),
            each => Plane::all(numbers, each),
        };
        let [mut sums, mut squares, mut positives] = [(); 3].map(|()| vec![0.0; channels]);
        let numbers_of_channel = (numbers.len() / channels.max(1)) as f64;
        let mut ranges: Vec<Range> = Vec::with_capacity(channels);
        for (index, plane) in planes.iter().enumerate() {
            let (channel, range) = (index % channels, plane.range()?);
            match ranges.get_mut(channel) {
                Some(known) => *known = known.union(range),
                None => ranges.push(range),
            }
            sums[channel] += f64::from(plane.sum) / numbers_of_channel;
            squares[channel] += f64::from(plane.square) / numbers_of_channel;
            positives[channel] += f64::from(plane.positives) / numbers_of_channel;
        }
        let range = ranges.iter().copied().reduce(Range::union)?;
        let widths = ranges.iter().map(|range| range.width()).collect();
        Some(Statistics { range, channels: ranges, sums, squares, positives, widths, samples: 1 })
    }

    fn join(&mut self, other: &Statistics) {
        self.range = self.range.union(other.range);
        self.samples += other.samples;
        self.channels.iter_mut().zip(&other.channels).for_each(|(range, &other)| *range = range.union(other));
        let sums = [
            (&mut self.sums, &other.sums),
            (&mut self.squares, &other.squares),
            (&mut self.positives, &other.positives),
            (&mut self.widths, &other.widths),
        ];
        for (own, other) in sums {
            own.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        }
    }
}

/// Numbers of one channel: one image's, or those of neighbouring rows.
#[derive(Clone)]
struct Plane {
    low: f32,
    high: f32,
    /// An f32 sum over one plane is exact enough for a mean that only corrects a bias, and for a rough
    /// variance.
    sum: f32,
    square: f32,
    positives: u32,
    is_finite: bool,
}

impl Plane {
    /// So many numbers are looked at side by side, because each addition to one sum would wait for the one
    /// before.
    const LANES: usize = 16;
    const EMPTY: Plane = Plane {
        low: f32::INFINITY,
        high: f32::NEG_INFINITY,
        sum: 0.0,
        square: 0.0,
        positives: 0,
        is_finite: true,
    };
    /// Fewer numbers than this are not worth a second thread.
    const WORTH_A_THREAD: usize = 1 << 15;

    /// The planes of a tensor, of `each` numbers.
    fn all(numbers: &[f32], each: usize) -> Vec<Plane> {
        let together = Plane::WORTH_A_THREAD.div_ceil(each.max(1));
        numbers.par_chunks_exact(each).with_min_len(together).map(Plane::of).collect()
    }

    /// The columns of rows of `channels` numbers, for a number of rows at a time.
    fn columns(numbers: &[f32], channels: usize) -> Vec<Plane> {
        let rows = Plane::WORTH_A_THREAD.div_ceil(channels.max(1));
        let of_rows = |rows: &[f32]| {
            let mut columns = vec![Plane::EMPTY; channels];
            for row in rows.chunks_exact(channels) {
                columns.iter_mut().zip(row).for_each(|(column, &number)| column.look(number));
            }
            columns
        };
        numbers.par_chunks(rows * channels.max(1)).flat_map_iter(of_rows).collect()
    }

    fn look(&mut self, number: f32) {
        self.low = if number < self.low { number } else { self.low };
        self.high = if number > self.high { number } else { self.high };
        self.sum += number;
        self.square += number * number;
        self.positives += u32::from(number > 0.0);
        self.is_finite &= number.is_finite();
    }

    fn of(numbers: &[f32]) -> Plane {
        const LANES: usize = Plane::LANES;
        let [mut low, mut high] = [[f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]];
        let [mut sum, mut square, mut poison] = [[0.0_f32; LANES]; 3];
        let mut positives = [0_u32; LANES];
        let mut look = |lane: usize, number: f32| {
            low[lane] = if number < low[lane] { number } else { low[lane] };
            high[lane] = if number > high[lane] { number } else { high[lane] };
            sum[lane] += number;
            square[lane] += number * number;
            // This is zero unless a number is infinite or not a number, and it needs no branch.
            poison[lane] += number * 0.0;
            positives[lane] += u32::from(number > 0.0);
        };
        let (chunks, rest) = numbers.as_chunks::<LANES>();
        for chunk in chunks {
            chunk.iter().enumerate().for_each(|(lane, &number)| look(lane, number));
        }
        rest.iter().enumerate().for_each(|(lane, &number)| look(lane, number));
        Plane {
            low: low.into_iter().fold(f32::INFINITY, f32::min),
            high: high.into_iter().fold(f32::NEG_INFINITY, f32::max),
            sum: sum.iter().sum(),
            square: square.iter().sum(),
            positives: positives.iter().sum(),
            is_finite: poison.iter().sum::<f32>() == 0.0,
        }
    }

    /// Nothing if a number is infinite or not a number.
    fn range(&self) -> Option<Range> {
        self.is_finite.then_some(Range { low: self.low, high: self.high })
    }
}

/// The statistics of each real (f32) value of a graph over the samples, by value name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    values: BTreeMap<String, Statistics>,
    /// Computed values that were infinite or not a number in a sample.
    unbounded: BTreeSet<String>,
    /// The moments of what the layers read, by the name of their result.
    moments: BTreeMap<String, Option<Moments>>,
    samples: usize,
    /// Whether nothing was measured.
    assumed: bool,
    /// Whether the samples were made up.
    made_up: bool,
    /// For each value that is tied to others, the one whose name stands for all.
    tied: BTreeMap<String, String>,
}

impl Calibration {
    /// Runs `graph` on the host over every sample and records the statistics of every f32 value, inputs
    /// included.
    ///
    /// A sample is one tensor for each input of the graph, in order. A computed value that is infinite or not
    /// a number has no statistics: a mask of minus infinity belongs to the network, and is left to the host.
    ///
    /// # Errors
    /// There is no sample, the host cannot run the graph on one, or an input is infinite or not a number.
    pub fn collect(graph: &Graph, samples: impl IntoIterator<Item = Vec<Tensor>>) -> Result<Calibration> {
        Calibration::collect_tied(graph, samples, &[])
    }

    /// As [`Calibration::collect`], for a graph in which the values of a class are one value of a recurrence at
    /// different times: they have statistics in common, and will be stored alike.
    ///
    /// # Errors
    /// As of [`Calibration::collect`].
    pub fn collect_tied(
        graph: &Graph,
        samples: impl IntoIterator<Item = Vec<Tensor>>,
        classes: &[Vec<ValueId>],
    ) -> Result<Calibration> {
        let mut calibration = Calibration { tied: tied(graph, classes), ..Calibration::default() };
        let (layers, axes) = (moments::layers(graph), ChannelAxes::find(graph));
        let executor = Executor::new(graph, &ediacara_host::Options::default())?;
        for sample in samples {
            let mut failure = None;
            executor.run_with_observer(&sample, |value, tensor| {
                let readers = layers.get(&value).map_or(&[][..], Vec::as_slice);
                let observe =
                    || calibration.observe(graph, (value, axes.axis(graph, value)), tensor, readers);
                let observed = executor.install(observe);
                if let Err(error) = observed {
                    failure.get_or_insert(error);
                }
            })?;
            if let Some(error) = failure {
                return Err(error);
            }
            calibration.samples += 1;
        }
        if calibration.samples == 0 {
            return Err(OptimiserError::NoSample { graph: graph.name.clone() });
        }
        Ok(calibration)
    }

    /// Adds a value of a sample, whose channels lie along an axis.
    fn observe(
        &mut self,
        graph: &Graph,
        (value, axis): (ValueId, Option<usize>),
        tensor: &Tensor,
        readers: &[Layer],
    ) -> Result<()> {
        if tensor.dtype() != DType::F32 || tensor.is_empty() {
            return Ok(());
        }
        let dense = tensor.to_contiguous();
        let name = &self.key(&graph.value(value).name).to_owned();
        let Some(statistics) = Statistics::of_sample(&dense, dense.as_slice::<f32>()?, axis) else {
            if graph.inputs().contains(&value) {
                return Err(OptimiserError::NotFinite { value: name.clone(), sample: self.samples });
            }
            self.values.remove(name);
            self.unbounded.insert(name.clone());
            return Ok(());
        };
        if self.unbounded.contains(name) {
            return Ok(());
        }
        match self.values.get_mut(name) {
            Some(known) => known.join(&statistics),
            None => drop(self.values.insert(name.clone(), statistics)),
        }
        for layer in readers {
            let key = self.key(&layer.name).to_owned();
            let moments = self.moments.entry(key).or_default();
            layer.observe(moments, &dense, self.samples)?;
        }
        Ok(())
    }

    /// A calibration from ranges found elsewhere.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (String, Range)>) -> Calibration {
        let values = ranges.into_iter().map(|(name, range)| (name, Statistics::of_range(range)));
        Calibration { values: values.collect(), ..Calibration::default() }
    }

    /// Whether the value called `name` was infinite or not a number in a sample.
    pub fn is_unbounded(&self, name: &str) -> bool {
        self.unbounded.contains(self.key(name))
    }

    /// The name under which the statistics of a value are kept.
    fn key<'a>(&'a self, name: &'a str) -> &'a str {
        self.tied.get(name).map_or(name, String::as_str)
    }

    /// The name of the class that a value is tied into, if it is.
    pub(crate) fn class(&self, name: &str) -> Option<&str> {
        self.tied.get(name).map(String::as_str)
    }

    /// Whether values are tied.
    pub(crate) fn has_ties(&self) -> bool {
        !self.tied.is_empty()
    }

    /// A calibration without samples, for a program of which only the cycles matter.
    ///
    /// Rectified values go from zero to one, all others lie around zero. It says nothing of accuracy. Weights
    /// are rounded to the nearest, and values that are joined share a scale.
    pub fn assumed(graph: &Graph) -> Calibration {
        Calibration::assumed_tied(graph, &[])
    }

    /// As [`Calibration::assumed`], with classes as of [`Calibration::collect_tied`].
    pub fn assumed_tied(graph: &Graph, classes: &[Vec<ValueId>]) -> Calibration {
        let mut calibration =
            Calibration { assumed: true, tied: tied(graph, classes), ..Calibration::default() };
        for (name, range) in assumed::ranges(graph) {
            let (key, statistics) = (calibration.key(&name).to_owned(), Statistics::of_range(range));
            match calibration.values.get_mut(&key) {
                Some(known) => known.join(&statistics),
                None => drop(calibration.values.insert(key, statistics)),
            }
        }
        calibration
    }

    /// Whether nothing was measured.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The range of the value called `name`.
    pub fn range(&self, name: &str) -> Option<Range> {
        self.values.get(self.key(name)).map(Statistics::range)
    }

    /// The statistics of the value called `name`.
    pub fn statistics(&self, name: &str) -> Option<&Statistics> {
        self.values.get(self.key(name))
    }

    /// The moments of the layer whose result is called `name`, if enough was seen of what it reads.
    pub(crate) fn moments(&self, name: &str) -> Option<&Moments> {
        self.moments.get(self.key(name))?.as_ref().filter(|moments| moments.is_enough())
    }

    /// The same, of samples that were made up: they say little of how the channels of one tensor differ.
    #[must_use]
    pub fn of_made_up_samples(self) -> Calibration {
        Calibration { made_up: true, ..self }
    }

    /// Whether the samples were made up.
    pub(crate) fn is_made_up(&self) -> bool {
        self.made_up
    }

    /// How many samples it was collected over.
    pub fn samples(&self) -> usize {
        self.samples
    }
}

/// For each value of a class, the name of the first.
fn tied(graph: &Graph, classes: &[Vec<ValueId>]) -> BTreeMap<String, String> {
    let name = |value: &ValueId| graph.value(*value).name.clone();
    let of_class = |class: &Vec<ValueId>| {
        let first = class.first().map(name).unwrap_or_default();
        class.iter().map(move |value| (name(value), first.clone())).collect::<Vec<_>>()
    };
    classes.iter().flat_map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statistics of one channel with four numbers in each sample.
    fn statistics(samples: &[[f32; 4]]) -> Statistics {
        let of = |numbers: &[f32; 4]| {
            let tensor = Tensor::from_vec(&[1, 1, 2, 2], numbers.to_vec()).unwrap();
            Statistics::of_sample(&tensor, numbers, Some(1)).unwrap()
        };
        let mut all = of(&samples[0]);
        samples[1..].iter().for_each(|sample| all.join(&of(sample)));
        all
    }

    #[test]
    fn channels_are_averaged_over_samples() {
        let found = statistics(&[[0.0, 2.0, 4.0, 2.0], [0.0, 0.0, 0.0, 8.0]]);
        assert_eq!(found.channel_means(), [2.0]);
        // Mean squares 6 and 16.
        assert_eq!(found.variances(), [7.0]);
        assert_eq!(found.positive_shares(), [0.5]);
    }

    #[test]
    fn planes_are_seen_whole() {
        let numbers: Vec<f32> = (0..50).map(|index| index as f32 - 10.0).collect();
        let plane = Plane::of(&numbers);
        assert_eq!((plane.low, plane.high, plane.positives), (-10.0, 39.0, 39));
        // The sum of 0 to 49 less 50 times 10, and the squares of 1 to 10 and of 1 to 39.
        assert_eq!((plane.sum, plane.square), (725.0, 385.0 + 20_540.0));
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for place in [0, 20, 49] {
                let mut numbers = numbers.clone();
                numbers[place] = odd;
                assert!(Plane::of(&numbers).range().is_none(), "{odd} at {place}");
            }
        }
    }

    #[test]
    fn columns_are_seen_whole() {
        // Rows 0, 1, 2; 3, 4, 5; and so on, of so many that they are seen in parts.
        let rows = Plane::WORTH_A_THREAD;
        let numbers: Vec<f32> = (0..3 * rows).map(|index| (index % 300) as f32 - 10.0).collect();
        let tensor = Tensor::from_vec(&[2, rows / 2, 3], numbers.clone()).unwrap();
        let found = Statistics::of_sample(&tensor, &numbers, Some(2)).unwrap();
        let ends = |range: &Range| (range.low, range.high);
        let ranges: Vec<_> = found.channel_ranges().iter().map(ends).collect();
        assert_eq!(ranges, [(-10.0, 287.0), (-9.0, 288.0), (-8.0, 289.0)]);
        let wanted = numbers.chunks(3).map(|row| f64::from(row[1])).sum::<f64>() / rows as f64;
        assert!((found.channel_means()[1] / wanted - 1.0).abs() < 1e-6);
        let mut odd = numbers;
        odd[3 * rows - 1] = f32::NAN;
        assert!(Statistics::of_sample(&tensor, &odd, Some(2)).is_none());
    }

    #[test]
    fn samples_that_differ_in_width_let_expect_wider_ones() {
        // Widths 4 and 8: the larger lies 2 above the mean, which is b / 2.
        let found = statistics(&[[0.0, 2.0, 4.0, 2.0], [0.0, 0.0, 0.0, 8.0]]);
        assert_eq!(found.excesses(), [4.0]);
        assert_eq!(found.probability_of_excess(), 1.0 / 3.0);
        assert_eq!(statistics(&[[0.0, 0.0, 0.0, 6.0]]).excesses(), [1.0]);
        assert_eq!(statistics(&[[0.0, 1.0, 2.0, 3.0]; 3]).excesses(), [0.0]);
    }
}
