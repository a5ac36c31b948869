//! Convolution over NCHW: a product of filters and windows, or directly where every channel is its own group.

use super::conv_shape::{ConvShape, Epilogue, KERNEL, check_filters, check_padding};
use super::depthwise::depthwise;
use super::product::{
    Addend, BLOCK_ELEMENTS, Bias, Finish, Operand, Panels, ROWS, Store, Strided, Update, pack_block,
    pack_left, packed_elements, panel_width, part, term_blocks,
};
use super::raster::Raster;
use super::windows::{WindowLayout, Windows};
use super::{Activation, Float};
use crate::KernelError;
use crate::error::{check_length, elements};
use crate::scratch::with_scratch;
use rayon::prelude::*;
use std::ops::Range;

/// Tasks to aim for: enough that a few threads end at the same time.
const TASKS: usize = 16;
/// Fewest output channels of a task where channels are cut too.
const CHUNK_CHANNELS: usize = 8 * ROWS;

/// The filters `w[O,C/groups,KH,KW]` of a convolution.
#[derive(Debug, Clone, Copy)]
pub enum Filters<'a, T> {
    /// Row-major.
    Plain(&'a [T]),
    /// Packed before.
    Packed(&'a PackedFilters<T>),
}

/// Filters in the order in which [`conv2d_with`] reads them.
#[derive(Debug, Clone)]
pub struct PackedFilters<T> {
    values: Vec<T>,
    groups: usize,
    group_outputs: usize,
    depth: usize,
}

impl<T: Float> PackedFilters<T> {
    /// Packs `w[O,C/groups,KH,KW]` for convolutions of this shape, whatever their batch and input size.
    ///
    /// # Errors
    /// A slice whose length is not the shape's; groups that do not divide the channels.
    pub fn new(shape: &ConvShape, w: &[T]) -> Result<Self, KernelError> {
        check_filters(shape, w.len())?;
        let mut packed = Self::empty(shape);
        let values = vec![T::ZERO; packed.elements()];
        packed.values = values;
        pack_filters(shape, |group| plain_filters(shape, w, group), &mut packed.values);
        Ok(packed)
    }

    fn empty(shape: &ConvShape) -> Self {
        let (groups, group_outputs) = (shape.groups, shape.group_outputs());
        Self { values: Vec::new(), groups, group_outputs, depth: shape.depth() }
    }

    fn elements(&self) -> usize {
        self.groups * packed_elements(self.group_outputs, self.depth, ROWS)
    }

    fn check(&self, shape: &ConvShape) -> Result<(), KernelError> {
        let [own, other] = [self, &Self::empty(shape)].map(|f| [f.groups, f.group_outputs, f.depth]);
        if own == other {
            return Ok(());
        }
        let problem = format!("filters packed for [groups, outputs, terms] {own:?} do not fit {other:?}");
        Err(KernelError::shape(KERNEL, problem))
    }
}

/// `y[N,O,OH,OW] = activation(x[N,C,H,W] * w[O,C/groups,KH,KW] + bias[O])`.
///
/// # Errors
/// Slices whose length is not the shape's; groups that do not divide the channels; a window larger than the
/// padded input.
pub fn conv2d<T: Float>(
    shape: &ConvShape,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    y: &mut [T],
) -> Result<(), KernelError> {
    conv2d_with(shape, x, Filters::Plain(w), Epilogue { bias, addend: None, activation }, y)
}

/// [`conv2d`] with filters that may be packed, and with everything that may follow.
///
/// # Errors
/// Those of [`conv2d`]. Also, the filters were packed for another shape.
pub fn conv2d_with<T: Float>(
    shape: &ConvShape,
    x: &[T],
    filters: Filters<T>,
    epilogue: Epilogue<T>,
    y: &mut [T],
) -> Result<(), KernelError> {
    let output = shape.output()?;
    match filters {
        Filters::Plain(w) => check_filters(shape, w.len())?,
        Filters::Packed(packed) => packed.check(shape)?,
    }
    let input_plane = elements(KERNEL, &shape.input)?;
    let output_plane = elements(KERNEL, &output)?;
    let y_elements = elements(KERNEL, &[shape.batch, shape.out_channels, output_plane])?;
    check_padding(KERNEL, shape, output)?;
    check_length(KERNEL, "x", x.len(), elements(KERNEL, &[shape.batch, shape.in_channels, input_plane])?)?;
    check_length(KERNEL, "y", y.len(), y_elements)?;
    if let Some(bias) = epilogue.bias {
        check_length(KERNEL, "bias", bias.len(), shape.out_channels)?;
    }
    if let Some(addend) = epilogue.addend {
        check_length(KERNEL, "addend", addend.len(), y_elements)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    match filters {
        Filters::Plain(w) => {
            with_packed(
                shape,
                |group| plain_filters(shape, w, group),
                |w| run(shape, output, x, w, epilogue, y),
            );
        }
        Filters::Packed(packed) => run(shape, output, x, &packed.values, epilogue, y),
    }
    Ok(())
}

/// The filters of a group, a line for each output channel.
fn plain_filters<'w, T>(shape: &ConvShape, w: &'w [T], group: usize) -> Strided<'w, T> {
    let depth = shape.depth();
    Strided { data: &w[group * shape.group_outputs() * depth..], line_stride: depth, term_stride: 1 }
}

/// Packs the filters of every group, each in panels of [`ROWS`] output channels.
fn pack_filters<T: Float, F: Operand<T>>(shape: &ConvShape, filters: impl Fn(usize) -> F, to: &mut [T]) {
    let (outputs, depth) = (shape.group_outputs(), shape.depth());
    let groups = to.chunks_exact_mut(packed_elements(outputs, depth, ROWS).max(1));
    groups.enumerate().for_each(|(group, to)| pack_left(&filters(group), outputs, depth, to));
}

/// Calls `body` with the packed filters of every group.
///
/// `filters` gives those of a group, a line for each output channel.
pub(super) fn with_packed<T: Float, F: Operand<T>, R>(
    shape: &ConvShape,
    filters: impl Fn(usize) -> F,
    body: impl FnOnce(&[T]) -> R,
) -> R {
    let elements = shape.groups * packed_elements(shape.group_outputs(), shape.depth(), ROWS);
    with_scratch(elements, |packed| {
        pack_filters(shape, filters, packed);
        body(packed)
    })
}

/// Computes a convolution whose operands have been checked, in the way that suits its shape.
pub(super) fn run<T: Float>(
    shape: &ConvShape,
    output: [usize; 2],
    x: &[T],
    filters: &[T],
    epilogue: Epilogue<T>,
    y: &mut [T],
) {
    if let Some(raster) = Raster::of_channel(shape, output) {
        depthwise(shape, output, &raster, x, filters, epilogue, y);
        return;
    }
    if let Some(raster) = Raster::new(shape, output) {
        raster.convolve(x, filters, epilogue, y);
        return;
    }
    let layout = WindowLayout::new(shape, output);
    with_planes(shape, &layout, x, |x| {
        Product { shape, output, layout: &layout, x, filters, epilogue }.run(y);
    });
}

/// Calls `body` with the planes of `x` as the layout wants them.
pub(super) fn with_planes<T: Float, R>(
    shape: &ConvShape,
    layout: &WindowLayout,
    x: &[T],
    body: impl FnOnce(&[T]) -> R,
) -> R {
    if !layout.is_split() {
        return body(x);
    }
    let input_plane = shape.input[0] * shape.input[1];
    with_scratch(shape.batch * shape.in_channels * layout.plane(), |planes| {
        let planes_of_x = planes.par_chunks_mut(layout.plane()).enumerate();
        planes_of_x.for_each(|(index, to)| {
            layout.split(shape, &x[index * input_plane..][..input_plane], to);
        });
        body(planes)
    })
}

/// The convolution as `y[channel, pixel] = w[channel, depth] * windows[depth, pixel]`, one image and one
/// group at a time.
struct Product<'a, T> {
    shape: &'a ConvShape,
    output: [usize; 2],
    layout: &'a WindowLayout,
    x: &'a [T],
    /// Packed, group after group.
    filters: &'a [T],
    epilogue: Epilogue<'a, T>,
}

/// A chunk of one group's output channels by a block of one image's pixels.
struct Task<'y, T> {
    image: usize,
    group: usize,
    /// The first channel, within the group: a multiple of [`ROWS`].
    channel: usize,
    pixels: Range<usize>,
    /// One piece of output for each channel.
    y: Vec<&'y mut [T]>,
}

impl<T: Float> Product<'_, T> {
    fn run(&self, y: &mut [T]) {
        self.tasks(y).into_par_iter().for_each(|task| self.compute(task));
    }

    /// Cuts the work by shape alone.
    ///
    /// Each task owns the pieces of the output planes that it writes.
    fn tasks<'y>(&self, y: &'y mut [T]) -> Vec<Task<'y, T>> {
        let plane = self.output[0] * self.output[1];
        let (channels, width) = (self.shape.group_outputs(), panel_width::<T>());
        let images = self.shape.batch * self.shape.groups;
        let terms = term_blocks(self.shape.depth()).next().map_or(1, |block| block.len().max(1));
        let fitting = (BLOCK_ELEMENTS / terms).min(plane * images / TASKS).max(2 * width);
        let block = part(plane, fitting, width);
        let chunks = TASKS.div_ceil(plane.div_ceil(block) * images);
        let chunk = part(channels, (channels / chunks).max(CHUNK_CHANNELS), ROWS);
        let mut tasks = Vec::new();
        for (outer, y) in y.chunks_exact_mut(channels * plane).enumerate() {
            let (image, group) = (outer / self.shape.groups, outer % self.shape.groups);
            for (index, y) in y.chunks_mut(chunk * plane).enumerate() {
                let (first_task, count) = (tasks.len(), y.len() / plane);
                tasks.extend((0..plane).step_by(block).map(|first| Task {
                    image,
                    group,
                    channel: index * chunk,
                    pixels: first..plane.min(first + block),
                    y: Vec::with_capacity(count),
                }));
                for y in y.chunks_exact_mut(plane) {
                    tasks[first_task..]
                        .iter_mut()
                        .zip(y.chunks_mut(block))
                        .for_each(|(task, y)| task.y.push(y));
                }
            }
        }
        tasks
    }

    fn compute(&self, mut task: Task<T>) {
        let (shape, depth, width) = (self.shape, self.shape.depth(), panel_width::<T>());
        let windows = Windows {
            layout: self.layout,
            x: self.x,
            first_plane: task.image * shape.in_channels + task.group * shape.group_inputs(),
            row_stride: shape.window.stride[0],
        };
        let group_panels = packed_elements(shape.group_outputs(), depth, ROWS);
        let filters = &self.filters[task.group * group_panels..][..group_panels];
        let finish = self.finish(&task);
        for block in term_blocks(depth) {
            with_scratch(packed_elements(task.pixels.len(), block.len(), width), |packed| {
                pack_block(&windows, task.pixels.clone(), block.clone(), packed);
                let update = Update {
                    left: Panels::of(filters, ROWS, depth, task.channel, block.start),
                    right: Panels::of(packed, width, block.len(), 0, 0),
                    terms: block.len(),
                    y: &mut task.y,
                    store: Store {
                        scale: T::ONE,
                        keep: if block.start == 0 { T::ZERO } else { T::ONE },
                        finish: (block.end == depth).then_some(finish),
                    },
                };
                update.run();
            });
        }
    }

    /// The epilogue of a task.
    fn finish(&self, task: &Task<T>) -> Finish<'_, T> {
        let channel = task.group * self.shape.group_outputs() + task.channel;
        let plane = self.output[0] * self.output[1];
        let first = (task.image * self.shape.out_channels + channel) * plane + task.pixels.start;
        Finish {
            bias: self.epilogue.bias.map_or(Bias::None, |bias| Bias::Rows(&bias[channel..])),
            addend: self.epilogue.addend.map(|addend| Addend { data: &addend[first..], row_stride: plane }),
            activation: self.epilogue.activation,
        }
    }
}
