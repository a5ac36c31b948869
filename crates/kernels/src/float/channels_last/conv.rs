//! Convolution with channels last.

use super::super::conv_shape::{ConvShape, Epilogue};
use super::super::product::{Addend, Bias, Finish, Store, part};
use super::ImageLayout;
use super::filters::{ChannelsLastFilters, Packed, Panel, Panels};
use super::image::{Images, pad, padded_elements};
use super::rows::depthwise;
use super::tile::Tiles;
use crate::error::{check_length, elements};
use crate::scratch::with_scratch;
use crate::{KernelError, Window};
use rayon::prelude::*;

const KERNEL: &str = "conv2d_channels_last";

/// Tasks to aim for: enough that a few threads end at the same time.
const TASKS: usize = 16;
/// Fewest pixels of a task: four tiles.
const TASK_PIXELS: usize = 24;
/// Most pixels of a task, so that its outputs are at hand when the next block of terms is added to them.
const MOST_TASK_PIXELS: usize = 384;

/// `y[N,OH,OW,O] = activation(x * w + bias + addend)`.
///
/// The input is `x[N,C,H,W]` or `x[N,H,W,C]`, as `layout` says. The addend is laid out as `y` is.
///
/// # Errors
/// Slices whose length is not the shape's; filters of another shape.
pub fn conv2d_channels_last(
    shape: &ConvShape,
    layout: ImageLayout,
    x: &[f32],
    filters: &ChannelsLastFilters,
    epilogue: Epilogue<f32>,
    y: &mut [f32],
) -> Result<(), KernelError> {
    filters.check(shape)?;
    let output = shape.output()?;
    let inputs = elements(KERNEL, &[shape.batch, shape.in_channels, shape.input[0], shape.input[1]])?;
    let outputs = elements(KERNEL, &[shape.batch, shape.out_channels, output[0], output[1]])?;
    check_length(KERNEL, "x", x.len(), inputs)?;
    check_length(KERNEL, "y", y.len(), outputs)?;
    if let Some(bias) = epilogue.bias {
        check_length(KERNEL, "bias", bias.len(), shape.out_channels)?;
    }
    if let Some(addend) = epilogue.addend {
        check_length(KERNEL, "addend", addend.len(), outputs)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    match &filters.packed {
        Packed::Dense(panels) if panels.of_rows => with_scratch(padded_elements(shape), |padded| {
            pad(shape, layout, x, padded);
            let images = Images::padded(shape, output, padded);
            dense(shape, &images, panels, epilogue, y);
        }),
        packed => with_channels_last(shape, layout, x, |x| match packed {
            Packed::Dense(panels) => {
                dense(shape, &Images::new(shape, output, x), panels, epilogue, y);
            }
            Packed::Depthwise(taps) => depthwise(shape, output, x, taps, epilogue, y),
        }),
    }
    Ok(())
}

/// Calls `body` with the images in channels-last order, turned if need be.
fn with_channels_last(shape: &ConvShape, layout: ImageLayout, x: &[f32], body: impl FnOnce(&[f32])) {
    if layout == ImageLayout::ChannelsLast {
        return body(x);
    }
    let bare = ConvShape { window: Window { padding: [0; 4], ..shape.window }, ..*shape };
    with_scratch(x.len(), |turned| {
        pad(&bare, layout, x, turned);
        body(turned);
    });
}

fn dense(shape: &ConvShape, images: &Images, filters: &Panels, epilogue: Epilogue<f32>, y: &mut [f32]) {
    let channels = shape.out_channels;
    let finish = Finish {
        bias: epilogue.bias.map_or(Bias::None, Bias::Columns),
        addend: epilogue.addend.map(|data| Addend { data, row_stride: channels }),
        activation: epilogue.activation,
    };
    let store = Store { scale: 1.0, keep: 0.0, finish: Some(finish) };
    let tiles = |panels, pixel, y| Tiles { images, filters, panels, pixel, y, store }.run();
    let inputs = shape.batch * shape.in_channels * shape.input[0] * shape.input[1];
    let cut = Cut::of(y.len() / channels, filters, size_of::<f32>() * inputs);
    if cut.panels >= filters.panels.len() {
        // The pieces of y are contiguous, so that each task finds its own pixels in its piece.
        y.par_chunks_mut(cut.pixels * channels).enumerate().for_each(|(index, y)| {
            tiles(&filters.panels, index * cut.pixels, y.chunks_exact_mut(channels).collect());
        });
    } else {
        let tasks = tasks(&cut, &filters.panels, channels, y);
        tasks.into_par_iter().for_each(|task| tiles(task.panels, task.pixel, task.y));
    }
}

/// Pixels and panels of a task.
struct Cut {
    pixels: usize,
    panels: usize,
}

impl Cut {
    /// Cuts the work by shape alone.
    ///
    /// It cuts the larger of weights and images first, so that no two threads read all of it.
    fn of(pixels: usize, filters: &Panels, input_bytes: usize) -> Self {
        let panels = filters.panels.len();
        let by_pixels = |tasks: usize| {
            let target = (pixels / tasks.max(1)).clamp(TASK_PIXELS, MOST_TASK_PIXELS);
            part(pixels, target, 1)
        };
        let by_panels = |tasks: usize| panels.div_ceil(tasks.clamp(1, panels.max(1)));
        if filters.bytes() > input_bytes {
            let own = by_panels(TASKS);
            Self { pixels: by_pixels(tasks_each(panels.div_ceil(own))), panels: own }
        } else {
            let own = by_pixels(TASKS);
            Self { pixels: own, panels: by_panels(tasks_each(pixels.div_ceil(own))) }
        }
    }
}

/// The number of tasks into which each of some parts is cut.
fn tasks_each(parts: usize) -> usize {
    (TASKS + parts / 2) / parts.max(1)
}

struct Task<'a, 'y> {
    panels: &'a [Panel],
    pixel: usize,
    y: Vec<&'y mut [f32]>,
}

/// Makes one task for every piece of pixels and panels; each owns the pieces of pixels that it writes.
fn tasks<'a, 'y>(cut: &Cut, panels: &'a [Panel], channels: usize, y: &'y mut [f32]) -> Vec<Task<'a, 'y>> {
    let mut tasks = Vec::new();
    for (index, y) in y.chunks_mut(cut.pixels * channels).enumerate() {
        let first = tasks.len();
        let count = y.len() / channels;
        let task = |panels| Task { panels, pixel: index * cut.pixels, y: Vec::with_capacity(count) };
        tasks.extend(panels.chunks(cut.panels).map(task));
        for mut y in y.chunks_exact_mut(channels) {
            for (task, next) in tasks[first..].iter_mut().zip(panels.chunks(cut.panels).skip(1)) {
                let own = next[0].channel - task.panels[0].channel;
                let (piece, rest) = y.split_at_mut(own);
                task.y.push(piece);
                y = rest;
            }
            if let Some(task) = tasks.last_mut() {
                task.y.push(y);
            }
        }
    }
    tasks
}
