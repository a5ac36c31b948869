//! Cuts a convolution, read as a matrix product of windows and weights, into tasks and computes them.
//!
//! The product is `y[pixel, channel]`. A task is a block of pixels by a chunk of one group's channels, and
//! owns the pieces of the output rows that it writes. The cut depends on the shape alone.

use super::dot::{PANEL_COLUMNS, PackedWeights, QUAD, Records, Rows, TILE_ROWS, Tile, Variant};
use super::dot::{requantise_row, row_sums, tile};
use super::gather::Gather;
use super::requantise::QOutput;
use crate::ordered::read_accumulators;
use rayon::prelude::*;
use std::ops::Range;

/// Bytes of gathered windows that a task works on at a time, which are a fraction of a second-level cache.
const BLOCK_BYTES: usize = 192 * 1024;
/// Most pixels in a block, so that there are enough tasks where windows are small.
const BLOCK_PIXELS: usize = 20 * TILE_ROWS;
/// Tasks to aim for.
///
/// Channels are cut too where there are few blocks of pixels.
const TASKS: usize = 16;
/// Fewest channels of a chunk.
const CHUNK_CHANNELS: usize = 2 * PANEL_COLUMNS;

/// What becomes of sums.
pub(super) trait Results: Sync {
    /// A result.
    type Element: Send;

    /// The results of some output channels of a row, whose sums still lack `row_term`.
    fn row(
        &self,
        variant: Variant,
        sums: &[i32],
        row_term: i32,
        channels: Range<usize>,
        y: &mut [Self::Element],
    );
}

/// N-REQUANTISE.
pub(super) struct Requantised {
    pub(super) records: Records,
    pub(super) output: QOutput,
}

impl Results for Requantised {
    type Element = i8;

    fn row(&self, variant: Variant, sums: &[i32], row_term: i32, channels: Range<usize>, y: &mut [i8]) {
        requantise_row(variant, sums, row_term, self.records.slice(channels), self.output, y);
    }
}

/// N-FLOAT-READ of accumulators with records.
pub(super) struct Scaled<'a> {
    /// Bias with every constant term of the product folded in.
    pub(super) bias: Vec<i32>,
    pub(super) scale: &'a [f32],
}

impl Results for Scaled<'_> {
    type Element = f32;

    fn row(&self, _: Variant, sums: &[i32], row_term: i32, channels: Range<usize>, y: &mut [f32]) {
        let bias = self.bias[channels.clone()].iter().map(|bias| bias.wrapping_add(row_term));
        read_accumulators(sums, bias.zip(self.scale[channels].iter().copied()), y);
    }
}

/// A product ready to run, with packed weights for each group and every constant term folded into the bias of its
/// results.
pub(super) struct Product<'a, R> {
    variant: Variant,
    gather: Gather<'a>,
    packed: Vec<PackedWeights>,
    results: R,
    /// The factor of a row's sum, `-(128 + w_zero)`.
    row_factor: i32,
}

/// The weights of a product and their zero point.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    pub(super) values: &'a [i8],
    pub(super) zero: i8,
    /// Terms of a sum.
    pub(super) depth: usize,
}

/// A block of pixels by a chunk of channels.
struct Task<'y, T> {
    group: usize,
    pixels: Range<usize>,
    /// The channels, counted within the group.
    channels: Range<usize>,
    /// One piece of output for each pixel.
    y: Vec<&'y mut [T]>,
}

/// Where a task finds its rows.
enum Source {
    /// The input already is the matrix.
    Input,
    /// The task gathers its own rows.
    Gathered,
    /// All windows were gathered before, because several chunks of channels share them.
    Shared(Vec<i8>),
}

/// Buffers that a thread keeps from task to task.
struct Scratch {
    rows: Vec<i8>,
    sums: Vec<i32>,
    tile: Box<Tile>,
}

impl<'a, R: Results> Product<'a, R> {
    /// `bias` is that of a channel, and `results` are made of the bias with all constant terms.
    pub(super) fn new(
        variant: Variant,
        gather: Gather<'a>,
        factors: Factors,
        bias: impl Fn(usize) -> i32,
        results: impl FnOnce(&dyn Fn(usize) -> i32) -> R,
    ) -> Self {
        let Factors { values, zero, depth } = factors;
        let shape = gather.shape;
        let columns = shape.out_channels / shape.groups;
        let packed: Vec<_> = values
            .par_chunks(columns * depth)
            .map(|group| PackedWeights::pack(group, columns, depth))
            .collect();
        let (x_zero, w_zero) = (i32::from(gather.x_zero), i32::from(zero));
        let constant = (depth as i32).wrapping_mul(x_zero * w_zero);
        let results = results(&|channel| {
            let sum = packed[channel / columns].sums()[channel % columns];
            bias(channel).wrapping_sub(x_zero.wrapping_mul(sum)).wrapping_add(constant)
        });
        Self { variant, gather, packed, results, row_factor: -(128 + w_zero) }
    }

    /// Computes `y[pixels, channels]`.
    pub(super) fn run(&self, pixels: usize, y: &mut [R::Element]) {
        let shape = self.gather.shape;
        let columns = shape.out_channels / shape.groups;
        let fitting = (BLOCK_BYTES / self.gather.row_bytes).clamp(TILE_ROWS, BLOCK_PIXELS);
        let block = pixels.div_ceil(pixels.div_ceil(fitting));
        let blocks = pixels.div_ceil(block);
        let chunks = (TASKS / (blocks * shape.groups)).min(columns / CHUNK_CHANNELS).max(1);
        let chunk = columns.div_ceil(chunks).next_multiple_of(PANEL_COLUMNS);
        let source = self.source(pixels, block, chunks);
        self.tasks(block, chunk, y).into_par_iter().for_each_init(
            || Scratch {
                rows: Vec::new(),
                sums: Vec::new(),
                tile: Box::new([[0; PANEL_COLUMNS]; TILE_ROWS]),
            },
            |scratch, task| self.compute(&source, task, scratch),
        );
    }

    fn source(&self, pixels: usize, block: usize, chunks: usize) -> Source {
        let shape = self.gather.shape;
        if shape.window.is_point() && shape.groups == 1 && shape.in_channels.is_multiple_of(QUAD) {
            return Source::Input;
        }
        if chunks == 1 || shape.groups > 1 {
            return Source::Gathered;
        }
        let bytes = self.gather.row_bytes;
        let mut rows = vec![0; pixels * bytes];
        rows.par_chunks_mut(block * bytes).enumerate().for_each(|(index, rows)| {
            let first = index * block;
            self.gather.rows(0, first..pixels.min(first + block), rows);
        });
        Source::Shared(rows)
    }

    fn tasks<'y>(&self, block: usize, chunk: usize, y: &'y mut [R::Element]) -> Vec<Task<'y, R::Element>> {
        let shape = self.gather.shape;
        let columns = shape.out_channels / shape.groups;
        let mut tasks = Vec::new();
        for (index, y) in y.chunks_mut(block * shape.out_channels).enumerate() {
            let first_task = tasks.len();
            let pixels = y.len() / shape.out_channels;
            for group in 0..shape.groups {
                tasks.extend((0..columns).step_by(chunk).map(|first| Task {
                    group,
                    pixels: index * block..index * block + pixels,
                    channels: first..columns.min(first + chunk),
                    y: Vec::with_capacity(pixels),
                }));
            }
            for mut y in y.chunks_exact_mut(shape.out_channels) {
                for task in &mut tasks[first_task..] {
                    let (piece, rest) = y.split_at_mut(task.channels.len());
                    task.y.push(piece);
                    y = rest;
                }
            }
        }
        tasks
    }

    fn compute(&self, source: &Source, mut task: Task<R::Element>, scratch: &mut Scratch) {
        let bytes = self.gather.row_bytes;
        let count = task.pixels.len();
        let from = task.pixels.start * bytes..task.pixels.end * bytes;
        let rows = match source {
            Source::Input => &self.gather.x[from],
            Source::Shared(rows) => &rows[from],
            Source::Gathered => {
                scratch.rows.resize(count * bytes, 0);
                self.gather.rows(task.group, task.pixels.clone(), &mut scratch.rows);
                &scratch.rows
            }
        };
        let rows = Rows::new(rows, bytes, count, bytes / QUAD);
        row_sums(self.variant, &rows, &mut scratch.sums);
        scratch.sums.iter_mut().for_each(|sum| *sum = sum.wrapping_mul(self.row_factor));
        let weights = &self.packed[task.group];
        let group_first = task.group * weights.columns();
        // Tiles have nearly equal height, because one of a single row would waste most of the registers.
        let height = count.div_ceil(count.div_ceil(TILE_ROWS));
        for first in task.channels.clone().step_by(PANEL_COLUMNS) {
            let columns = first..task.channels.end.min(first + PANEL_COLUMNS);
            let channels = group_first + columns.start..group_first + columns.end;
            let place = columns.start - task.channels.start..columns.end - task.channels.start;
            for start in (0..count).step_by(height) {
                let tile_rows = rows.tile(start, height.min(count - start));
                tile(self.variant, &tile_rows, weights, first / PANEL_COLUMNS, &mut scratch.tile);
                let pieces = task.y[start..].iter_mut().zip(&scratch.sums[start..]).zip(&*scratch.tile);
                for ((y, &row_term), sums) in pieces.take(height) {
                    self.results.row(self.variant, sums, row_term, channels.clone(), &mut y[place.clone()]);
                }
            }
        }
    }
}
