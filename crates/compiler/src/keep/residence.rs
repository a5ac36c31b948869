//! A buffer of activations that lies in NRAM from the layer that writes it to the last one that reads it.
//!
//! Its images are laid out as tiles are ([`crate::program::window`]): rows with gaps between them, so that windows find their
//! padding around the image. What engines are given are ordinary views and images, in another memory and with other
//! strides.

use ediacara_isa::{Extent, Memory};

use crate::program::view::{Image, View};
use crate::program::window::{Span, Tile};
use crate::tile::cost::Space;

/// Padding that readers want around each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Positions before: above, left.
    pub before: [u64; 2],
    /// Positions after: below, right.
    pub after: [u64; 2],
    /// What they hold.
    pub pad: i8,
}

impl Frame {
    /// Nothing on any side.
    pub(crate) fn is_empty(&self) -> bool {
        self.before == [0; 2] && self.after == [0; 2]
    }

    /// A frame that serves both readers; nothing if they want different padding.
    pub(crate) fn join(&self, other: &Frame) -> Option<Frame> {
        if self.is_empty() || other.is_empty() {
            return Some(if self.is_empty() { *other } else { *self });
        }
        let wider = |left: [u64; 2], right: [u64; 2]| [0, 1].map(|axis| left[axis].max(right[axis]));
        let (before, after) = (wider(self.before, other.before), wider(self.after, other.after));
        (self.pad == other.pad).then_some(Frame { before, after, pad: self.pad })
    }
}

/// A buffer in NRAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Residence {
    /// Where it would lie in DRAM, dense.
    home: View,
    /// Images, rows, pixels of a row, channels.
    extents: [u64; 4],
    /// One image with its frame.
    pub tile: Tile,
    /// What the frame holds.
    pub pad: i8,
    /// NRAM address of the first image's tile.
    pub address: u64,
}

/// What a layer finds on chip.
#[derive(Debug, Clone)]
pub(crate) struct Room<'a> {
    /// What it has for its tiles, from address 0.
    pub space: Space,
    /// What is kept from this layer on: its frames are painted first.
    pub begins: Vec<&'a Residence>,
}

impl Residence {
    /// A buffer at NRAM address 0. One of no images has no frame.
    pub(crate) fn new(home: &View, frame: &Frame) -> Option<Residence> {
        let image = if home.shape.len() <= 4 { home.byte_image() } else { None };
        let extents = match image {
            Some(image) => [image.batch, image.height, image.width, image.channels],
            None => [1, 1, 1, home.bytes()],
        };
        if image.is_none() && !frame.is_empty() {
            return None;
        }
        let span = |axis: usize| Span {
            before: frame.before[axis],
            first: 0,
            valid: extents[axis + 1],
            after: frame.after[axis],
        };
        let tile = Tile { rows: span(0), columns: span(1), pixel: extents[3] };
        Some(Residence { home: home.clone(), extents, tile, pad: frame.pad, address: 0 })
    }

    /// Images.
    pub(crate) fn batch(&self) -> u64 {
        self.extents[0]
    }

    /// NRAM address of the tile of an image.
    pub(crate) fn start(&self, image: u64) -> u64 {
        self.address + image * self.tile.bytes()
    }

    /// Bytes of all images.
    pub(crate) fn bytes(&self) -> u64 {
        self.batch() * self.tile.bytes()
    }

    /// What is padding: gaps between rows, rows above and below.
    pub(crate) fn frame(&self) -> Vec<Extent> {
        let Tile { rows, pixel, .. } = self.tile;
        let (row, gap) = (self.tile.row_stride(), self.tile.gap() * pixel);
        let images = (self.batch(), self.tile.bytes());
        let below = gap + (rows.before + rows.valid) * row;
        let parts = [
            Extent::strided(self.address, &[images, (rows.length() + 1, row), (gap, 1)]),
            Extent::strided(self.address + gap, &[images, (rows.before * row, 1)]),
            Extent::strided(self.address + below, &[images, (rows.after * row, 1)]),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect()
    }

    /// Bytes from an image, a row, a pixel to the next, in DRAM.
    fn dram_strides(&self) -> [u64; 3] {
        let [_, height, width, channels] = self.extents;
        [height * width * channels, width * channels, channels]
    }

    /// The same in NRAM.
    fn strides(&self) -> [u64; 3] {
        [self.tile.bytes(), self.tile.row_stride(), self.tile.pixel]
    }

    fn is_dense(&self) -> bool {
        self.tile.gap() == 0 && self.tile.bytes() == self.dram_strides()[0]
    }

    /// Image, row, pixel and channel of a DRAM address.
    fn position(&self, address: u64) -> [u64; 4] {
        let mut rest = address - self.home.base;
        let [image, row, pixel] = self.dram_strides();
        [image, row, pixel, 1].map(|stride| {
            let index = rest / stride;
            rest %= stride;
            index
        })
    }

    fn place(&self, position: [u64; 4]) -> u64 {
        let [image, row, pixel] = self.strides();
        let [b, h, w, c] = position;
        self.address + self.tile.first_valid() + b * image + h * row + w * pixel + c
    }

    /// A view of the buffer where it lies in NRAM, if strides can say it there.
    pub(crate) fn view(&self, view: &View) -> Option<View> {
        if self.is_dense() {
            let base = self.address + view.base - self.home.base;
            return Some(View { memory: Memory::Nram, base, ..view.clone() });
        }
        let mut last = self.position(view.base);
        let base = self.place(last);
        let mut strides = Vec::with_capacity(view.strides.len());
        for (&extent, &stride) in view.shape.iter().zip(&view.strides) {
            if extent == 1 || stride == 0 {
                strides.push(0);
                continue;
            }
            let (axis, step, unit) = self.step(stride);
            last[axis] += (extent - 1) * step;
            strides.push(step * unit);
        }
        // Axes that together step over the end of a row would meet the gap there.
        let inside = last.iter().zip(self.extents).all(|(&index, extent)| index < extent);
        let shape = view.shape.clone();
        inside.then_some(View {
            memory: Memory::Nram,
            base,
            shape,
            strides,
            element: view.element,
            packing: None,
        })
    }

    /// The axis along which a DRAM stride steps, by how much, and the bytes of one such step in NRAM.
    fn step(&self, stride: u64) -> (usize, u64, u64) {
        let (dram, nram) = (self.dram_strides(), self.strides());
        let whole = (0..3).find(|&axis| stride.is_multiple_of(dram[axis]));
        whole.map_or((3, stride, 1), |axis| (axis, stride / dram[axis], nram[axis]))
    }

    /// An image of the buffer where it lies in NRAM, if strides can say it there and it has its frame.
    pub(crate) fn image(&self, image: &Image, frame: &Frame) -> Option<Image> {
        if self.is_dense() && frame.is_empty() {
            let base = self.address + image.base - self.home.base;
            return Some(Image { memory: Memory::Nram, base, ..*image });
        }
        let Image { batch, height, width, channels, batch_stride, row_stride, pixel_stride, .. } = *image;
        let shape = vec![batch, height, width, channels];
        let view = View {
            memory: Memory::Dram,
            base: image.base,
            shape,
            strides: vec![batch_stride, row_stride, pixel_stride, 1],
            element: 1,
            packing: None,
        };
        let view = self.view(&view)?;
        let position = self.position(image.base);
        // Padding is only there around the whole of an axis.
        for axis in [0, 1] {
            let (extent, stride) = ([height, width][axis], [row_stride, pixel_stride][axis]);
            let whole = position[axis + 1] == 0
                && extent == self.extents[axis + 1]
                && (extent == 1 || stride == self.dram_strides()[axis + 1]);
            if (frame.before[axis] > 0 || frame.after[axis] > 0) && !whole {
                return None;
            }
        }
        let [batch_step, row_step, pixel_step] = self.strides();
        let or = |axis: usize, step: u64| if view.shape[axis] == 1 { step } else { view.strides[axis] };
        Some(Image {
            memory: Memory::Nram,
            base: view.base,
            batch_stride: or(0, batch_step),
            row_stride: or(1, row_step),
            pixel_stride: or(2, pixel_step),
            ..*image
        })
    }

    /// DRAM addresses that it would take.
    pub(crate) fn home(&self) -> std::ops::Range<u64> {
        self.home.base..self.home.base + self.home.bytes()
    }

    /// All of it in NRAM, without its frame, in the order of its DRAM addresses.
    pub(crate) fn whole(&self) -> View {
        let [image, row, pixel] = self.strides();
        View {
            memory: Memory::Nram,
            base: self.place([0; 4]),
            shape: self.extents.to_vec(),
            strides: vec![image, row, pixel, 1],
            element: 1,
            packing: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(view: &View) -> Vec<u64> {
        let mut all = vec![view.base];
        for (&extent, &stride) in view.shape.iter().zip(&view.strides) {
            all = all.iter().flat_map(|&base| (0..extent).map(move |i| base + i * stride)).collect();
        }
        all
    }

    fn framed() -> (View, Residence) {
        let home = View::dense(4096, &[2, 5, 4, 6]);
        let frame = Frame { before: [1, 2], after: [1, 1], pad: 3 };
        let mut residence = Residence::new(&home, &frame).unwrap();
        residence.address = 100;
        (home, residence)
    }

    #[test]
    fn each_byte_has_one_place_whatever_the_view() {
        let (home, residence) = framed();
        // One gap of two pixels before each row and after the last: 7 rows of 6 pixels, and 2 pixels.
        assert_eq!(residence.bytes(), 2 * (7 * 6 + 2) * 6);
        let place = |address: u64| {
            let at = address - 4096;
            let [b, h, w, c] = [at / 120, at / 24 % 5, at / 6 % 4, at % 6];
            100 + b * 264 + (h + 1) * 36 + (w + 2) * 6 + c
        };
        let views = [
            home.clone(),
            home.slice(3, 2, 3, 1),
            home.slice(1, 1, 2, 2).slice(2, 1, 3, 1),
            home.slice(0, 1, 1, 1).slice(2, 3, 1, 1),
            home.transpose(&[0, 2, 1, 3]),
        ];
        for view in views {
            let kept = residence.view(&view).unwrap();
            let expected: Vec<u64> = addresses(&view).into_iter().map(place).collect();
            assert_eq!(addresses(&kept), expected);
        }
        // A row that runs on from one line of pixels to the next meets the gap.
        assert_eq!(residence.view(&home.reshape(&[2, 20, 6]).unwrap()), None);
    }

    #[test]
    fn an_image_has_its_frame_around_the_whole_of_an_axis_alone() {
        let (home, residence) = framed();
        let none = Frame { before: [0; 2], after: [0; 2], pad: 0 };
        let down = Frame { before: [1, 0], after: [1, 0], pad: 3 };
        let lower = home.slice(1, 2, 3, 1).image().unwrap();
        assert!(residence.image(&lower, &none).is_some());
        assert!(residence.image(&lower, &down).is_none());
        let left = home.slice(2, 0, 2, 1).image().unwrap();
        let kept = residence.image(&left, &down).unwrap();
        // The row above the first, two pixels and six bytes into its line, begins with the pad.
        assert_eq!(kept.framed_address(1, [-1, 0], 0), 100 + 264 + 12);
        assert_eq!((kept.row_stride, kept.pixel_stride), (36, 6));
    }
}
