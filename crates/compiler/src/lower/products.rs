//! What every product on the matrix unit consists of: the `dot`, and the way of its sums to their place.

use ediacara_isa::VectorOperation;

use crate::lower::lowering::Lowering;
use crate::lower::pixels::Part;
use crate::lower::pixels::{Pixels, pixel_rows};
use crate::program::layer::{Conv, Output};
use crate::program::step::{Dot, Work};
use crate::program::vector::Vector;
use crate::tile::convolution::{Chunk, Problem, Tiling};

/// Inner products of one chunk of the reduction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Products<'a> {
    /// The convolution, for its zero points.
    pub conv: &'a Conv,
    /// The convolution as its tiler sees it.
    pub problem: &'a Problem,
    /// How it is cut.
    pub tiling: &'a Tiling,
    /// Which taps and channels are summed.
    pub chunk: Chunk,
    /// Where the first tap of the first output lies.
    pub x: Pixels,
    /// WRAM address of the weights.
    pub w: u64,
    /// The first accumulator.
    pub acc: u64,
    /// Output pixels across and down.
    pub pixels: [u64; 2],
    /// Blocks of output columns.
    pub blocks: u64,
    /// Whether the sums go on from what ARAM holds.
    pub accumulate: bool,
}

/// Rows of sums in ARAM and of results in NRAM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    /// The first accumulator.
    pub acc: u64,
    /// The first record.
    pub p: u64,
    /// Where the first result goes.
    pub y: u64,
    /// Channels of a row.
    pub channels: u64,
    /// Rows along both dimensions.
    pub counts: [u64; 2],
    /// Accumulators between rows.
    pub acc_strides: [u64; 2],
    /// Bytes between rows of results.
    pub y_strides: [u64; 2],
}

impl Lowering {
    /// Inner products into ARAM, densely: a pixel's blocks of columns are neighbours.
    pub(crate) fn dot(&mut self, products: &Products) {
        let Products { conv, problem, tiling, chunk, x, w, acc, pixels, blocks, accumulate } = *products;
        let (rates, window) = (&self.rates, problem.window);
        let (stretch, across) = tiling.stretch(problem, &chunk);
        let dot = Dot {
            element: conv.element,
            x: x.address,
            w,
            acc,
            pixels,
            blocks,
            accumulate,
            x_strides: [window.stride[1] * x.pixel, window.stride[0] * x.row],
            stretch,
            window_counts: [across, chunk.taps[0].count],
            window_strides: [window.dilation[1] * x.pixel, window.dilation[0] * x.row],
            w_block_stride: tiling.steps(problem, &chunk, rates),
            acc_stride_pixel: blocks * rates.columns,
            acc_stride_block: rates.columns,
            x_zero: conv.x_zero,
            w_zero: conv.w_zero,
            row_bytes: rates.row_bytes(),
            rows: rates.rows,
            columns: rates.columns,
        };
        self.push(Work::Dot(dot));
    }

    /// Sums to activations (N-REQUANTISE).
    pub(crate) fn requantise(&mut self, output: &Output, sums: &Sums) {
        self.vector(Vector {
            a: sums.acc,
            p: sums.p,
            counts: sums.counts,
            a_strides: sums.acc_strides,
            d_strides: sums.y_strides,
            zeros: [0, 0, output.zero],
            low: output.low,
            high: output.high,
            ..Vector::new(VectorOperation::Requantise, sums.y, sums.channels)
        });
    }

    /// What is left where the last chunk is summed: requantises the sums of `part` into `y`, adds what is added there, looks
    /// it up if there is a table, and stores it where the image is not kept. `acc` is where the sums of the part's pixels lie, `p` their first record.
    pub(crate) fn finish(
        &mut self,
        (conv, problem): (&Conv, &Problem),
        part: &Part,
        (acc, p): (&Pixels, u64),
        y: &Pixels,
        addend: Option<&Pixels>,
    ) {
        let (counts, [acc_strides, y_strides]) = pixel_rows(part, [acc, y]);
        let sums = Sums {
            acc: acc.address,
            p,
            y: y.address,
            channels: part.channels.count,
            counts,
            acc_strides,
            y_strides,
        };
        self.requantise(&conv.output, &sums);
        if let (Some(residual), Some(addend)) = (&conv.residual, addend) {
            self.add(y, addend, part, &residual.constants);
        }
        if conv.table.is_some() {
            self.look_up(y, part);
        }
        if !problem.y.is_kept() {
            self.store_box(&problem.y, part, y.address);
        }
    }
}
