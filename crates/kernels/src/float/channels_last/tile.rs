//! The loop of a dense convolution: some pixels by some lines of output channels.
//!
//! Their sums live in registers while the terms pass.

use super::super::product::{Bias, Store};
use super::filters::{Block, Panel, Panels};
use super::image::Images;
use crate::vectorise::{InstructionSet, Vectorise, vector_bytes, vectorise};

/// Output channels of a line: one register with AVX-512, two with AVX2.
pub(super) const LANES: usize = 16;

/// Weights of one term for [`LANES`] output channels, aligned so that a register is loaded fastest.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [f32; LANES]);

/// Most pixels of a tile.
const PIXELS: usize = 6;

/// Most lines of a panel on this machine.
///
/// With [`PIXELS`] they are 24 sums in the 32 registers of AVX-512, and 12 in the 16 of AVX2. That is enough
/// to hide the latency of a multiply-add, with registers left for the operands.
pub(super) fn most_lines() -> usize {
    if vector_bytes() == 64 { 4 } else { 1 }
}

/// Some pixels of some panels of output channels.
pub(super) struct Tiles<'a, 'y> {
    pub(super) images: &'a Images<'a>,
    pub(super) filters: &'a Panels,
    pub(super) panels: &'a [Panel],
    /// The first pixel, counted through all images.
    pub(super) pixel: usize,
    /// The panels' channels, one slice for each pixel.
    pub(super) y: Vec<&'y mut [f32]>,
    /// What is done to the finished sums, by pixel and channel of the whole result.
    pub(super) store: Store<'a, f32>,
}

impl Tiles<'_, '_> {
    pub(super) fn run(mut self) {
        let mut y = std::mem::take(&mut self.y);
        let blocks = &self.filters.blocks;
        for (index, block) in blocks.iter().enumerate() {
            let keep = if index == 0 { self.store.keep } else { 1.0 };
            let last = index + 1 == blocks.len();
            let store = Store { keep, finish: self.store.finish.filter(|_| last), ..self.store };
            for panel in self.panels {
                match panel.lines {
                    4 => self.panel::<4>(block, panel, &mut y, &store),
                    3 => self.panel::<3>(block, panel, &mut y, &store),
                    2 => self.panel::<2>(block, panel, &mut y, &store),
                    _ => self.panel::<1>(block, panel, &mut y, &store),
                }
            }
        }
    }

    /// All pixels for a panel of `L` lines, in tiles of equal size.
    fn panel<const L: usize>(&self, block: &Block, panel: &Panel, y: &mut [&mut [f32]], store: &Store<f32>) {
        let weights = panel.weights(block).as_chunks::<L>().0;
        let before = self.panels.first().map_or(0, |first| panel.channel - first.channel);
        let (pixels, tiles) = (y.len(), y.len().div_ceil(PIXELS));
        for tile in 0..tiles {
            let (start, end) = (tile * pixels / tiles, (tile + 1) * pixels / tiles);
            let (pixel, channel, y) = (self.pixel + start, panel.channel, &mut y[start..end]);
            let tile = Tile { images: self.images, block, weights, pixel, channel, before, y, store };
            match end - start {
                6 => tile.run::<6>(),
                5 => tile.run::<5>(),
                4 => tile.run::<4>(),
                3 => tile.run::<3>(),
                2 => tile.run::<2>(),
                _ => tile.run::<1>(),
            }
        }
    }
}

/// Some pixels by `L` lines, for a block of terms.
struct Tile<'a, 'y, const L: usize> {
    images: &'a Images<'a>,
    block: &'a Block,
    weights: &'a [[Line; L]],
    pixel: usize,
    channel: usize,
    /// Channels of a slice of `y` before this one.
    before: usize,
    y: &'a mut [&'y mut [f32]],
    store: &'a Store<'a, f32>,
}

impl<const L: usize> Tile<'_, '_, L> {
    fn run<const P: usize>(self) {
        // Each size is a function of its own, because the compiler finds too few registers in one large
        // function.
        vectorise(TileOf::<L, P>(self));
    }
}

/// A tile of `P` pixels.
struct TileOf<'a, 'y, const L: usize, const P: usize>(Tile<'a, 'y, L>);

impl<const L: usize, const P: usize> Vectorise for TileOf<'_, '_, L, P> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Tile { images, block, mut weights, pixel, channel, before, y, store } = self.0;
        // The sums are a local array, which the compiler keeps in registers.
        let mut sums = [[[0.0; LANES]; L]; P];
        let corners: [_; P] = images.corners(pixel);
        for stretch in &block.stretches {
            let (own, rest) = weights.split_at(stretch.length);
            weights = rest;
            let mut x: [&[f32]; P] = [&[]; P];
            for (x, &corner) in x.iter_mut().zip(&corners) {
                // A second cut tells the compiler the length, so that it checks no index below.
                *x = &images.stretch(corner, stretch, own.len())[..own.len()];
            }
            for (term, lines) in own.iter().enumerate() {
                // A copy makes the compiler load each line once and not once a pixel.
                let lines = *lines;
                for pixel in 0..P {
                    let x = x[pixel][term];
                    for (sums, line) in sums[pixel].iter_mut().zip(&lines) {
                        for (sum, &weight) in sums.iter_mut().zip(&line.0) {
                            *sum = multiply_add::<I>(x, weight, *sum);
                        }
                    }
                }
            }
        }
        for (index, (sums, y)) in sums.into_iter().zip(y).enumerate() {
            let (y, pixel) = (&mut y[before..], pixel + index);
            match y.as_chunks_mut::<LANES>().0.first_chunk_mut::<L>() {
                Some(y) => store_lines(&sums, store, pixel, channel, y),
                None => {
                    for (line, (sums, y)) in sums.iter().zip(y.chunks_mut(LANES)).enumerate() {
                        store_line(sums, store, pixel, channel + line * LANES, y);
                    }
                }
            }
        }
    }
}

/// Stores a line that the last channel may cut off.
///
/// It goes in halves, so that little is stored one by one.
#[inline(always)]
fn store_line(sums: &[f32; LANES], store: &Store<f32>, pixel: usize, channel: usize, y: &mut [f32]) {
    const HALF: usize = LANES / 2;
    if let Ok(y) = <&mut [f32; LANES]>::try_from(&mut *y) {
        return store_lines(&[*sums], store, pixel, channel, std::array::from_mut(y));
    }
    let halves = sums.as_chunks::<HALF>().0.iter().zip(y.chunks_mut(HALF)).enumerate();
    for (half, (sums, y)) in halves {
        let channel = channel + half * HALF;
        match y.first_chunk_mut::<HALF>() {
            Some(y) => store_lines(&[*sums], store, pixel, channel, std::array::from_mut(y)),
            None => store.row(*sums, pixel, channel, y),
        }
    }
}

/// [`Store::row`] for whole lines that lie side by side.
#[inline(always)]
pub(super) fn store_lines<const L: usize, const W: usize>(
    sums: &[[f32; W]; L],
    store: &Store<f32>,
    pixel: usize,
    channel: usize,
    y: &mut [[f32; W]; L],
) {
    let mut sums = *sums;
    if store.keep != 0.0 {
        add_lines(&mut sums, y.as_flattened());
    }
    if let Some(finish) = &store.finish {
        if let Bias::Columns(bias) = finish.bias {
            add_lines(&mut sums, &bias[channel..]);
        }
        if let Some(addend) = &finish.addend {
            add_lines(&mut sums, &addend.data[pixel * addend.row_stride + channel..]);
        }
        finish.activation.apply(sums.as_flattened_mut());
    }
    *y = sums;
}

/// Adds values to the sums, as many as there are sums.
#[inline(always)]
fn add_lines<const L: usize, const W: usize>(sums: &mut [[f32; W]; L], values: &[f32]) {
    let Some(values) = values.as_chunks::<W>().0.first_chunk::<L>() else { return };
    for line in 0..L {
        for lane in 0..W {
            sums[line][lane] += values[line][lane];
        }
    }
}

/// `a * b + sum`, rounded once where the instruction set can.
#[inline(always)]
pub(super) fn multiply_add<I: InstructionSet>(a: f32, b: f32, sum: f32) -> f32 {
    if I::FUSED { a.mul_add(b, sum) } else { a * b + sum }
}
