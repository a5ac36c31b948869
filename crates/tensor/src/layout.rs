//! Shapes, strides and the copy of a strided view into a dense buffer.

use crate::{DType, Result, TensorError};

/// The number of elements of a shape of `dtype`; neither it nor its bytes exceed `isize::MAX`.
///
/// # Errors
/// [`TensorError::TooLarge`].
pub fn element_count(dtype: DType, shape: &[usize]) -> Result<usize> {
    let too_large = || TensorError::TooLarge { shape: shape.to_vec(), dtype };
    if shape.contains(&0) {
        return Ok(0);
    }
    let count = shape.iter().try_fold(1_usize, |product, &dimension| product.checked_mul(dimension));
    let count = count.ok_or_else(too_large)?;
    let bytes = count.checked_mul(dtype.size_bytes()).ok_or_else(too_large)?;
    if isize::try_from(bytes).is_err() { Err(too_large()) } else { Ok(count) }
}

/// Row-major strides, in elements.
///
/// The shape must have passed [`element_count`].
pub(crate) fn dense_strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1_isize; shape.len()];
    for axis in (1..shape.len()).rev() {
        // A dimension of 0 makes every stride irrelevant; 1 keeps them sane.
        strides[axis - 1] = strides[axis] * shape[axis].max(1) as isize;
    }
    strides
}

/// Whether the elements lie side by side in row-major order.
///
/// Strides of dimensions of 1 do not matter.
pub(crate) fn is_dense(shape: &[usize], strides: &[isize]) -> bool {
    if shape.contains(&0) {
        return true;
    }
    let mut expected = 1_isize;
    for (&dimension, &stride) in shape.iter().zip(strides).rev() {
        if dimension != 1 && stride != expected {
            return false;
        }
        expected *= dimension as isize;
    }
    true
}

/// The same view without dimensions of 1, and with neighbours merged that step as one dimension.
fn coalesce(shape: &[usize], strides: &[isize]) -> Vec<(usize, isize)> {
    let mut merged: Vec<(usize, isize)> = Vec::with_capacity(shape.len());
    for (&dimension, &stride) in shape.iter().zip(strides) {
        if dimension == 1 {
            continue;
        }
        match merged.last_mut() {
            Some(last) if last.1 == stride * dimension as isize => *last = (last.0 * dimension, stride),
            _ => merged.push((dimension, stride)),
        }
    }
    merged
}

/// Copies the view (`offset`, `shape`, `strides`) of `source` into `target` in row-major order.
///
/// `target` has exactly the view's number of elements. Every element of the view lies inside `source`.
pub(crate) fn copy_view<T: Copy>(
    source: &[T],
    offset: usize,
    shape: &[usize],
    strides: &[isize],
    target: &mut [T],
) {
    if target.is_empty() {
        return;
    }
    let axes = coalesce(shape, strides);
    let Some((&(length, stride), outer)) = axes.split_last() else {
        target[0] = source[offset];
        return;
    };
    // A transposition reads column-wise. Square tiles keep both sides in cache.
    if stride != 1
        && let Some(column_axis) = outer.iter().position(|&(_, stride)| stride == 1)
        && length >= TILE
        && outer[column_axis].0 >= TILE
    {
        return copy_tiled(source, offset, &axes, column_axis, target);
    }
    let mut index = vec![0_usize; outer.len()];
    let mut position = offset as isize;
    for row in target.chunks_exact_mut(length) {
        copy_row(source, position, stride, row);
        position += advance(&mut index, outer);
    }
}

/// The edge of a square tile of a transposing copy, in elements.
const TILE: usize = 16;

fn copy_row<T: Copy>(source: &[T], position: isize, stride: isize, row: &mut [T]) {
    match stride {
        1 => row.copy_from_slice(&source[position as usize..position as usize + row.len()]),
        0 => row.fill(source[position as usize]),
        _ => {
            let mut position = position;
            for value in row {
                *value = source[position as usize];
                position += stride;
            }
        }
    }
}

/// Steps a row-major odometer, and returns the change of position in the source.
///
/// At the end it wraps to the start.
fn advance(index: &mut [usize], axes: &[(usize, isize)]) -> isize {
    let mut change = 0;
    for (counter, &(dimension, stride)) in index.iter_mut().zip(axes).rev() {
        *counter += 1;
        change += stride;
        if *counter < dimension {
            return change;
        }
        *counter = 0;
        change -= stride * dimension as isize;
    }
    change
}

fn copy_tiled<T: Copy>(
    source: &[T],
    offset: usize,
    axes: &[(usize, isize)],
    column_axis: usize,
    target: &mut [T],
) {
    let mut target_strides = vec![1_usize; axes.len()];
    for axis in (1..axes.len()).rev() {
        target_strides[axis - 1] = target_strides[axis] * axes[axis].0;
    }
    let last = axes.len() - 1;
    let (rows, row_stride) = axes[last];
    let columns = axes[column_axis].0;
    let column_step = target_strides[column_axis];
    let rest: Vec<usize> = (0..last).filter(|&axis| axis != column_axis).collect();
    let rest_axes: Vec<(usize, isize)> = rest.iter().map(|&axis| axes[axis]).collect();
    let repeats: usize = rest_axes.iter().map(|axis| axis.0).product();
    let mut index = vec![0_usize; rest.len()];
    let mut position = offset as isize;
    for _ in 0..repeats {
        let base: usize = index.iter().zip(&rest).map(|(&i, &axis)| i * target_strides[axis]).sum();
        for column_start in (0..columns).step_by(TILE) {
            let column_end = (column_start + TILE).min(columns);
            for row_start in (0..rows).step_by(TILE) {
                let row_end = (row_start + TILE).min(rows);
                for column in column_start..column_end {
                    let line = &mut target[base + column * column_step..][row_start..row_end];
                    let mut from = position + column as isize + row_start as isize * row_stride;
                    for value in line {
                        *value = source[from as usize];
                        from += row_stride;
                    }
                }
            }
        }
        position += advance(&mut index, &rest_axes);
    }
}
