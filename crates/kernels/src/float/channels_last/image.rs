//! The inputs that a window over images reads.

use super::super::conv_shape::ConvShape;
use super::ImageLayout;
use super::filters::{Stretch, TERMS};
use rayon::prelude::*;

/// The inputs where an image ends; no stretch is longer than a block.
static ZEROS: [f32; TERMS] = [0.0; TERMS];

/// Images with channels last, and the corners of a window that moves over them.
pub(super) struct Images<'a> {
    x: &'a [f32],
    channels: usize,
    /// `[height, width]`.
    size: [usize; 2],
    stride: [usize; 2],
    /// `[top, left]`.
    padding: [usize; 2],
    /// `[height, width]`.
    output: [usize; 2],
}

/// Where a window begins: an image, and a row and a column that may lie in the padding.
#[derive(Clone, Copy, Default)]
pub(super) struct Corner {
    image: usize,
    row: isize,
    column: isize,
}

impl<'a> Images<'a> {
    pub(super) fn new(shape: &ConvShape, output: [usize; 2], x: &'a [f32]) -> Self {
        let window = &shape.window;
        let padding = [window.padding[0], window.padding[1]];
        Self { x, channels: shape.in_channels, size: shape.input, stride: window.stride, padding, output }
    }

    /// Images that are padded already.
    pub(super) fn padded(shape: &ConvShape, output: [usize; 2], x: &'a [f32]) -> Self {
        Self { size: padded_size(shape), padding: [0; 2], ..Self::new(shape, output, x) }
    }

    /// The corners of `P` windows in a row, from this output pixel on, counted through all images.
    #[inline(always)]
    pub(super) fn corners<const P: usize>(&self, pixel: usize) -> [Corner; P] {
        let (line, mut column) = (pixel / self.output[1], pixel % self.output[1]);
        let (mut image, mut row) = (line / self.output[0], line % self.output[0]);
        let mut corners = [Corner::default(); P];
        // The corners are counted on from the first, since divisions would take as long as many a window.
        for corner in &mut corners {
            *corner = Corner {
                image: image * self.size[0] * self.size[1] * self.channels,
                row: (row * self.stride[0]) as isize - self.padding[0] as isize,
                column: (column * self.stride[1]) as isize - self.padding[1] as isize,
            };
            column += 1;
            if column == self.output[1] {
                (column, row) = (0, row + 1);
            }
            if row == self.output[0] {
                (row, image) = (0, image + 1);
            }
        }
        corners
    }

    /// The inputs of a stretch, or zeros where it lies outside the image.
    ///
    /// `length` is the stretch's.
    #[inline(always)]
    pub(super) fn stretch(&self, corner: Corner, stretch: &Stretch, length: usize) -> &'a [f32] {
        let row = corner.row.wrapping_add_unsigned(stretch.row) as usize;
        let column = corner.column.wrapping_add_unsigned(stretch.column) as usize;
        if row < self.size[0] && column < self.size[1] {
            let pixel = corner.image + (row * self.size[1] + column) * self.channels;
            &self.x[pixel + stretch.first..][..length]
        } else {
            &ZEROS[..length]
        }
    }
}

/// `[height, width]` with padding.
fn padded_size(shape: &ConvShape) -> [usize; 2] {
    [0, 1].map(|axis| shape.input[axis] + shape.window.padding[axis] + shape.window.padding[axis + 2])
}

/// Elements of the padded images.
pub(super) fn padded_elements(shape: &ConvShape) -> usize {
    shape.batch * shape.in_channels * padded_size(shape).iter().product::<usize>()
}

/// Copies images into zeros, `[N, padded H, padded W, C]`.
pub(super) fn pad(shape: &ConvShape, layout: ImageLayout, x: &[f32], to: &mut [f32]) {
    let ([height, width], [padded_height, padded_width]) = (shape.input, padded_size(shape));
    let (channels, [top, left, ..]) = (shape.in_channels, shape.window.padding);
    let rows = to.par_chunks_mut((padded_width * channels).max(1)).enumerate();
    rows.with_min_len((1 << 13) / (padded_width * channels).max(1) + 1).for_each(|(line, to)| {
        let (image, row) = (line / padded_height, (line % padded_height).wrapping_sub(top));
        if row >= height {
            return to.fill(0.0);
        }
        let (before, rest) = to.split_at_mut(left * channels);
        let (inside, after) = rest.split_at_mut(width * channels);
        before.fill(0.0);
        after.fill(0.0);
        match layout {
            ImageLayout::ChannelsLast => {
                inside.copy_from_slice(&x[(image * height + row) * width * channels..][..width * channels]);
            }
            ImageLayout::ChannelsFirst => {
                for channel in 0..channels {
                    let x = &x[((image * channels + channel) * height + row) * width..][..width];
                    let to = inside[channel..].iter_mut().step_by(channels);
                    to.zip(x).for_each(|(to, &x)| *to = x);
                }
            }
        }
    });
}
