//! Windows of an NHWC tensor as rows of a matrix: im2col, a block of output pixels at a time.

use super::conv_shape::QConvShape;
use std::ops::Range;

/// Copies windows to rows.
///
/// A row is `[KH][KW][C / groups]`, then zeros up to `row_bytes`.
pub(super) struct Gather<'a> {
    pub(super) shape: &'a QConvShape,
    pub(super) output: [usize; 2],
    pub(super) x: &'a [i8],
    /// The value of padding.
    pub(super) x_zero: i8,
    pub(super) row_bytes: usize,
}

impl Gather<'_> {
    /// Fills `to` with the windows of `group` at the output `pixels`, counted through batch, height and
    /// width.
    pub(super) fn rows(&self, group: usize, pixels: Range<usize>, to: &mut [i8]) {
        let [height, width] = self.output;
        for (pixel, to) in pixels.zip(to.chunks_exact_mut(self.row_bytes)) {
            let (row, column) = (pixel / width, pixel % width);
            self.window(group, row / height, [row % height, column], to);
        }
    }

    fn window(&self, group: usize, image: usize, [row, column]: [usize; 2], to: &mut [i8]) {
        let shape = self.shape;
        let window = &shape.window;
        let channels = shape.in_channels / shape.groups;
        let kernel_row = window.kernel[1] * channels;
        let (rows, top) = window.inside(0, row, shape.input[0]);
        let (columns, left) = window.inside(1, column, shape.input[1]);
        let (to, rest) = to.split_at_mut(window.kernel[0] * kernel_row);
        rest.fill(0);
        for (tap, to) in to.chunks_exact_mut(kernel_row).enumerate() {
            if !rows.contains(&tap) || columns.is_empty() {
                to.fill(self.x_zero);
                continue;
            }
            let row = (top + (tap * window.dilation[0]) as isize) as usize;
            let line = (image * shape.input[0] + row) * shape.input[1];
            to[..columns.start * channels].fill(self.x_zero);
            to[columns.end * channels..].fill(self.x_zero);
            let to = &mut to[columns.start * channels..columns.end * channels];
            let first = (left + (columns.start * window.dilation[1]) as isize) as usize;
            if window.dilation[1] == 1 && shape.groups == 1 {
                let from = (line + first) * channels;
                to.copy_from_slice(&self.x[from..from + to.len()]);
                continue;
            }
            for (tap, to) in to.chunks_exact_mut(channels).enumerate() {
                let pixel = line + first + tap * window.dilation[1];
                to.copy_from_slice(&self.x[pixel * shape.in_channels + group * channels..][..channels]);
            }
        }
    }
}
