//! N-MAXPOOL and N-AVERAGE over NHWC.

use super::requantise::{Multiplier, QOutput, quantize_multiplier, requantise};
use crate::error::{check_length, elements};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};
use crate::{KernelError, Window};
use rayon::prelude::*;
use std::ops::Range;

const KERNEL: &str = "q_pool";

/// What a pooling window computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QPoolKind {
    /// N-MAXPOOL: padding never wins, and the zero points play no part.
    ///
    /// A window wholly in the padding gives the clamp of -128.
    Max,
    /// N-AVERAGE: the multiplier of an output pixel is `quantize_multiplier(ratio / n)`, where `n` elements
    /// are counted there.
    ///
    /// A pixel without a counted element gives the zero point, clamped.
    Average {
        /// Zero point of the input.
        x_zero: i8,
        /// `x_scale / y_scale`, positive.
        ratio: f64,
        /// Whether the padding counts, with the value of the zero point.
        count_include_pad: bool,
    },
}

/// The shape of [`q_pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QPoolShape {
    /// Images.
    pub batch: usize,
    /// Input `[height, width]`.
    pub input: [usize; 2],
    /// Channels.
    pub channels: usize,
    /// Output `[height, width]`. It may exceed what [`Window::output`] gives, where ceil mode says so.
    pub output: [usize; 2],
    /// The window.
    pub window: Window,
}

/// Pools `x[N, H, W, C]` to `y[N, OH, OW, C]`.
///
/// # Errors
/// Slices whose length is not the shape's; a zero kernel, stride or dilation; an empty clamp; a ratio that
/// [`quantize_multiplier`] refuses.
pub fn q_pool(
    shape: &QPoolShape,
    kind: QPoolKind,
    output: QOutput,
    x: &[i8],
    y: &mut [i8],
) -> Result<(), KernelError> {
    shape.window.check(KERNEL)?;
    output.check(KERNEL)?;
    let [height, width] = shape.input;
    let x_elements = elements(KERNEL, &[shape.batch, height, width, shape.channels])?;
    let y_elements = elements(KERNEL, &[shape.batch, shape.output[0], shape.output[1], shape.channels])?;
    check_length(KERNEL, "x", x.len(), x_elements)?;
    check_length(KERNEL, "y", y.len(), y_elements)?;
    if y.is_empty() {
        return Ok(());
    }
    let multipliers = multipliers(shape, kind)?;
    let row_elements = shape.output[1] * shape.channels;
    y.par_chunks_mut(row_elements).enumerate().for_each_init(
        || vec![0i32; shape.channels],
        |sums, (index, y)| {
            let image = index / shape.output[0];
            let x = &x[image * height * width * shape.channels..][..height * width * shape.channels];
            let multipliers = &multipliers;
            vectorise(Row { shape, kind, multipliers, output, row: index % shape.output[0], x, sums, y });
        },
    );
    Ok(())
}

/// One output row.
struct Row<'a> {
    shape: &'a QPoolShape,
    kind: QPoolKind,
    /// Multipliers by the count of elements.
    multipliers: &'a [Option<Multiplier>],
    output: QOutput,
    row: usize,
    x: &'a [i8],
    /// Scratch, one accumulator for each channel.
    sums: &'a mut [i32],
    y: &'a mut [i8],
}

impl Vectorise for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let output = self.output;
        for (column, y) in self.y.chunks_exact_mut(self.shape.channels).enumerate() {
            let pixel = [self.row, column];
            match self.kind {
                QPoolKind::Max => {
                    y.fill(i8::MIN);
                    for_each_tap(self.shape, pixel, self.x, |x| {
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y = x.max(*y));
                    });
                    y.iter_mut().for_each(|y| *y = (*y).max(output.low).min(output.high));
                }
                QPoolKind::Average { x_zero, count_include_pad, .. } => {
                    let zero = i32::from(x_zero);
                    self.sums.fill(0);
                    for_each_tap(self.shape, pixel, self.x, |x| {
                        let pairs = self.sums.iter_mut().zip(x);
                        pairs.for_each(|(sum, &x)| *sum = sum.wrapping_add(i32::from(x) - zero));
                    });
                    let count = count(self.shape, count_include_pad, pixel);
                    match self.multipliers.get(count).copied().flatten() {
                        None => y.fill(output.place(0)),
                        Some(multiplier) => {
                            let pairs = y.iter_mut().zip(&*self.sums);
                            pairs.for_each(|(y, &sum)| *y = requantise(sum, 0, multiplier, output));
                        }
                    }
                }
            }
        }
    }
}

/// Calls `visit` with the channels of every input pixel under the window of one output pixel.
#[inline(always)]
fn for_each_tap(shape: &QPoolShape, [row, column]: [usize; 2], x: &[i8], mut visit: impl FnMut(&[i8])) {
    let (rows, top) = shape.window.inside(0, row, shape.input[0]);
    let (columns, left) = shape.window.inside(1, column, shape.input[1]);
    for row in rows {
        let row = (top + (row * shape.window.dilation[0]) as isize) as usize;
        for column in columns.clone() {
            let column = (left + (column * shape.window.dilation[1]) as isize) as usize;
            visit(&x[(row * shape.input[1] + column) * shape.channels..][..shape.channels]);
        }
    }
}

/// Elements that the average at an output pixel counts.
fn count(shape: &QPoolShape, include_pad: bool, pixel: [usize; 2]) -> usize {
    let taps = |axis: usize| -> Range<usize> {
        if include_pad {
            shape.window.inside_padded(axis, pixel[axis], shape.input[axis])
        } else {
            shape.window.inside(axis, pixel[axis], shape.input[axis]).0
        }
    };
    taps(0).len() * taps(1).len()
}

/// The multiplier for every count that occurs, by the count.
///
/// They are found before the work starts, so that a bad ratio is an error and not half a result.
fn multipliers(shape: &QPoolShape, kind: QPoolKind) -> Result<Vec<Option<Multiplier>>, KernelError> {
    let QPoolKind::Average { ratio, count_include_pad, .. } = kind else { return Ok(Vec::new()) };
    let mut found = vec![None; elements(KERNEL, &shape.window.kernel)? + 1];
    for row in 0..shape.output[0] {
        for column in 0..shape.output[1] {
            let count = count(shape, count_include_pad, [row, column]);
            if count > 0 && found[count].is_none() {
                found[count] = Some(quantize_multiplier(ratio / count as f64)?);
            }
        }
    }
    Ok(found)
}
