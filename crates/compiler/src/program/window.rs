//! A tile of an image in NRAM, framed: where its rows lie, what is loaded and what is painted.
//!
//! A tile holds the input under a rectangle of outputs and taps. Rows lie one after the other; between two
//! rows there is a gap as wide as the wider of the left and right padding, which serves as the right
//! padding of one row and the left padding of the next, so that one `fill` paints both.

use ediacara_graph::ops::QConv;

use crate::program::view::Image;

/// A window, `[vertical, horizontal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Taps.
    pub kernel: [u64; 2],
    /// Input steps between outputs.
    pub stride: [u64; 2],
    /// Padding before the input: top, left.
    pub before: [u64; 2],
    /// Padding after the input: bottom, right. Only averages that count padding care.
    pub after: [u64; 2],
    /// Input steps between taps.
    pub dilation: [u64; 2],
}

impl Window {
    /// A window of one tap.
    pub const POINT: Window =
        Window { kernel: [1; 2], stride: [1; 2], before: [0; 2], after: [0; 2], dilation: [1; 2] };

    /// Position along `axis` of the first of `taps` of the first of `outputs`; in the padding before the input it is
    /// negative.
    pub(crate) fn start(&self, axis: usize, outputs: Range, taps: Range) -> i64 {
        let position = outputs.start * self.stride[axis] + taps.start * self.dilation[axis];
        position as i64 - self.before[axis] as i64
    }

    /// The window of a convolution with a kernel of these extents.
    pub fn of(conv: &QConv, kernel: [usize; 2]) -> Window {
        Window::new(kernel, conv.stride, conv.padding, conv.dilation)
    }

    /// A window in the graph's terms; padding is top, left, bottom, right.
    pub fn new(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 4], dilation: [usize; 2]) -> Window {
        let pair = |list: [usize; 2]| list.map(|value| value as u64);
        let [top, left, bottom, right] = padding.map(|value| value as u64);
        Window {
            kernel: pair(kernel),
            stride: pair(stride),
            before: [top, left],
            after: [bottom, right],
            dilation: pair(dilation),
        }
    }
}

/// One axis of a sliding window over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Extent of the input.
    pub size: u64,
    /// Input steps between outputs.
    pub stride: u64,
    /// Input steps between taps.
    pub dilation: u64,
    /// Padding before the input.
    pub before: u64,
}

/// A range with `count` members from `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First.
    pub start: u64,
    /// How many, at least 1.
    pub count: u64,
}

impl Range {
    /// `count` members from `start`.
    pub fn new(start: u64, count: u64) -> Range {
        Range { start, count }
    }

    /// `0..total` cut into ranges of `size`; the last may be shorter.
    pub fn cut(total: u64, size: u64) -> Vec<Range> {
        let size = size.max(1);
        (0..total.div_ceil(size)).map(|i| Range::new(i * size, size.min(total - i * size))).collect()
    }
}

/// Input positions along one axis: padding, positions that exist, padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Positions before the input.
    pub before: u64,
    /// First position inside the input.
    pub first: u64,
    /// Positions inside the input.
    pub valid: u64,
    /// Positions after the input.
    pub after: u64,
}

impl Span {
    /// All positions.
    pub fn length(&self) -> u64 {
        self.before + self.valid + self.after
    }
}

impl Axis {
    /// The axis `index` (0 vertical, 1 horizontal) of a window over an image.
    pub fn of(window: &Window, image: &Image, index: usize) -> Axis {
        Axis {
            size: [image.height, image.width][index],
            stride: window.stride[index],
            dilation: window.dilation[index],
            before: window.before[index],
        }
    }

    /// The position under a tap of an output; nothing in the padding.
    pub(crate) fn pixel(&self, output: u64, tap: u64) -> Option<u64> {
        let position = output * self.stride + tap * self.dilation;
        position.checked_sub(self.before).filter(|&position| position < self.size)
    }

    /// Positions from the first tap of the first output to the last tap of the last.
    pub fn span(&self, outputs: Range, taps: Range) -> Span {
        let start = outputs.start * self.stride + taps.start * self.dilation;
        let length = (outputs.count - 1) * self.stride + (taps.count - 1) * self.dilation + 1;
        let before = self.before.saturating_sub(start).min(length);
        let first = (start + before).saturating_sub(self.before);
        let valid = (length - before).min(self.size.saturating_sub(first));
        Span { before, first, valid, after: length - before - valid }
    }
}

/// Bytes of the largest tile of `pixel` bytes a pixel when `outputs` are cut into pieces of `pieces` and
/// the kernel's taps into pieces of `taps`: `[vertical, horizontal]`.
pub fn largest_tile(
    axes: [Axis; 2],
    outputs: [u64; 2],
    pieces: [u64; 2],
    kernel: [u64; 2],
    taps: [u64; 2],
    pixel: u64,
) -> u64 {
    // Down, padding takes as much room as rows do, so every whole piece is equally large.
    let whole = |axis: usize| {
        (Range::new(0, pieces[axis].min(outputs[axis])), Range::new(0, taps[axis].min(kernel[axis])))
    };
    let (rows, row_taps) = whole(0);
    let rows = axes[0].span(rows, row_taps);
    let bytes = |columns: Span| Tile { rows, columns, pixel }.bytes();
    // Across, paddings share their gaps, so that any piece may be the largest; without padding all whole
    // ones are equal.
    let (columns, column_taps) = whole(1);
    let last = axes[1].span(Range::new(0, outputs[1]), Range::new(0, kernel[1]));
    if axes[1].before == 0 && last.after == 0 {
        return bytes(axes[1].span(columns, column_taps));
    }
    let mut largest = 0;
    for columns in Range::cut(outputs[1], pieces[1]) {
        for taps in Range::cut(kernel[1], taps[1]) {
            largest = largest.max(bytes(axes[1].span(columns, taps)));
        }
    }
    largest
}

/// A tile in NRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Down.
    pub rows: Span,
    /// Across.
    pub columns: Span,
    /// Bytes of a pixel.
    pub pixel: u64,
}

impl Tile {
    /// Pixels between the starts of rows.
    pub fn pitch(&self) -> u64 {
        self.columns.valid + self.gap()
    }

    /// Pixels painted between two rows.
    pub fn gap(&self) -> u64 {
        self.columns.before.max(self.columns.after)
    }

    /// Whether nothing of it lies inside the input.
    pub fn is_padding(&self) -> bool {
        self.rows.valid == 0 || self.columns.valid == 0
    }

    /// Bytes between rows.
    pub fn row_stride(&self) -> u64 {
        self.pitch() * self.pixel
    }

    /// Bytes of the whole tile: a gap, then rows, each followed by one.
    pub fn bytes(&self) -> u64 {
        (self.rows.length() * self.pitch() + self.gap()) * self.pixel
    }

    /// Offset of the first tap of the first output.
    pub fn origin(&self) -> u64 {
        (self.gap() - self.columns.before) * self.pixel
    }

    /// Offset of the first pixel that lies inside the input.
    pub fn first_valid(&self) -> u64 {
        self.gap() * self.pixel + self.rows.before * self.row_stride()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_split_into_padding_and_input() {
        let axis = Axis { size: 7, stride: 2, dilation: 1, before: 1 };
        let whole = axis.span(Range::new(0, 4), Range::new(0, 3));
        assert_eq!(whole, Span { before: 1, first: 0, valid: 7, after: 1 });
        assert_eq!(
            axis.span(Range::new(1, 2), Range::new(0, 3)),
            Span { before: 0, first: 1, valid: 5, after: 0 }
        );
        assert_eq!(
            axis.span(Range::new(0, 1), Range::new(0, 1)),
            Span { before: 1, first: 0, valid: 0, after: 0 }
        );
        let far = Axis { size: 2, stride: 1, dilation: 1, before: 0 };
        assert_eq!(
            far.span(Range::new(5, 2), Range::new(0, 1)),
            Span { before: 0, first: 5, valid: 0, after: 2 }
        );
    }

    #[test]
    fn one_gap_serves_two_rows() {
        let span = Span { before: 1, first: 0, valid: 7, after: 1 };
        let tile = Tile { rows: span, columns: span, pixel: 4 };
        assert_eq!((tile.pitch(), tile.gap(), tile.origin()), (8, 1, 0));
        assert_eq!(tile.bytes(), (9 * 8 + 1) * 4);
        let lopsided =
            Tile { rows: span, columns: Span { before: 1, first: 0, valid: 7, after: 2 }, pixel: 1 };
        assert_eq!((lopsided.pitch(), lopsided.gap(), lopsided.origin()), (9, 2, 1));
    }
}
