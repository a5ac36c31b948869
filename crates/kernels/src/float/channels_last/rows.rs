//! Operators on each channel by itself, a row of the output at a time: depthwise convolutions and pools.

use super::super::conv_shape::{ConvShape, Epilogue};
use super::super::pool::{PoolKind, PoolShape, average_counts};
use super::super::product::{Addend, Bias, Finish, Store};
use super::tile::{LANES, Line, multiply_add, store_lines};
use crate::error::{check_length, elements};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use crate::{KernelError, Window};
use rayon::prelude::*;
use std::ops::Range;

/// Elements times taps for which it is worth waking a thread.
const TASK_TAPS: usize = 1 << 16;

/// What a window does with the inputs of a channel.
trait Combine: Sync {
    /// The result of a window of no taps.
    const START: f32;
    /// The weights of a tap for `L` lines of `W` channels from this one on.
    fn weights<const L: usize, const W: usize>(&self, tap: usize, channel: usize) -> [[f32; W]; L];
    /// Adds one tap.
    fn step<I: InstructionSet>(sum: f32, x: f32, weight: f32) -> f32;
    /// Stores the results of a pixel, counted through all images, for lines of channels from this one on.
    fn store<const L: usize, const W: usize>(
        &self,
        sums: &[[f32; W]; L],
        pixel: usize,
        channel: usize,
        y: &mut [[f32; W]; L],
    );
}

/// A depthwise convolution: `[tap][line]`.
struct Depthwise<'a> {
    taps: &'a [Line],
    lines: usize,
    store: Store<'a, f32>,
}

impl Combine for Depthwise<'_> {
    const START: f32 = 0.0;
    #[inline(always)]
    fn weights<const L: usize, const W: usize>(&self, tap: usize, channel: usize) -> [[f32; W]; L] {
        let lines = &self.taps[tap * self.lines + channel / LANES..][..L];
        let mut weights = [[0.0; W]; L];
        for (weights, line) in weights.iter_mut().zip(lines) {
            weights.copy_from_slice(&line.0[channel % LANES..][..W]);
        }
        weights
    }
    #[inline(always)]
    fn step<I: InstructionSet>(sum: f32, x: f32, weight: f32) -> f32 {
        multiply_add::<I>(x, weight, sum)
    }
    #[inline(always)]
    fn store<const L: usize, const W: usize>(
        &self,
        sums: &[[f32; W]; L],
        pixel: usize,
        channel: usize,
        y: &mut [[f32; W]; L],
    ) {
        store_lines(sums, &self.store, pixel, channel, y);
    }
}

/// The largest input.
///
/// NaN propagates: it is always taken, and loses no comparison.
struct Largest;

impl Combine for Largest {
    const START: f32 = f32::NEG_INFINITY;
    #[inline(always)]
    fn weights<const L: usize, const W: usize>(&self, _: usize, _: usize) -> [[f32; W]; L] {
        [[0.0; W]; L]
    }
    #[inline(always)]
    fn step<I: InstructionSet>(largest: f32, x: f32, _: f32) -> f32 {
        if x <= largest || largest.is_nan() { largest } else { x }
    }
    #[inline(always)]
    fn store<const L: usize, const W: usize>(
        &self,
        largest: &[[f32; W]; L],
        _: usize,
        _: usize,
        y: &mut [[f32; W]; L],
    ) {
        *y = *largest;
    }
}

/// The mean, with the number of inputs for each pixel of an image.
struct Mean {
    counts: Vec<usize>,
}

impl Combine for Mean {
    const START: f32 = 0.0;
    #[inline(always)]
    fn weights<const L: usize, const W: usize>(&self, _: usize, _: usize) -> [[f32; W]; L] {
        [[0.0; W]; L]
    }
    #[inline(always)]
    fn step<I: InstructionSet>(sum: f32, x: f32, _: f32) -> f32 {
        sum + x
    }
    #[inline(always)]
    fn store<const L: usize, const W: usize>(
        &self,
        sums: &[[f32; W]; L],
        pixel: usize,
        _: usize,
        y: &mut [[f32; W]; L],
    ) {
        let count = self.counts[pixel % self.counts.len()];
        let divisor = count as f32;
        let sums = sums.as_flattened();
        y.as_flattened_mut()
            .iter_mut()
            .zip(sums)
            .for_each(|(y, &sum)| *y = if count == 0 { 0.0 } else { sum / divisor });
    }
}

/// A convolution of every channel by itself, `taps[tap][line]`.
///
/// Its operands have been checked.
pub(super) fn depthwise(
    shape: &ConvShape,
    output: [usize; 2],
    x: &[f32],
    taps: &[Line],
    epilogue: Epilogue<f32>,
    y: &mut [f32],
) {
    let channels = shape.in_channels;
    let finish = Finish {
        bias: epilogue.bias.map_or(Bias::None, Bias::Columns),
        addend: epilogue.addend.map(|data| Addend { data, row_stride: channels }),
        activation: epilogue.activation,
    };
    let store = Store { scale: 1.0, keep: 0.0, finish: Some(finish) };
    let combine = Depthwise { taps, lines: channels.div_ceil(LANES), store };
    Rows { window: &shape.window, input: shape.input, output, channels, x, combine: &combine }.run(y);
}

/// Pools `x[N,H,W,C]` to `y[N,OH,OW,C]`, with `planes` of the shape `N * channels`.
///
/// The elements are those of [`pool2d`](super::super::pool2d), to the bit.
///
/// # Errors
/// Those of [`pool2d`](super::super::pool2d). Also, the channels do not divide the planes.
pub fn pool2d_channels_last(
    shape: &PoolShape,
    channels: usize,
    kind: PoolKind,
    x: &[f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    const KERNEL: &str = "pool2d_channels_last";
    shape.window.check(KERNEL)?;
    if channels == 0 || !shape.planes.is_multiple_of(channels) {
        let problem = format!("{channels} channels do not divide {} planes", shape.planes);
        return Err(KernelError::shape(KERNEL, problem));
    }
    let [inputs, outputs] =
        [shape.input, shape.output].map(|[height, width]| elements(KERNEL, &[shape.planes, height, width]));
    check_length(KERNEL, "x", x.len(), inputs?)?;
    check_length(KERNEL, "y", y.len(), outputs?)?;
    if y.is_empty() {
        return Ok(());
    }
    let (window, input, output) = (&shape.window, shape.input, shape.output);
    match kind {
        PoolKind::Max => Rows { window, input, output, channels, x, combine: &Largest }.run(y),
        PoolKind::Average { count_include_pad } => {
            let combine = Mean { counts: average_counts(shape, count_include_pad) };
            Rows { window, input, output, channels, x, combine: &combine }.run(y);
        }
    }
    Ok(())
}

/// A window over `x[N,H,W,C]`, every channel by itself.
struct Rows<'a, C> {
    window: &'a Window,
    input: [usize; 2],
    output: [usize; 2],
    channels: usize,
    x: &'a [f32],
    combine: &'a C,
}

impl<C: Combine> Rows<'_, C> {
    fn run(&self, y: &mut [f32]) {
        let row = self.output[1] * self.channels;
        let inside = |column| {
            let (taps, start) = self.window.inside(1, column, self.input[1]);
            Inside { taps, start }
        };
        let columns: Vec<Inside> = (0..self.output[1]).map(inside).collect();
        let rows = y.par_chunks_mut(row).enumerate();
        rows.with_min_len(TASK_TAPS / (row * self.window.taps()) + 1)
            .for_each(|(index, y)| vectorise(Row { rows: self, columns: &columns, index, y }));
    }
}

/// The taps of a window that lie inside the input along an axis, and where its first tap lies.
struct Inside {
    taps: Range<usize>,
    start: isize,
}

/// One row of the output, counted through all images.
struct Row<'a, C> {
    rows: &'a Rows<'a, C>,
    /// For each column of the output.
    columns: &'a [Inside],
    index: usize,
    y: &'a mut [f32],
}

/// A tap that lies inside the input.
#[derive(Clone, Copy)]
struct Tap {
    /// Its number in the kernel.
    index: usize,
    /// Where the channels of its input begin.
    x: usize,
}

impl<C: Combine> Vectorise for Row<'_, C> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let rows = self.rows;
        let mut taps = Vec::with_capacity(rows.window.taps());
        // The pixel for which the taps were listed. The taps of pixels beside it lie as far beside them.
        let mut listed: Option<&Inside> = None;
        let pixels = self.y.chunks_exact_mut(rows.channels).zip(self.columns).enumerate();
        for (column, (y, inside)) in pixels {
            let first = match listed {
                Some(first) if first.taps == inside.taps => first,
                _ => {
                    rows.list(self.index, inside, &mut taps);
                    listed = Some(inside);
                    inside
                }
            };
            let shift = (inside.start - first.start) as usize * rows.channels;
            let mut pixel =
                Pixel { rows, taps: &taps, shift, index: self.index * rows.output[1] + column, y };
            let done = pixel.lines::<I, 4, 16>(0);
            let done = pixel.lines::<I, 2, 16>(done);
            let done = pixel.lines::<I, 1, 16>(done);
            let done = pixel.lines::<I, 1, 8>(done);
            pixel.lines::<I, 1, 1>(done);
        }
    }
}

impl<C: Combine> Rows<'_, C> {
    /// Lists the taps of a pixel in a row of the output, counted through all images.
    fn list(&self, row: usize, columns: &Inside, taps: &mut Vec<Tap>) {
        let image = row / self.output[0] * self.input[0];
        let (tap_rows, top) = self.window.inside(0, row % self.output[0], self.input[0]);
        taps.clear();
        for tap_row in tap_rows {
            let row = image + top.wrapping_add_unsigned(tap_row * self.window.dilation[0]) as usize;
            for tap_column in columns.taps.clone() {
                let column =
                    columns.start.wrapping_add_unsigned(tap_column * self.window.dilation[1]) as usize;
                let index = tap_row * self.window.kernel[1] + tap_column;
                taps.push(Tap { index, x: (row * self.input[1] + column) * self.channels });
            }
        }
    }
}

/// One pixel of the output.
struct Pixel<'a, 'y, C> {
    rows: &'a Rows<'a, C>,
    taps: &'a [Tap],
    /// The distance from the inputs that the taps name to those of this pixel.
    shift: usize,
    /// The pixel's number, counted through all images.
    index: usize,
    y: &'y mut [f32],
}

impl<C: Combine> Pixel<'_, '_, C> {
    /// Computes `L` lines of `W` channels again and again from `done` on, and returns where they end.
    ///
    /// The sums stay in registers.
    #[inline(always)]
    fn lines<I: InstructionSet, const L: usize, const W: usize>(&mut self, done: usize) -> usize {
        let combine = self.rows.combine;
        let end = done + (self.y.len() - done) / (L * W) * (L * W);
        for channel in (done..end).step_by(L * W) {
            let mut sums = [[C::START; W]; L];
            for tap in self.taps {
                let x = &self.rows.x[tap.x + self.shift + channel..][..L * W];
                let weights: [[f32; W]; L] = combine.weights(tap.index, channel);
                for line in 0..L {
                    for lane in 0..W {
                        let sum = &mut sums[line][lane];
                        *sum = C::step::<I>(*sum, x[line * W + lane], weights[line][lane]);
                    }
                }
            }
            let sums = sums;
            if let Some(y) = self.y[channel..].as_chunks_mut::<W>().0.first_chunk_mut::<L>() {
                combine.store(&sums, self.index, channel, y);
            }
        }
        end
    }
}
