//! The windows of a convolution as an operand of a product, of which only the packed copy is made.

use super::Float;
use super::conv_shape::ConvShape;
use super::product::{Operand, transpose};
use std::ops::Range;

/// How windows lie in planes.
///
/// Windows that step by more than one column are read from planes that [`split`](Self::split) has taken
/// apart, so that neighbouring pixels are always neighbours in memory.
#[derive(Debug)]
pub(super) struct WindowLayout {
    /// Columns of the output.
    columns: usize,
    /// Elements from a pixel's window to that of the pixel below.
    row_step: usize,
    /// Elements of a plane that is read.
    plane: usize,
    taps: Vec<Tap>,
    /// Rows and columns that exist in a plane.
    inside: [i32; 2],
    split: Option<Split>,
}

/// Where one tap reads.
#[derive(Debug, Clone, Copy)]
struct Tap {
    /// Elements from the window's pixel, in a plane; negative in the padding.
    offset: isize,
    /// Rows and columns from the window's pixel; negative in the padding.
    place: [i32; 2],
}

/// A padded copy of a plane in which columns that are a stride apart lie side by side.
#[derive(Debug, Clone, Copy)]
struct Split {
    rows: usize,
    /// Rows of the input from one row of the copy to the next.
    row_stride: usize,
    /// Remainders of a column's number by the stride that windows read.
    phases: usize,
    /// Columns of a phase.
    columns: usize,
}

impl WindowLayout {
    /// The layout of a convolution whose output is `output`.
    pub(super) fn new(shape: &ConvShape, output: [usize; 2]) -> Self {
        let window = &shape.window;
        let [kernel_height, kernel_width] = window.kernel;
        let [_, stride] = window.stride;
        let places = (0..window.taps())
            .map(|tap| [tap / kernel_width * window.dilation[0], tap % kernel_width * window.dilation[1]]);
        if stride == 1 {
            let width = shape.input[1] as isize;
            let [top, left] = [window.padding[0] as isize, window.padding[1] as isize];
            let tap = |[row, column]: [usize; 2]| {
                let (row, column) = (row as isize - top, column as isize - left);
                Tap { offset: row * width + column, place: [row as i32, column as i32] }
            };
            return Self {
                columns: output[1],
                row_step: window.stride[0] * shape.input[1],
                plane: shape.input[0] * shape.input[1],
                taps: places.map(tap).collect(),
                inside: shape.input.map(|size| size as i32),
                split: None,
            };
        }
        // A kernel of one row reads no other rows, and a window narrower than the stride does not read all
        // columns.
        let row_stride = if kernel_height == 1 { window.stride[0] } else { 1 };
        let phases = stride.min(window.extent()[1]);
        let [last_row, last_column] = [0, 1].map(|axis| (window.kernel[axis] - 1) * window.dilation[axis]);
        let split = Split {
            rows: (output[0] - 1) * window.stride[0] / row_stride + last_row + 1,
            row_stride,
            phases,
            columns: output[1] + last_column / stride,
        };
        let pitch = split.phases * split.columns;
        let tap = |[row, column]: [usize; 2]| Tap {
            offset: (row * pitch + column % stride * split.columns + column / stride) as isize,
            place: [0; 2],
        };
        Self {
            columns: output[1],
            row_step: window.stride[0] / row_stride * pitch,
            plane: split.rows * pitch,
            taps: places.map(tap).collect(),
            inside: [i32::MAX; 2],
            split: Some(split),
        }
    }

    /// Elements of a plane as windows are read from it.
    pub(super) fn plane(&self) -> usize {
        self.plane
    }

    /// Whether planes have to be taken apart first.
    pub(super) fn is_split(&self) -> bool {
        self.split.is_some()
    }

    /// Takes a plane apart.
    pub(super) fn split<T: Float>(&self, shape: &ConvShape, x: &[T], to: &mut [T]) {
        let Some(split) = &self.split else { return };
        let [height, width] = shape.input;
        let (stride, top) = (shape.window.stride[1], shape.window.padding[0]);
        for (row, to) in to.chunks_exact_mut(split.phases * split.columns).enumerate() {
            let Some(row) = (row * split.row_stride).checked_sub(top).filter(|&row| row < height) else {
                to.fill(T::ZERO);
                continue;
            };
            let x = &x[row * width..][..width];
            for (phase, to) in to.chunks_exact_mut(split.columns).enumerate() {
                let (inside, from) = shape.window.columns_from(phase, width, to.len());
                to[..inside.start].fill(T::ZERO);
                to[inside.end..].fill(T::ZERO);
                let inside = to[inside].iter_mut();
                inside.zip(x[from.min(width)..].iter().step_by(stride)).for_each(|(to, &x)| *to = x);
            }
        }
    }
}

/// The windows over some planes as lines: a line for each pixel, a term for each channel and tap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows<'a, T> {
    pub(super) layout: &'a WindowLayout,
    /// All the planes, of this image and of others.
    pub(super) x: &'a [T],
    /// The first plane of the image's group.
    pub(super) first_plane: usize,
    /// Steps between rows of windows, in rows.
    pub(super) row_stride: usize,
}

/// Pixels of a panel: stretches of neighbours, and where each pixel's window begins.
struct Lanes<const W: usize> {
    /// The first lane of each stretch and the element where lane 0 would be if all were one stretch.
    stretches: [(i32, isize); W],
    count: usize,
    rows: [i32; W],
    columns: [i32; W],
}

impl<T: Float> Windows<'_, T> {
    #[inline(always)]
    fn lanes<const W: usize>(&self, pixels: Range<usize>) -> Lanes<W> {
        let width = self.layout.columns;
        let mut lanes = Lanes { stretches: [(0, 0); W], count: 0, rows: [0; W], columns: [0; W] };
        let (mut row, mut column) = (pixels.start / width, pixels.start % width);
        let mut expected = None;
        for lane in 0..W {
            let start = (self.first_plane * self.layout.plane + row * self.layout.row_step + column) as isize;
            // Lanes beyond the last pixel belong to its stretch. It does not matter what they read.
            if lane < pixels.len() && expected != Some(start - lane as isize) {
                expected = Some(start - lane as isize);
                lanes.stretches[lanes.count] = (lane as i32, start - lane as isize);
                lanes.count += 1;
            }
            lanes.rows[lane] = (row * self.row_stride) as i32;
            lanes.columns[lane] = column as i32;
            column += usize::from(pixels.start + lane + 1 < pixels.end);
            if column == width {
                (row, column) = (row + 1, 0);
            }
        }
        lanes
    }
}

/// `W` elements from `at` on; zeros where there are none.
#[inline(always)]
fn load<T: Float, const W: usize>(x: &[T], at: isize) -> [T; W] {
    let at = at as usize;
    match x.get(at..at.wrapping_add(W)).and_then(|x| x.first_chunk::<W>()) {
        Some(x) => *x,
        None => std::array::from_fn(|lane| x.get(at.wrapping_add(lane)).copied().unwrap_or(T::ZERO)),
    }
}

impl<T: Float> Operand<T> for Windows<'_, T> {
    #[inline(always)]
    fn pack<const W: usize>(&self, lines: Range<usize>, terms: Range<usize>, to: &mut [[T; W]]) {
        let lanes = self.lanes::<W>(lines);
        let (taps, [height, width]) = (&self.layout.taps, self.layout.inside);
        let reach = |places: &[i32; W]| {
            places.iter().fold((i32::MAX, i32::MIN), |(low, high), &place| (low.min(place), high.max(place)))
        };
        let (rows, columns) = (reach(&lanes.rows), reach(&lanes.columns));
        let (mut channel, mut tap) = (terms.start / taps.len(), terms.start % taps.len());
        for to in &mut to[..terms.len()] {
            let Tap { offset, place: [row, column] } = taps[tap];
            let offset = offset + (channel * self.layout.plane) as isize;
            let mut values: [T; W] = load(self.x, lanes.stretches[0].1 + offset);
            for &(first, start) in &lanes.stretches[1..lanes.count] {
                let others: [T; W] = load(self.x, start + offset);
                values = std::array::from_fn(
                    |lane| {
                        if lane as i32 >= first { others[lane] } else { values[lane] }
                    },
                );
            }
            let all = rows.0 + row >= 0
                && rows.1 < height - row
                && columns.0 + column >= 0
                && columns.1 < width - column;
            if !all {
                values = std::array::from_fn(|lane| {
                    let row = (lanes.rows[lane] + row) as u32;
                    let column = (lanes.columns[lane] + column) as u32;
                    let inside = (row < height as u32) & (column < width as u32);
                    if inside { values[lane] } else { T::ZERO }
                });
            }
            *to = values;
            tap += 1;
            if tap == taps.len() {
                (channel, tap) = (channel + 1, 0);
            }
        }
    }
}

/// The same windows with terms and lines exchanged: a line for each channel and tap, a term for each pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct TransposedWindows<'a, T>(pub(super) Windows<'a, T>);

/// Pixels that are gathered at a time.
const PIXELS: usize = 16;

impl<T: Float> Operand<T> for TransposedWindows<'_, T> {
    #[inline(always)]
    fn pack<const W: usize>(&self, lines: Range<usize>, terms: Range<usize>, to: &mut [[T; W]]) {
        let mut block = [[T::ZERO; PIXELS]; W];
        for (first, to) in terms.clone().step_by(PIXELS).zip(to[..terms.len()].chunks_mut(PIXELS)) {
            self.0.pack::<PIXELS>(first..first + to.len(), lines.clone(), &mut block);
            let from: [&[T]; W] = std::array::from_fn(|lane| &block[lane][..to.len()]);
            transpose(&from[..lines.len()], to);
        }
    }
}
