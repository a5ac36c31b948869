//! Where the pixels of a rectangle lie in NRAM: in a slot of the layer's own, or in an image that is kept there.

use crate::program::transfer::{BoxCopy, sides};
use crate::program::view::Image;
use crate::program::window::Range;

/// A rectangle of pixels of one image and a range of their channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// Which of the batch.
    pub batch: u64,
    /// Rows and columns.
    pub pixels: [Range; 2],
    /// Channels.
    pub channels: Range,
}

impl Part {
    pub(crate) fn copy(&self, image: &Image, chip: u64) -> BoxCopy {
        let [rows, columns] = self.pixels;
        let run = self.channels.count;
        BoxCopy {
            dram: image.address(self.batch, rows.start, columns.start, self.channels.start),
            chip,
            run,
            sides: sides(&[
                (columns.count, image.pixel_stride, run),
                (rows.count, image.row_stride, run * columns.count),
            ]),
        }
    }
}

/// Pixels at even distances in NRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Address of the first.
    pub address: u64,
    /// Bytes from one to its right neighbour.
    pub pixel: u64,
    /// Bytes from one to its lower neighbour.
    pub row: u64,
}

impl Pixels {
    /// The rectangle densely at an address.
    pub(crate) fn dense(address: u64, part: &Part) -> Pixels {
        let pixel = part.channels.count;
        Pixels { address, pixel, row: part.pixels[1].count * pixel }
    }

    /// The rectangle where it lies in an image that is kept.
    pub(crate) fn kept(image: &Image, part: &Part) -> Pixels {
        let [rows, columns] = part.pixels;
        Pixels {
            address: image.address(part.batch, rows.start, columns.start, part.channels.start),
            pixel: image.pixel_stride,
            row: image.row_stride,
        }
    }

    /// An image that is kept from a position on, which may lie in its frame.
    pub(crate) fn framed(image: &Image, batch: u64, position: [i64; 2], channel: u64) -> Pixels {
        Pixels {
            address: image.framed_address(batch, position, channel),
            pixel: image.pixel_stride,
            row: image.row_stride,
        }
    }
}

/// How a vector instruction goes over a rectangle, a row of it for each pixel: counts, and strides in each place.
pub(crate) fn pixel_rows<const K: usize>(part: &Part, places: [&Pixels; K]) -> ([u64; 2], [[u64; 2]; K]) {
    let [rows, columns] = part.pixels.map(|range| range.count);
    if rows == 1 || places.iter().all(|place| place.row == columns * place.pixel) {
        ([rows * columns, 1], places.map(|place| [place.pixel, 0]))
    } else {
        ([columns, rows], places.map(|place| [place.pixel, place.row]))
    }
}

/// The same with as few rows as the places allow: the length of one, counts and strides.
pub(crate) fn joined_rows<const K: usize>(
    part: &Part,
    places: [&Pixels; K],
) -> (u64, [u64; 2], [[u64; 2]; K]) {
    let [rows, columns] = part.pixels.map(|range| range.count);
    let channels = part.channels.count;
    if columns > 1 && places.iter().any(|place| place.pixel != channels) {
        let (counts, strides) = pixel_rows(part, places);
        return (channels, counts, strides);
    }
    let length = columns * channels;
    if rows == 1 || places.iter().all(|place| place.row == length) {
        (rows * length, [1, 1], [[0; 2]; K])
    } else {
        (length, [rows, 1], places.map(|place| [place.row, 0]))
    }
}
