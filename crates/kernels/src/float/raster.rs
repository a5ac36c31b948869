//! Convolutions of few channels, or of each channel by itself, without packing windows.
//!
//! Planes are copied into *rasters*: padded, row after row. Strides are taken apart into one raster for each
//! remainder of a row's and a column's number. So a tap is always the same distance from its pixel, and a run
//! of pixels meets a run of inputs for each tap. The output is computed in rows of the same pitch, and what
//! falls between its rows is dropped. Windows have few numbers here, so that packing them would cost more
//! than the product does.

use super::conv_shape::{ConvShape, Epilogue};
use super::product::{Bias, Finish, ROWS, Store};
use super::{Activation, Float};
use crate::scratch::with_scratch;
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use rayon::prelude::*;
use std::ops::Range;

/// Pixels of a tile of several channels: two vectors of AVX2 for each of [`ROWS`].
const PIXELS: usize = 16;
/// Pixels of a tile of one channel.
const PIXELS_ALONE: usize = 64;
/// Most terms, and most output channels, for which packing is not worth it.
const MOST_TERMS: usize = 512;
const MOST_CHANNELS: usize = 24;
/// Most elements of a plane, because the first-level cache holds some planes and one thread computes an
/// image.
const MOST_ELEMENTS: usize = 4096;

/// How planes of a convolution lie in rasters.
#[derive(Debug)]
pub(super) struct Raster {
    shape: ConvShape,
    output: [usize; 2],
    /// Rows and columns of a raster.
    size: [usize; 2],
    /// Rasters of a plane, as many as rows and columns have remainders by the stride.
    phases: [usize; 2],
    /// For each term, the distance from a pixel in the rasters of all input channels.
    offsets: Vec<usize>,
    /// Pixels of a tile.
    tile: usize,
}

impl Raster {
    /// The rasters of a convolution, if they suit it.
    pub(super) fn new(shape: &ConvShape, output: [usize; 2]) -> Option<Self> {
        let terms = shape.in_channels * shape.window.taps();
        let few = shape.groups == 1 && terms <= MOST_TERMS && shape.out_channels <= MOST_CHANNELS;
        let small = shape.input[0].max(output[0]) * shape.input[1].max(output[1]) <= MOST_ELEMENTS;
        (few && small && fits(shape, output)).then(|| Self::of(shape, output))
    }

    /// The raster of one channel of a convolution of each channel by itself, if it suits it.
    pub(super) fn of_channel(shape: &ConvShape, output: [usize; 2]) -> Option<Self> {
        let alone = shape.group_inputs() == 1 && shape.groups > 1 && fits(shape, output);
        let channel = ConvShape { in_channels: 1, out_channels: 1, groups: 1, ..*shape };
        alone.then(|| Self::of(&channel, output))
    }

    fn of(shape: &ConvShape, output: [usize; 2]) -> Self {
        let window = &shape.window;
        // A window narrower than the stride does not meet all remainders.
        let phases = [0, 1].map(|axis| window.stride[axis].min(window.extent()[axis]));
        let size = [0, 1].map(|axis| output[axis] + (window.extent()[axis] - 1) / window.stride[axis]);
        let (raster, stride) = (size[0] * size[1], window.stride);
        let place = |term: usize| {
            let (channel, tap) = (term / window.taps(), term % window.taps());
            let row = tap / window.kernel[1] * window.dilation[0];
            let column = tap % window.kernel[1] * window.dilation[1];
            let phase = (channel * phases[0] + row % stride[0]) * phases[1] + column % stride[1];
            phase * raster + row / stride[0] * size[1] + column / stride[1]
        };
        let offsets = (0..shape.in_channels * window.taps()).map(place).collect();
        let tile = if shape.out_channels == 1 { PIXELS_ALONE } else { PIXELS };
        Self { shape: *shape, output, size, phases, offsets, tile }
    }

    /// Elements of the run of pixels that covers the output, in whole tiles.
    pub(super) fn run(&self) -> usize {
        ((self.output[0] - 1) * self.size[1] + self.output[1]).next_multiple_of(self.tile)
    }

    /// Elements of the rasters of one image, with what a last tile reads beyond them.
    pub(super) fn input_elements(&self) -> usize {
        let rasters = self.shape.in_channels * self.phases[0] * self.phases[1];
        rasters * self.size[0] * self.size[1] + self.tile
    }

    /// Copies an image into its rasters.
    fn fill<T: Float>(&self, x: &[T], to: &mut [T]) {
        let [height, width] = self.shape.input;
        let [rows, columns] = self.size;
        let (stride, padding) = (self.shape.window.stride, self.shape.window.padding);
        let (rasters, beyond) = to.split_at_mut(to.len() - self.tile);
        let planes = rasters.chunks_exact_mut(self.phases[0] * self.phases[1] * rows * columns);
        for (to, x) in planes.zip(x.chunks_exact(height * width)) {
            for (phase, to) in to.chunks_exact_mut(rows * columns).enumerate() {
                let [row_phase, column_phase] = [phase / self.phases[1], phase % self.phases[1]];
                let (inside, from) = self.shape.window.columns_from(column_phase, width, columns);
                let from = from.min(width);
                for (row, to) in to.chunks_exact_mut(columns).enumerate() {
                    let row =
                        (row * stride[0] + row_phase).checked_sub(padding[0]).filter(|&row| row < height);
                    let Some(row) = row else {
                        to.fill(T::ZERO);
                        continue;
                    };
                    to[..inside.start].fill(T::ZERO);
                    to[inside.end..].fill(T::ZERO);
                    copy_strided(
                        &x[row * width + from..(row + 1) * width],
                        stride[1],
                        &mut to[inside.clone()],
                    );
                }
            }
        }
        beyond.fill(T::ZERO);
    }

    /// Computes the convolution; `filter` is packed in panels of [`ROWS`] output channels.
    pub(super) fn convolve<T: Float>(&self, x: &[T], filter: &[T], epilogue: Epilogue<T>, y: &mut [T]) {
        let input = self.shape.in_channels * self.shape.input[0] * self.shape.input[1];
        let output = self.shape.out_channels * self.output[0] * self.output[1];
        let (inputs, run) = (self.input_elements(), self.run());
        let images = x.par_chunks_exact(input).zip(y.par_chunks_exact_mut(output));
        images.enumerate().with_min_len(self.images_a_task()).for_each(|(image, (x, y))| {
            let addend = epilogue.addend.map(|addend| &addend[image * output..][..output]);
            let epilogue = Epilogue { addend, ..epilogue };
            with_scratch(inputs + self.shape.out_channels * run, |scratch| {
                let (raster, results) = scratch.split_at_mut(inputs);
                self.convolve_image(x, filter, epilogue, [raster, results], y);
            });
        });
    }

    /// Computes the convolution of one image, with memory for its rasters and for `out_channels * run`
    /// results.
    pub(super) fn convolve_image<T: Float>(
        &self,
        x: &[T],
        filter: &[T],
        epilogue: Epilogue<T>,
        [raster, results]: [&mut [T]; 2],
        y: &mut [T],
    ) {
        self.fill(x, raster);
        let run = self.run();
        vectorise(Convolve { raster: self, x: raster, filter, epilogue, run, results, y });
    }

    /// Images for which it is worth waking a thread.
    fn images_a_task(&self) -> usize {
        let products = self.run() * self.offsets.len() * self.shape.out_channels;
        (1 << 18) / products.max(1) + 1
    }

    /// Adds the products of `dy` with the windows of `x` over some images to `dw`.
    pub(super) fn add_filter_gradient<T: Float>(
        &self,
        images: Range<usize>,
        x: &[T],
        dy: &[T],
        dw: &mut [T],
    ) {
        let input = self.shape.in_channels * self.shape.input[0] * self.shape.input[1];
        let output = self.shape.out_channels * self.output[0] * self.output[1];
        let (inputs, run) = (self.input_elements(), self.run());
        let sums = dw.len().div_ceil(self.offsets.len()).next_multiple_of(ROWS)
            * self.offsets.len().next_multiple_of(TERMS);
        let gradients = self.shape.out_channels.next_multiple_of(ROWS) * run;
        with_scratch(inputs + gradients + sums * LANES, |scratch| {
            let (raster, rest) = scratch.split_at_mut(inputs);
            let (gradients, sums) = rest.split_at_mut(gradients);
            let sums = sums.as_chunks_mut::<LANES>().0;
            sums.fill([T::ZERO; LANES]);
            gradients.fill(T::ZERO);
            for image in images {
                self.fill(&x[image * input..][..input], raster);
                let dy = &dy[image * output..][..output];
                let rows =
                    dy.chunks_exact(self.output[0] * self.output[1]).zip(gradients.chunks_exact_mut(run));
                for (dy, to) in rows {
                    let rows = dy.chunks_exact(self.output[1]).zip(to.chunks_mut(self.size[1]));
                    rows.for_each(|(dy, to)| to[..dy.len()].copy_from_slice(dy));
                }
                vectorise(Products { offsets: &self.offsets, x: raster, dy: gradients, run, sums });
            }
            let terms = self.offsets.len();
            let (panels, width) = (sums.chunks_exact(ROWS * terms.next_multiple_of(TERMS)), ROWS * TERMS);
            for (panel, dw) in panels.zip(dw.chunks_mut(ROWS * terms)) {
                for (row, dw) in dw.chunks_exact_mut(terms).enumerate() {
                    for (term, dw) in dw.iter_mut().enumerate() {
                        let lanes = &panel[term / TERMS * width + row * TERMS + term % TERMS];
                        *dw += lanes.iter().copied().sum();
                    }
                }
            }
        });
    }
}

/// Whether there is something to copy, and not much more of it than the input.
fn fits(shape: &ConvShape, output: [usize; 2]) -> bool {
    let empty = shape.in_channels == 0 || shape.input.contains(&0);
    !empty && shape.window.pads_little(shape.input, output)
}

/// One image's convolution.
struct Convolve<'a, T> {
    raster: &'a Raster,
    x: &'a [T],
    filter: &'a [T],
    epilogue: Epilogue<'a, T>,
    /// Elements of a row of `results`.
    run: usize,
    results: &'a mut [T],
    y: &'a mut [T],
}

impl<T: Float> Vectorise for Convolve<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(mut self) {
        let (terms, channels) = (self.raster.offsets.len(), self.raster.shape.out_channels);
        let results = std::mem::take(&mut self.results);
        let panels = results.chunks_mut(ROWS * self.run).zip(self.filter.chunks_exact(ROWS * terms));
        for (panel, (results, filter)) in panels.enumerate() {
            let filter = filter.as_chunks::<ROWS>().0;
            match (channels - panel * ROWS).min(ROWS) {
                1 if channels == 1 => self.alone(filter, results),
                1 => self.rows::<I, 1>(panel, filter, results),
                2 => self.rows::<I, 2>(panel, filter, results),
                3 => self.rows::<I, 3>(panel, filter, results),
                4 => self.rows::<I, 4>(panel, filter, results),
                5 => self.rows::<I, 5>(panel, filter, results),
                _ => self.rows::<I, ROWS>(panel, filter, results),
            }
        }
        let [height, width] = self.raster.output;
        let rows = self.y.chunks_exact_mut(height * width).zip(results.chunks_exact(self.run));
        for (y, result) in rows {
            let rows = y.chunks_exact_mut(width).zip(result.chunks(self.raster.size[1]));
            rows.for_each(|(y, result)| y.copy_from_slice(&result[..width]));
        }
        if let Some(addend) = self.epilogue.addend {
            self.y.iter_mut().zip(addend).for_each(|(y, &addend)| *y += addend);
            self.epilogue.activation.apply(self.y);
        }
    }
}

impl<T: Float> Convolve<'_, T> {
    /// How a tile stores its sums.
    ///
    /// A tensor that is added has no pixels between rows, so that it follows later, and the activation with
    /// it.
    #[inline(always)]
    fn store(&self) -> Store<'_, T> {
        let Epilogue { bias, addend, activation } = self.epilogue;
        let activation = if addend.is_some() { Activation::None } else { activation };
        let finish = Finish { bias: bias.map_or(Bias::None, Bias::Rows), addend: None, activation };
        Store { scale: T::ONE, keep: T::ZERO, finish: Some(finish) }
    }

    /// Computes `R` channels, which are one panel of the filter.
    #[inline(always)]
    fn rows<I: InstructionSet, const R: usize>(&self, panel: usize, filter: &[[T; ROWS]], results: &mut [T]) {
        let store = self.store();
        for first in (0..self.run).step_by(PIXELS) {
            let x = &self.x[first..];
            let mut sums = [[T::ZERO; PIXELS]; R];
            for (filter, &offset) in filter.iter().zip(&self.raster.offsets) {
                let Some(x) = x.get(offset..).and_then(|x| x.first_chunk::<PIXELS>()) else { continue };
                for row in 0..R {
                    for pixel in 0..PIXELS {
                        sums[row][pixel] = filter[row].multiply_add::<I>(x[pixel], sums[row][pixel]);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                store.row(sums, panel * ROWS + row, 0, &mut results[row * self.run + first..][..PIXELS]);
            }
        }
    }

    /// Computes one channel.
    ///
    /// Loads take the time, so that products and sums may be rounded apart. The result is then the same on
    /// every machine.
    #[inline(always)]
    fn alone(&self, filter: &[[T; ROWS]], results: &mut [T]) {
        let bias = self.epilogue.bias.and_then(|bias| bias.first()).copied().unwrap_or(T::ZERO);
        let activation = self.store().finish.map_or(Activation::None, |finish| finish.activation);
        let tiles = results[..self.run].as_chunks_mut::<PIXELS_ALONE>().0;
        for (tile, result) in tiles.iter_mut().enumerate() {
            let x = &self.x[tile * PIXELS_ALONE..];
            let mut sums = [bias; PIXELS_ALONE];
            for (filter, &offset) in filter.iter().zip(&self.raster.offsets) {
                let Some(x) = x.get(offset..).and_then(|x| x.first_chunk::<PIXELS_ALONE>()) else { continue };
                sums.iter_mut().zip(x).for_each(|(sum, &x)| *sum += filter[0] * x);
            }
            activation.apply(&mut sums);
            *result = sums;
        }
    }
}

/// Terms of a tile of [`Products`].
const TERMS: usize = 2;
/// Partial sums of one product.
const LANES: usize = 8;

/// Inner products of every row of `dy` with the run that each term meets in `x`.
///
/// They are partial sums: `sums[panel of ROWS rows][pair of terms][row][term of the pair]`.
struct Products<'a, T> {
    offsets: &'a [usize],
    x: &'a [T],
    /// A multiple of [`ROWS`] rows, with zeros between the rows of pixels.
    dy: &'a [T],
    run: usize,
    sums: &'a mut [[T; LANES]],
}

impl<T: Float> Vectorise for Products<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let tiles = self.offsets.len().div_ceil(TERMS);
        let panels =
            self.dy.chunks_exact(ROWS * self.run).zip(self.sums.chunks_exact_mut(tiles * ROWS * TERMS));
        for (dy, sums) in panels {
            let dy: [&[[T; LANES]]; ROWS] =
                std::array::from_fn(|row| dy[row * self.run..][..self.run].as_chunks::<LANES>().0);
            for (offsets, sums) in self.offsets.chunks(TERMS).zip(sums.as_chunks_mut::<{ ROWS * TERMS }>().0)
            {
                // If only one of a pair exists, that one is computed twice.
                let x: [&[[T; LANES]]; TERMS] = std::array::from_fn(|term| {
                    self.x[offsets[term.min(offsets.len() - 1)]..][..self.run].as_chunks::<LANES>().0
                });
                let mut tile = *sums;
                for index in 0..self.run / LANES {
                    for row in 0..ROWS {
                        let dy = &dy[row][index];
                        for term in 0..TERMS {
                            let (x, sum) = (&x[term][index], &mut tile[row * TERMS + term]);
                            for lane in 0..LANES {
                                sum[lane] = dy[lane].multiply_add::<I>(x[lane], sum[lane]);
                            }
                        }
                    }
                }
                *sums = tile;
            }
        }
    }
}

fn copy_strided<T: Copy>(from: &[T], stride: usize, to: &mut [T]) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => to.iter_mut().zip(from.iter().step_by(2)).for_each(|(to, from)| *to = *from),
        _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
    }
}
