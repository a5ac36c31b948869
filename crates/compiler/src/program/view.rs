//! Where a tensor lies, in DRAM or in NRAM: a base and a pitch an axis.

use std::ops::Range;

use ediacara_isa::Memory;

use crate::program::packing::Packing;

/// A strided tensor. What cannot be said with strides that are not negative is no view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The memory: DRAM, or NRAM for what is kept between layers.
    pub memory: Memory,
    /// Address of the element at index 0 of every axis.
    pub base: u64,
    /// Extents, outermost first.
    pub shape: Vec<u64>,
    /// Bytes from one index to the next.
    pub strides: Vec<u64>,
    /// Bytes of an element.
    pub element: u64,
    /// How the last two axes lie, if they lie in another order than their strides say.
    pub packing: Option<Packing>,
}

impl View {
    /// A dense, row-major tensor of bytes in DRAM.
    pub fn dense(base: u64, shape: &[u64]) -> View {
        View::dense_of(base, shape, 1)
    }

    /// A dense, row-major tensor in DRAM of elements of so many bytes.
    pub fn dense_of(base: u64, shape: &[u64], element: u64) -> View {
        let mut strides = vec![element; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        View { memory: Memory::Dram, base, shape: shape.to_vec(), strides, element, packing: None }
    }

    /// The same elements in the same order, where strides say how they lie: two axes for each of the last two of a packed view.
    pub fn unpacked(&self) -> View {
        let (Some(packing), [leading @ .., before, last]) = (self.packing, &self.shape[..]) else {
            return self.clone();
        };
        let mut view = View { packing: None, ..self.clone() };
        view.shape.truncate(leading.len());
        view.strides.truncate(leading.len());
        for (extent, stride) in packing.axes([*before, *last]) {
            view.shape.push(extent);
            view.strides.push(stride * self.element);
        }
        view
    }

    /// The same tensor as one of bytes: itself, or with the bytes of its elements as one more axis.
    pub fn of_bytes(&self) -> View {
        let mut view = View { element: 1, ..self.clone() };
        if self.element > 1 {
            view.shape.push(self.element);
            view.strides.push(1);
        }
        view
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> u64 {
        self.len() * self.element
    }

    /// Whether the tensor is kept in NRAM.
    pub fn is_kept(&self) -> bool {
        self.memory == Memory::Nram
    }

    /// Elements.
    pub fn len(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// Bytes that lie together without a gap, of the last axis and of as many before it as follow one another.
    pub fn row_bytes(&self) -> u64 {
        if self.packing.is_some() {
            return self.element;
        }
        let mut bytes = self.element;
        for (&extent, &stride) in
            self.shape.iter().zip(&self.strides).rev().filter(|(extent, _)| **extent > 1)
        {
            if stride != bytes {
                break;
            }
            bytes *= extent;
        }
        bytes
    }

    /// Whether the elements lie row-major without a gap.
    pub fn is_dense(&self) -> bool {
        if self.packing.is_some() {
            return false;
        }
        let mut expected = self.element;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if extent != 1 && stride != expected {
                return false;
            }
            expected *= extent;
        }
        true
    }

    /// Whether both are the same bytes in the same order: axes of one index have no say.
    pub fn same_place(&self, other: &View) -> bool {
        let mut strides = self.shape.iter().zip(self.strides.iter().zip(&other.strides));
        (self.memory, self.base, self.packing) == (other.memory, other.base, other.packing)
            && self.shape == other.shape
            && strides.all(|(&extent, (left, right))| extent == 1 || left == right)
    }

    /// From the first byte to one past the last, what lies between included; empty without elements.
    pub fn span(&self) -> Range<u64> {
        if self.is_empty() {
            return self.base..self.base;
        }
        let reach = self.shape.iter().zip(&self.strides).map(|(extent, stride)| (extent - 1) * stride);
        self.base..self.base + reach.sum::<u64>() + self.element
    }

    /// Address and bytes of stretches that are contiguous and, one after the other, the elements in row-major order.
    pub fn stretches(&self) -> impl Iterator<Item = (u64, u64)> + use<> {
        let view = self.unpacked();
        let (outer, length) = match (view.shape.split_last(), view.strides.last()) {
            _ if view.is_dense() => (0, view.bytes()),
            (Some((&last, _)), Some(&stride)) if stride == view.element => {
                (view.shape.len() - 1, last * view.element)
            }
            _ => (view.shape.len(), view.element),
        };
        let count: u64 = view.shape[..outer].iter().product();
        (0..count).map(move |index| {
            let (mut address, mut rest) = (view.base, index);
            for axis in (0..outer).rev() {
                address += rest % view.shape[axis] * view.strides[axis];
                rest /= view.shape[axis];
            }
            (address, length)
        })
    }

    /// Whether the innermost axis is contiguous, as operators read their images.
    pub fn is_readable(&self) -> bool {
        self.packing.is_none()
            && self
                .shape
                .iter()
                .zip(&self.strides)
                .next_back()
                .is_none_or(|(&n, &s)| n == 1 || s == self.element)
    }

    /// Whether a matrix has a contiguous axis, its last or its first.
    pub fn is_matrix(&self) -> bool {
        let contiguous = |axis: usize| self.shape[axis] == 1 || self.strides[axis] == self.element;
        self.shape.len() == 2 && (contiguous(0) || contiguous(1))
    }

    /// `count` indices of `axis` from `start` in steps of `step`, at least 1.
    pub fn slice(&self, axis: usize, start: u64, count: u64, step: u64) -> View {
        let mut view = self.clone();
        view.base += start * self.strides[axis];
        view.shape[axis] = count;
        view.strides[axis] *= step;
        view
    }

    /// Axis `k` of the result is axis `permutation[k]` of this one. The last two axes of a packed view stay the last two.
    pub fn transpose(&self, permutation: &[usize]) -> View {
        View {
            packing: self.packing.and_then(|packing| packing.transpose(permutation)),
            shape: permutation.iter().map(|&axis| self.shape[axis]).collect(),
            strides: permutation.iter().map(|&axis| self.strides[axis]).collect(),
            ..*self
        }
    }

    /// The same elements in the same order under another shape, where strides can say it.
    pub fn reshape(&self, shape: &[u64]) -> Option<View> {
        let matrix = |shape: &[u64]| shape.last_chunk::<2>().copied();
        if self.packing.is_some() && matrix(shape) != matrix(&self.shape) {
            return None;
        }
        // Axes of extent 1 have no say.
        let old: Vec<(u64, u64)> = self
            .shape
            .iter()
            .copied()
            .zip(self.strides.iter().copied())
            .filter(|&(extent, _)| extent != 1)
            .collect();
        let mut strides = vec![self.element; shape.len()];
        let (mut old_at, mut new_at) = (0, 0);
        while old_at < old.len() {
            while new_at < shape.len() && shape[new_at] == 1 {
                new_at += 1;
            }
            let (old_start, new_start) = (old_at, new_at);
            let mut old_size = old[old_at].0;
            let mut new_size = *shape.get(new_at)?;
            (old_at, new_at) = (old_at + 1, new_at + 1);
            while old_size != new_size {
                if old_size < new_size {
                    old_size *= old.get(old_at)?.0;
                    old_at += 1;
                } else {
                    new_size *= shape.get(new_at)?;
                    new_at += 1;
                }
            }
            // The old axes of this group must be one run of equal steps.
            let group = &old[old_start..old_at];
            if group.windows(2).any(|pair| pair[0].1 != pair[1].0 * pair[1].1) {
                return None;
            }
            let mut stride = group[group.len() - 1].1;
            for axis in (new_start..new_at).rev() {
                strides[axis] = stride;
                stride *= shape[axis];
            }
        }
        Some(View { shape: shape.to_vec(), strides, ..*self })
    }

    /// The view as images whose channels are the bytes of its elements; axes are missing on the left.
    pub fn byte_image(&self) -> Option<Image> {
        let mut view = View { element: 1, ..self.clone() };
        if self.element > 1 {
            if !self.is_readable() {
                return None;
            }
            *view.shape.last_mut()? *= self.element;
            *view.strides.last_mut()? = 1;
        }
        view.image()
    }

    /// The view, one of bytes, as images with contiguous channels; axes are missing on the left.
    pub fn image(&self) -> Option<Image> {
        let rank = self.shape.len();
        if self.element != 1
            || rank == 0
            || rank > 4
            || (self.shape[rank - 1] != 1 && self.strides[rank - 1] != 1)
        {
            return None;
        }
        let mut shape = [1; 4];
        let mut strides = [0; 4];
        shape[4 - rank..].copy_from_slice(&self.shape);
        strides[4 - rank..].copy_from_slice(&self.strides);
        let [batch, height, width, channels] = shape;
        Some(Image {
            memory: self.memory,
            base: self.base,
            batch,
            height,
            width,
            channels,
            batch_stride: strides[0],
            row_stride: strides[1],
            pixel_stride: strides[2],
        })
    }
}

/// Images, NHWC, the channels of a pixel contiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Image {
    /// The memory: DRAM, or NRAM for what is kept between layers.
    pub memory: Memory,
    /// Address of the first channel of the first pixel.
    pub base: u64,
    /// Images.
    pub batch: u64,
    /// Rows.
    pub height: u64,
    /// Pixels of a row.
    pub width: u64,
    /// Channels of a pixel.
    pub channels: u64,
    /// Bytes between images.
    pub batch_stride: u64,
    /// Bytes between rows.
    pub row_stride: u64,
    /// Bytes between pixels.
    pub pixel_stride: u64,
}

impl Image {
    /// Address of a channel of a pixel.
    pub fn address(&self, image: u64, row: u64, pixel: u64, channel: u64) -> u64 {
        self.base + image * self.batch_stride + row * self.row_stride + pixel * self.pixel_stride + channel
    }

    /// Whether the images are kept in NRAM, where engines read and write them in place.
    pub fn is_kept(&self) -> bool {
        self.memory == Memory::Nram
    }

    /// Whether a tile of `channels` of the channels has its pixels one after the other in NRAM.
    pub fn has_contiguous_pixels(&self, channels: u64) -> bool {
        !self.is_kept() || self.pixel_stride == channels
    }

    /// Address of a channel of a position that may lie in the frame around an image that is kept: before its first row or
    /// pixel, whose indices are then negative.
    pub fn framed_address(&self, image: u64, [row, pixel]: [i64; 2], channel: u64) -> u64 {
        let down = self.row_stride.wrapping_mul(row as u64);
        let across = self.pixel_stride.wrapping_mul(pixel as u64);
        self.address(image, 0, 0, channel).wrapping_add(down).wrapping_add(across)
    }

    /// Every `stride`-th row and pixel, as many as an output of `[height, width]` has.
    pub fn subsample(&self, stride: [u64; 2], output: [u64; 2]) -> Image {
        Image {
            height: output[0],
            width: output[1],
            row_stride: self.row_stride * stride[0],
            pixel_stride: self.pixel_stride * stride[1],
            ..*self
        }
    }

    /// The same bytes with so many pixels of a row as the channels of one; nothing if they do not lie next to each other, or do
    /// not make up whole rows.
    pub fn join(&self, pixels: u64) -> Option<Image> {
        let fits = self.pixel_stride == self.channels && self.width.is_multiple_of(pixels);
        let (width, channels) = (self.width / pixels, self.channels * pixels);
        fits.then_some(Image { width, channels, pixel_stride: channels, ..*self })
    }

    /// All pixels of all rows, and of all images if they join up too, as one row an image.
    pub fn flatten(&self) -> Option<Image> {
        if self.height > 1 && self.row_stride != self.width * self.pixel_stride {
            return None;
        }
        let width = self.height * self.width;
        let flat = Image { height: 1, width, row_stride: width * self.pixel_stride, ..*self };
        if self.batch > 1 && self.batch_stride != flat.row_stride {
            return Some(flat);
        }
        Some(Image { batch: 1, width: self.batch * width, ..flat })
    }

    /// Whether both have the same extents.
    pub fn same_extents(&self, other: &Image) -> bool {
        (self.batch, self.height, self.width, self.channels)
            == (other.batch, other.height, other.width, other.channels)
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

    #[test]
    fn packed_elements_come_in_the_order_of_the_tensor() {
        // Two outputs a block, two terms a step.
        let packing = Some(Packing { outputs_last: false, rows: 2, columns: 2 });
        let view = View { packing, ..View::dense(100, &[1, 2, 4]) };
        assert_eq!(view.stretches().collect::<Vec<_>>(), [(100, 2), (104, 2), (102, 2), (106, 2)]);
        let turned = view.transpose(&[0, 2, 1]);
        assert_eq!(turned.stretches().take(4).collect::<Vec<_>>(), [(100, 1), (102, 1), (101, 1), (103, 1)]);
        assert!(!view.is_dense() && !view.is_readable());
        assert_eq!(view.reshape(&[2, 4]).and_then(|view| view.packing), packing);
        assert_eq!(view.reshape(&[8]), None);
    }

    #[test]
    fn reshape_keeps_every_address_or_refuses() {
        let dense = View::dense(64, &[2, 3, 4, 5]);
        for shape in [vec![120], vec![6, 20], vec![2, 1, 12, 5], vec![1, 24, 5, 1], vec![3, 2, 2, 10]] {
            let view = dense.reshape(&shape).unwrap();
            assert_eq!(addresses(&view), addresses(&dense));
        }
        let pitched = dense.slice(3, 1, 3, 1);
        assert_eq!(addresses(&pitched.reshape(&[24, 3]).unwrap()), addresses(&pitched));
        assert_eq!(addresses(&pitched.reshape(&[2, 12, 3, 1]).unwrap()), addresses(&pitched));
        assert!(pitched.reshape(&[2, 36]).is_none());
        assert!(dense.slice(1, 0, 2, 1).reshape(&[16, 5]).is_none());
        assert_eq!(View::dense(0, &[1, 1]).reshape(&[1]).unwrap().shape, vec![1]);
    }

    #[test]
    fn stretches_are_the_elements_in_order() {
        let dense = View::dense(64, &[2, 3, 4, 5]);
        assert_eq!(dense.stretches().collect::<Vec<_>>(), [(64, 120)]);
        assert_eq!(dense.slice(3, 1, 3, 1).stretches().take(2).collect::<Vec<_>>(), [(65, 3), (70, 3)]);
        for view in [dense.slice(1, 1, 2, 1), dense.slice(3, 0, 3, 2), dense.transpose(&[0, 3, 1, 2])] {
            let elements = view.stretches().flat_map(|(address, length)| address..address + length);
            assert_eq!(elements.collect::<Vec<_>>(), addresses(&view));
            let (first, last) =
                (*addresses(&view).iter().min().unwrap(), *addresses(&view).iter().max().unwrap());
            assert_eq!(view.span(), first..last + 1);
        }
        let nothing = View::dense(8, &[2, 0, 3]);
        assert_eq!((nothing.span(), nothing.stretches().map(|(_, length)| length).sum()), (8..8, 0));
    }

    #[test]
    fn wide_elements_are_runs_of_bytes() {
        let wide = View::dense_of(64, &[2, 3], 4);
        assert_eq!((wide.span(), wide.bytes(), wide.is_dense()), (64..88, 24, true));
        assert_eq!(addresses(&wide.of_bytes()), (64..88).collect::<Vec<_>>());
        let turned = wide.transpose(&[1, 0]);
        assert!(!turned.is_dense() && !turned.is_readable() && turned.is_matrix());
        assert_eq!(turned.stretches().take(3).collect::<Vec<_>>(), [(64, 4), (76, 4), (68, 4)]);
        assert_eq!(wide.slice(1, 1, 2, 1).stretches().collect::<Vec<_>>(), [(68, 8), (80, 8)]);
        assert_eq!(wide.reshape(&[6, 1]).unwrap().strides, [4, 4]);
    }

    #[test]
    fn dense_ignores_axes_of_one() {
        assert!(View::dense(0, &[1, 3, 4]).is_dense());
        assert!(View::dense(0, &[2, 3, 4]).slice(0, 1, 1, 1).is_dense());
        assert!(!View::dense(0, &[2, 3, 4]).slice(1, 0, 2, 1).is_dense());
    }
}
