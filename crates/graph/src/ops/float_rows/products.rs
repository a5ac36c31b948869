//! Inner products in the order of N-FLOAT-DOT, and their way to numbers: what `f_conv` and `f_matmul` share.

use ediacara_kernels::ordered::{OrderedWeights, add, canonical, dot, multiply};
use ediacara_tensor::{DType, Tensor};
use rayon::prelude::*;

use super::{Elements, Reading, Writing, write_rows};
use crate::ops::support::{operand_error, require_dtype, require_shape, single_output, tensor_error};
use crate::{AttributeReader, OpError, TensorType};

/// The most lanes that a beat may have.
const MOST_LANES: usize = 128;

/// Numbers of gathered windows that a task works on at a time.
const BLOCK: usize = 32 * 1024;

/// One reduction: stretches of elements, each of which is cut into beats of as many elements as there are lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reduction {
    /// Products that are added in one beat.
    pub(super) lanes: usize,
    /// Contiguous elements.
    pub(super) stretch: usize,
    /// How many stretches follow one another.
    pub(super) stretches: usize,
}

impl Reduction {
    /// Numbers of a stretch that is filled up to whole beats.
    pub(super) fn whole(&self) -> usize {
        self.stretch.div_ceil(self.lanes) * self.lanes
    }

    fn window(&self) -> usize {
        self.stretches * self.whole()
    }
}

/// Reads `lanes`: a power of two from 1 to 128.
pub(super) fn lanes(reader: &mut AttributeReader<'_>) -> Result<usize, OpError> {
    let lanes: usize = reader.int_as("lanes")?;
    match lanes.is_power_of_two() && lanes <= MOST_LANES {
        true => Ok(lanes),
        false => Err(reader.error("lanes", format!("{lanes} is no power of two from 1 to {MOST_LANES}"))),
    }
}

/// Checks x and w, which are of one type, f16, bf16 or f32, and have elements; and `bias` and `scale`, f32 of one entry an
/// output.
pub(super) fn require_products(
    op: &'static str,
    lanes: usize,
    [x, w]: [&TensorType; 2],
    [bias, scale]: [&TensorType; 2],
) -> Result<(), OpError> {
    if !lanes.is_power_of_two() || lanes > MOST_LANES {
        let problem = format!("{lanes} lanes are no power of two from 1 to {MOST_LANES}");
        return Err(OpError::Other { op: op.to_owned(), problem });
    }
    for (name, ty) in [("x", x), ("w", w)] {
        if !matches!(ty.dtype, DType::F16 | DType::BF16 | DType::F32) {
            return Err(operand_error(op, name, ty, "must be of f16, bf16 or f32"));
        }
        if ty.shape.contains(&0) {
            return Err(operand_error(op, name, ty, "has no element"));
        }
    }
    if x.dtype != w.dtype {
        return Err(operand_error(op, "w", w, format!("must be of the type of x, {}", x.dtype)));
    }
    let outputs = w.shape.first().copied().unwrap_or_default();
    for (name, ty) in [("bias", bias), ("scale", scale)] {
        require_dtype(op, name, ty, DType::F32)?;
        require_shape(op, name, ty, &[outputs], "one entry for each output")?;
    }
    Ok(())
}

/// The numbers of a tensor, row-major.
pub(super) fn numbers(op: &'static str, tensor: &Tensor) -> Result<Vec<f32>, OpError> {
    let tensor = tensor.to_contiguous();
    let mut numbers = vec![0.0; tensor.len()];
    Elements::of(op, &tensor, Reading::default())?.read(0, &mut numbers);
    Ok(numbers)
}

/// The weights of each group, packed: `w` has a window of dense stretches for each output.
pub(super) fn packed(
    op: &'static str,
    reduction: &Reduction,
    (w, groups): (&[f32], usize),
) -> Result<Vec<OrderedWeights>, OpError> {
    let Reduction { lanes, stretch, stretches } = *reduction;
    let (terms, steps) = (stretch * stretches, stretch.div_ceil(lanes));
    let columns = w.len() / terms / groups;
    let mut all = vec![OrderedWeights::default(); groups];
    all.par_iter_mut()
        .zip(w.par_chunks(columns * terms))
        .try_for_each(|(packed, w)| {
            packed.pack([lanes, columns, stretches * steps], |beat, numbers| {
                let first = beat % steps * lanes;
                let count = lanes.min(stretch - first);
                for (numbers, w) in numbers.chunks_exact_mut(lanes).zip(w.chunks_exact(terms)) {
                    numbers[..count].copy_from_slice(&w[beat / steps * stretch + first..][..count]);
                }
            })
        })
        .map_err(|source| OpError::Kernel { op, source })?;
    Ok(all)
}

/// What is done with the sums.
pub(super) struct Epilogue<'a> {
    pub(super) bias: &'a Tensor,
    pub(super) scale: &'a Tensor,
    pub(super) result: &'a Writing,
}

/// Computes the products of `pixels` windows with the weights of all groups, and stores `sum * scale + bias`.
///
/// `gather(pixel, group, window)` fills in the stretches of a window, each at a multiple of [`Reduction::whole`]; the window holds
/// +0 before.
pub(super) fn products(
    op: &'static str,
    reduction: &Reduction,
    weights: &[OrderedWeights],
    pixels: usize,
    gather: impl Fn(usize, usize, &mut [f32]) + Sync,
    epilogue: &Epilogue,
    outputs: &mut [Tensor],
) -> Result<(), OpError> {
    let numbers = |tensor: &Tensor| -> Result<Vec<f32>, OpError> {
        let values = tensor.to_contiguous().to_vec::<f32>().map_err(tensor_error(op))?;
        Ok(values.into_iter().map(canonical).collect())
    };
    let (bias, scale) = (numbers(epilogue.bias)?, numbers(epilogue.scale)?);
    let (window, channels) = (reduction.window(), bias.len());
    let columns = channels / weights.len();
    let block = (BLOCK / window).clamp(1, 64).min(pixels.div_ceil(rayon::current_num_threads()));
    let mut results = vec![0.0; pixels * channels];
    results
        .par_chunks_mut(block * channels)
        .enumerate()
        .try_for_each(|(task, results)| {
            let count = results.len() / channels;
            let (mut windows, mut sums) = (vec![0.0; count * window], vec![0.0; count * columns]);
            for (group, weights) in weights.iter().enumerate() {
                windows.fill(0.0);
                for (pixel, window) in windows.chunks_exact_mut(window).enumerate() {
                    gather(task * block + pixel, group, window);
                }
                sums.fill(0.0);
                dot(weights, &windows, &mut sums)?;
                let own = group * columns..(group + 1) * columns;
                for (sums, results) in sums.chunks_exact(columns).zip(results.chunks_exact_mut(channels)) {
                    let records = bias[own.clone()].iter().zip(&scale[own.clone()]);
                    for ((result, &sum), (&bias, &scale)) in
                        results[own.clone()].iter_mut().zip(sums).zip(records)
                    {
                        *result = add(multiply(sum, scale), bias);
                    }
                }
            }
            Ok(())
        })
        .map_err(|source| OpError::Kernel { op, source })?;
    let output = single_output(op, outputs)?;
    write_rows(
        op,
        epilogue.result,
        channels,
        output,
        || (),
        |index, (), row| {
            row.copy_from_slice(&results[index * channels..][..channels]);
        },
    )
}
