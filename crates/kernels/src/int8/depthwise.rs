//! Depthwise convolution: N-DOT with one channel a group, vectorised over channels.

use super::conv_shape::QConvShape;
use super::dot::{RecordSlice, Records, Variant, requantise_row};
use super::requantise::QOutput;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use rayon::prelude::*;

/// Channels whose accumulators stay in registers.
const CHANNELS: usize = 64;

/// `y = requantise(depthwise(x, w))`.
///
/// `records` hold plain biases, and `w` is `[C, KH, KW]`.
pub(super) fn depthwise(
    variant: Variant,
    shape: &QConvShape,
    [x_zero, w_zero]: [i8; 2],
    [x, w]: [&[i8]; 2],
    records: &Records,
    output: QOutput,
    y: &mut [i8],
) {
    let Ok([rows, columns]) = shape.output() else { return };
    let channels = shape.in_channels;
    let taps = shape.window.taps();
    // The order is [tap][channel] without the zero point, so that the inner loop runs over contiguous
    // channels.
    let mut weights = vec![0i16; taps * channels];
    for (channel, w) in w.chunks_exact(taps).enumerate() {
        for (tap, &w) in w.iter().enumerate() {
            weights[tap * channels + channel] = i16::from(w) - i16::from(w_zero);
        }
    }
    let image = shape.input[0] * shape.input[1] * channels;
    y.par_chunks_mut(columns * channels).enumerate().for_each(|(index, y)| {
        let x = &x[index / rows * image..][..image];
        let row = Row { shape, weights: &weights, x, x_zero, row: index % rows };
        for first in (0..channels).step_by(CHANNELS) {
            let width = CHANNELS.min(channels - first);
            let records = records.slice(first..first + width);
            row.channels(variant, first, width, records, output, y);
        }
    });
}

/// One output row.
struct Row<'a> {
    shape: &'a QConvShape,
    weights: &'a [i16],
    x: &'a [i8],
    x_zero: i8,
    row: usize,
}

impl Row<'_> {
    fn channels(
        &self,
        variant: Variant,
        first: usize,
        width: usize,
        records: RecordSlice,
        output: QOutput,
        y: &mut [i8],
    ) {
        let channels = self.shape.in_channels;
        for (column, y) in y.chunks_exact_mut(channels).enumerate() {
            let mut sums = [0i32; CHANNELS];
            if width == CHANNELS {
                vectorise(Pixel { row: self, column, first, sums: &mut sums });
            } else {
                vectorise(Pixel { row: self, column, first, sums: &mut sums[..width] });
            }
            requantise_row(variant, &sums, 0, records, output, &mut y[first..first + width]);
        }
    }
}

/// The sums of one output pixel from channel `first` on.
///
/// They are an array where all channels of a block exist, which the compiler keeps in registers, else a
/// slice.
struct Pixel<'a, S: ?Sized> {
    row: &'a Row<'a>,
    column: usize,
    first: usize,
    sums: &'a mut S,
}

impl Vectorise for Pixel<'_, [i32; CHANNELS]> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let mut sums = [0i32; CHANNELS];
        for_each_tap(self.row, self.column, self.first, |x, w| {
            let (Some(x), Some(w)) = (x.first_chunk::<CHANNELS>(), w.first_chunk::<CHANNELS>()) else {
                return;
            };
            let zero = i16::from(self.row.x_zero);
            for channel in 0..CHANNELS {
                let product = i32::from(i16::from(x[channel]) - zero) * i32::from(w[channel]);
                sums[channel] = sums[channel].wrapping_add(product);
            }
        });
        *self.sums = sums;
    }
}

impl Vectorise for Pixel<'_, [i32]> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        for_each_tap(self.row, self.column, self.first, |x, w| {
            let zero = i16::from(self.row.x_zero);
            for ((sum, &x), &w) in self.sums.iter_mut().zip(x).zip(w) {
                *sum = sum.wrapping_add(i32::from(i16::from(x) - zero) * i32::from(w));
            }
        });
    }
}

/// Calls `visit` with input and weights, from channel `first` on, for every tap inside the input.
#[inline(always)]
fn for_each_tap(row: &Row, column: usize, first: usize, mut visit: impl FnMut(&[i8], &[i16])) {
    let shape = row.shape;
    let window = &shape.window;
    let channels = shape.in_channels;
    let (rows, top) = window.inside(0, row.row, shape.input[0]);
    let (columns, left) = window.inside(1, column, shape.input[1]);
    for tap_row in rows {
        let line = (top + (tap_row * window.dilation[0]) as isize) as usize * shape.input[1];
        for tap_column in columns.clone() {
            let pixel = line + (left + (tap_column * window.dilation[1]) as isize) as usize;
            let tap = tap_row * window.kernel[1] + tap_column;
            visit(&row.x[pixel * channels + first..], &row.weights[tap * channels + first..]);
        }
    }
}
