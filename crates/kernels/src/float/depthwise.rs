//! Depthwise convolution over NCHW: a plane at a time, as a convolution of one channel.

use super::Float;
use super::conv_shape::{ConvShape, Epilogue};
use super::product::ROWS;
use super::raster::Raster;
use crate::scratch::with_scratch;
use rayon::prelude::*;

/// Products for which it is worth waking a thread.
const TASK_PRODUCTS: usize = 1 << 16;

/// The convolution where every group has one input channel (and any number of output channels).
///
/// `raster` is that of one channel, and `filters` are packed.
pub(super) fn depthwise<T: Float>(
    shape: &ConvShape,
    output: [usize; 2],
    raster: &Raster,
    x: &[T],
    filters: &[T],
    epilogue: Epilogue<T>,
    y: &mut [T],
) {
    let taps = shape.window.taps();
    let (input_plane, plane) = (shape.input[0] * shape.input[1], output[0] * output[1]);
    let multiplier = shape.out_channels / shape.in_channels;
    let group = multiplier.next_multiple_of(ROWS) * taps;
    let (inputs, run) = (raster.input_elements(), raster.run());
    let planes = y.par_chunks_mut(plane).enumerate();
    planes.with_min_len(TASK_PRODUCTS / (run * taps) + 1).for_each(|(index, y)| {
        let (image, channel) = (index / shape.out_channels, index % shape.out_channels);
        let (group_filters, own) = (&filters[channel / multiplier * group..][..group], channel % multiplier);
        let panel = &group_filters[own / ROWS * ROWS * taps..][..ROWS * taps];
        with_scratch(inputs + run + ROWS * taps, |scratch| {
            let (planes, filter) = scratch.split_at_mut(inputs + run);
            let (planes, results) = planes.split_at_mut(inputs);
            for (to, from) in filter.chunks_exact_mut(ROWS).zip(panel.chunks_exact(ROWS)) {
                to[0] = from[own % ROWS];
            }
            let x = &x[(image * shape.in_channels + channel / multiplier) * input_plane..][..input_plane];
            let epilogue = Epilogue {
                bias: epilogue.bias.map(|bias| &bias[channel..][..1]),
                addend: epilogue.addend.map(|addend| &addend[index * plane..][..plane]),
                ..epilogue
            };
            raster.convolve_image(x, filter, epilogue, [planes, results], y);
        });
    });
}
