//! The filters of a convolution in the order in which its loops read them.

use super::super::conv_shape::{ConvShape, check_filters};
use super::tile::{LANES, Line, most_lines};
use crate::KernelError;
use rayon::prelude::*;
use std::ops::Range;

/// Most terms of a block: nine taps of 64 channels.
///
/// A panel of weights for 64 outputs then takes 144 KiB, which a second-level cache holds while pixels pass.
pub(super) const TERMS: usize = 576;
/// With fewer channels, a stretch is a whole row of the kernel over a padded copy of the image.
const FEW_CHANNELS: usize = 16;

/// Filters `w[O,C/groups,KH,KW]` packed for [`conv2d_channels_last`](super::conv2d_channels_last).
#[derive(Debug, Clone)]
pub struct ChannelsLastFilters {
    shape: ConvShape,
    pub(super) packed: Packed,
}

/// The kind of convolution, with its weights.
#[derive(Debug, Clone)]
pub(super) enum Packed {
    /// Every output channel sees every input channel.
    Dense(Panels),
    /// Every channel by itself: `[tap][line]`.
    Depthwise(Vec<Line>),
}

/// Panels of output channels, each with all its terms.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    pub(super) panels: Vec<Panel>,
    pub(super) blocks: Vec<Block>,
    /// Whether stretches are rows of a kernel over a padded image.
    pub(super) of_rows: bool,
}

/// Output channels that are computed at a time.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    /// Its first channel.
    pub(super) channel: usize,
    /// Its lines of [`LANES`] channels.
    pub(super) lines: usize,
    /// `[term][line]`.
    weights: Vec<Line>,
}

impl Panel {
    /// The weights for a block.
    pub(super) fn weights(&self, block: &Block) -> &[Line] {
        &self.weights[block.terms.start * self.lines..][..block.terms.len() * self.lines]
    }
}

/// Terms that are summed in one go.
#[derive(Debug, Clone)]
pub(super) struct Block {
    terms: Range<usize>,
    pub(super) stretches: Vec<Stretch>,
}

/// Terms that lie side by side in the image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// Rows below the corner of the window.
    pub(super) row: usize,
    /// Columns to the right of it.
    pub(super) column: usize,
    /// Elements into the pixel.
    pub(super) first: usize,
    pub(super) length: usize,
}

impl Panels {
    /// Bytes of all weights.
    pub(super) fn bytes(&self) -> usize {
        self.panels.iter().map(|panel| size_of_val(&panel.weights[..])).sum()
    }
}

impl ChannelsLastFilters {
    /// Packs `w[O,C/groups,KH,KW]` for convolutions of this shape, whatever their batch.
    ///
    /// It gives nothing if there is no loop for the shape: groups must be 1, or as many as input and output
    /// channels.
    ///
    /// # Errors
    /// A slice whose length is not the shape's; a window larger than the padded input.
    pub fn new(shape: &ConvShape, w: &[f32]) -> Result<Option<Self>, KernelError> {
        check_filters(shape, w.len())?;
        let output = shape.output()?;
        let packed = match shape.groups {
            1 => Packed::Dense(dense(shape, output, w)),
            groups if groups == shape.in_channels && groups == shape.out_channels => {
                Packed::Depthwise(depthwise(groups, shape.window.taps(), w))
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { shape: *shape, packed }))
    }

    /// Refuses another shape than that of the filters.
    pub(super) fn check(&self, shape: &ConvShape) -> Result<(), KernelError> {
        if *shape == (ConvShape { batch: shape.batch, ..self.shape }) {
            return Ok(());
        }
        let problem = format!("filters packed for {:?} do not fit {shape:?}", self.shape);
        Err(KernelError::shape("conv2d_channels_last", problem))
    }
}

fn dense(shape: &ConvShape, output: [usize; 2], w: &[f32]) -> Panels {
    let all_lines = shape.out_channels.div_ceil(LANES);
    let count = all_lines.div_ceil(most_lines()).max(1);
    let panel = |index| {
        let own = index * all_lines / count..(index + 1) * all_lines / count;
        Panel { channel: own.start * LANES, lines: own.len(), weights: panel_weights(shape, own, w) }
    };
    let of_rows = shape.in_channels < FEW_CHANNELS
        && shape.window.dilation[1] == 1
        && shape.window.taps() > 1
        && shape.window.pads_little(shape.input, output);
    let panels = (0..count).into_par_iter().map(panel).collect();
    Panels { panels, blocks: blocks(shape, of_rows), of_rows }
}

/// `w[C,taps]` in lines of channels, tap by tap.
fn depthwise(channels: usize, taps: usize, w: &[f32]) -> Vec<Line> {
    let lines = channels.div_ceil(LANES);
    let mut packed = vec![Line([0.0; LANES]); taps * lines];
    for (index, &w) in w.iter().enumerate() {
        let (channel, tap) = (index / taps, index % taps);
        packed[tap * lines + channel / LANES].0[channel % LANES] = w;
    }
    packed
}

/// Some lines of output channels, term by term: kernel row, kernel column, channel.
fn panel_weights(shape: &ConvShape, lines: Range<usize>, w: &[f32]) -> Vec<Line> {
    let (depth, taps, channels) = (shape.depth(), shape.window.taps(), shape.in_channels);
    let mut weights = vec![Line([0.0; LANES]); depth * lines.len()];
    let terms = weights.chunks_exact_mut(lines.len().max(1));
    for (term, to) in terms.enumerate() {
        let (tap, channel) = (term / channels, term % channels);
        let first = (lines.start * LANES * channels + channel) * taps + tap;
        // Outputs beyond the last stay 0.
        let from = w.get(first..).unwrap_or(&[]).iter().step_by(channels * taps);
        to.iter_mut().flat_map(|line| &mut line.0).zip(from).for_each(|(to, &w)| *to = w);
    }
    weights
}

/// Cuts all terms into blocks of equal size, and those into stretches.
///
/// There is one block even where there are no terms.
fn blocks(shape: &ConvShape, of_rows: bool) -> Vec<Block> {
    let (depth, [_, kernel_width]) = (shape.depth(), shape.window.kernel);
    let dilation = shape.window.dilation;
    let longest = if of_rows { kernel_width * shape.in_channels } else { shape.in_channels };
    let size = depth.div_ceil(depth.div_ceil(TERMS).max(1)).max(1);
    let stretch = |term: usize, end: usize| {
        let (index, first) = (term / longest, term % longest);
        let [row, column] = if of_rows { [index, 0] } else { [index / kernel_width, index % kernel_width] };
        let length = (longest - first).min(end - term);
        Stretch { row: row * dilation[0], column: column * dilation[1], first, length }
    };
    let block = |start: usize| {
        let end = depth.min(start + size);
        let mut stretches = Vec::new();
        let mut term = start;
        while term < end {
            let next = stretch(term, end);
            term += next.length;
            stretches.push(next);
        }
        Block { terms: start..end, stretches }
    };
    (0..depth.max(1)).step_by(size).map(block).collect()
}
