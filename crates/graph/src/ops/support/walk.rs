//! Loops over one to three strided operands and a dense output.
//!
//! The operands are views of the output's shape (broadcast dimensions have stride 0). Axes along which every
//! operand walks in step are merged, so that the inner loop is as long as can be, and inner strides of 0 and
//! 1 get loops of their own that the compiler vectorises. The output is cut into chunks of a fixed size, one
//! rayon task each: the result does not depend on the number of threads.

use ediacara_tensor::{Element, Tensor, TensorError};
use rayon::prelude::*;

/// Elements of one task; up to so many there is one task and no thread is woken.
pub(crate) const CHUNK_ELEMENTS: usize = 1 << 15;

/// Merged axes, innermost last: dimension and the stride of each operand.
struct Axes<const N: usize> {
    inner: (usize, [isize; N]),
    outer: Vec<(usize, [isize; N])>,
    start: [isize; N],
}

impl<const N: usize> Axes<N> {
    fn new(shape: &[usize], views: &[&Tensor; N]) -> Axes<N> {
        let mut merged: Vec<(usize, [isize; N])> = Vec::with_capacity(shape.len());
        for (axis, &dimension) in shape.iter().enumerate() {
            if dimension == 1 {
                continue;
            }
            let strides = views.map(|view| view.strides()[axis]);
            match merged.last_mut() {
                Some(last) if (0..N).all(|i| last.1[i] == strides[i] * dimension as isize) => {
                    *last = (last.0 * dimension, strides);
                }
                _ => merged.push((dimension, strides)),
            }
        }
        let inner = merged.pop().unwrap_or((1, [0; N]));
        Axes { inner, outer: merged, start: views.map(|view| view.offset() as isize) }
    }

    /// The operands' positions at the start of row `row` of the output.
    fn row_start(&self, mut row: usize) -> [isize; N] {
        let mut positions = self.start;
        for &(dimension, strides) in self.outer.iter().rev() {
            let index = (row % dimension) as isize;
            row /= dimension;
            for i in 0..N {
                positions[i] += index * strides[i];
            }
        }
        positions
    }

    /// Calls `body(positions, piece)` for pieces of rows that make up the output.
    fn for_each<R: Send>(&self, output: &mut [R], body: impl Fn([isize; N], &mut [R]) + Sync) {
        // An empty axis would make rows of length 0.
        if output.is_empty() {
            return;
        }
        let (length, strides) = self.inner;
        let chunk = |number: usize, mut chunk: &mut [R]| {
            let first = number * CHUNK_ELEMENTS;
            let (mut row, mut column) = (first / length, first % length);
            while !chunk.is_empty() {
                let count = (length - column).min(chunk.len());
                let (piece, rest) = std::mem::take(&mut chunk).split_at_mut(count);
                let mut positions = self.row_start(row);
                for i in 0..N {
                    positions[i] += column as isize * strides[i];
                }
                body(positions, piece);
                chunk = rest;
                row += 1;
                column = 0;
            }
        };
        if output.len() <= CHUNK_ELEMENTS {
            chunk(0, output);
        } else {
            output
                .par_chunks_mut(CHUNK_ELEMENTS)
                .enumerate()
                .for_each(|(number, piece)| chunk(number, piece));
        }
    }
}

/// Calls `body` with every block of so many dense values and with the `scratch` of its task.
///
/// How many blocks a task has follows from their size alone.
pub(crate) fn for_each_block<T: Send, S>(
    values: &mut [T],
    block: usize,
    scratch: impl Fn() -> S + Sync,
    body: impl Fn(&mut [T], &mut S) + Sync,
) {
    let blocks_a_task = (CHUNK_ELEMENTS / block).max(1);
    values.par_chunks_mut(blocks_a_task * block).for_each(|task| {
        let mut scratch = scratch();
        task.chunks_exact_mut(block).for_each(|block| body(block, &mut scratch));
    });
}

/// `output[i] = function(x[i])` in row-major order.
pub(crate) fn map<A: Element, R: Element>(
    [x]: [&Tensor; 1],
    output: &mut Tensor,
    function: impl Fn(A) -> R + Sync,
) -> Result<(), TensorError> {
    let (values, _) = x.as_storage::<A>()?;
    let axes = Axes::new(x.shape(), &[x]);
    let stride = axes.inner.1[0];
    axes.for_each(output.as_mut_slice::<R>()?, |[position], piece| {
        if stride == 1 {
            let values = &values[position as usize..][..piece.len()];
            piece.iter_mut().zip(values).for_each(|(result, &value)| *result = function(value));
        } else {
            let mut position = position;
            for result in piece {
                *result = function(values[position as usize]);
                position += stride;
            }
        }
    });
    Ok(())
}

/// `output[i] = function(x[i], y[i])`, both operands broadcast to the output's shape.
pub(crate) fn zip<A: Element, B: Element, R: Element>(
    [x, y]: [&Tensor; 2],
    output: &mut Tensor,
    function: impl Fn(A, B) -> R + Sync,
) -> Result<(), TensorError> {
    let (x, y) = (x.broadcast_to(output.shape())?, y.broadcast_to(output.shape())?);
    let ((left, _), (right, _)) = (x.as_storage::<A>()?, y.as_storage::<B>()?);
    let axes = Axes::new(output.shape(), &[&x, &y]);
    let strides = axes.inner.1;
    axes.for_each(output.as_mut_slice::<R>()?, |[l, r], piece| match strides {
        [1, 1] => {
            let (left, right) = (&left[l as usize..][..piece.len()], &right[r as usize..][..piece.len()]);
            let operands = left.iter().zip(right);
            piece.iter_mut().zip(operands).for_each(|(result, (&a, &b))| *result = function(a, b));
        }
        [1, 0] => {
            let (left, b) = (&left[l as usize..][..piece.len()], right[r as usize]);
            piece.iter_mut().zip(left).for_each(|(result, &a)| *result = function(a, b));
        }
        [0, 1] => {
            let (a, right) = (left[l as usize], &right[r as usize..][..piece.len()]);
            piece.iter_mut().zip(right).for_each(|(result, &b)| *result = function(a, b));
        }
        [left_stride, right_stride] => {
            let (mut l, mut r) = (l, r);
            for result in piece {
                *result = function(left[l as usize], right[r as usize]);
                l += left_stride;
                r += right_stride;
            }
        }
    });
    Ok(())
}

/// The shape of `x` and `y` broadcast together by NumPy's rule, if they can be.
pub(crate) fn broadcast_shapes(x: &[usize], y: &[usize]) -> Option<Vec<usize>> {
    let rank = x.len().max(y.len());
    let at =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    (0..rank)
        .map(|axis| match (at(x, axis), at(y, axis)) {
            (left, right) if left == right => Some(left),
            (1, right) => Some(right),
            (left, 1) => Some(left),
            _ => None,
        })
        .collect()
}

/// The offsets of every element of axes of these dimensions and strides, in row-major order.
pub(crate) fn offsets(axes: &[(usize, isize)]) -> Vec<isize> {
    let mut offsets = vec![0_isize];
    for &(dimension, stride) in axes {
        if dimension != 1 {
            let along = |&offset: &isize| (0..dimension).map(move |index| offset + index as isize * stride);
            offsets = offsets.iter().flat_map(along).collect();
        }
    }
    offsets
}

/// `output[i] = function(x[i], y[i], z[i])`, all operands broadcast to the output's shape.
pub(crate) fn zip3<A: Element, B: Element, C: Element, R: Element>(
    operands: [&Tensor; 3],
    output: &mut Tensor,
    function: impl Fn(A, B, C) -> R + Sync,
) -> Result<(), TensorError> {
    let shape = output.shape().to_vec();
    let [x, y, z] = operands.map(|operand| operand.broadcast_to(&shape));
    let (x, y, z) = (x?, y?, z?);
    let ((first, _), (second, _), (third, _)) =
        (x.as_storage::<A>()?, y.as_storage::<B>()?, z.as_storage::<C>()?);
    let axes = Axes::new(&shape, &[&x, &y, &z]);
    let strides = axes.inner.1;
    axes.for_each(output.as_mut_slice::<R>()?, |[mut a, mut b, mut c], piece| {
        if let [1, 0, 0] = strides {
            let (line, b, c) = (&first[a as usize..][..piece.len()], second[b as usize], third[c as usize]);
            piece.iter_mut().zip(line).for_each(|(result, &a)| *result = function(a, b, c));
            return;
        }
        if let [1, 1, 0] = strides {
            let (left, right) = (&first[a as usize..][..piece.len()], &second[b as usize..][..piece.len()]);
            let c = third[c as usize];
            let operands = left.iter().zip(right);
            piece.iter_mut().zip(operands).for_each(|(result, (&a, &b))| *result = function(a, b, c));
            return;
        }
        for result in piece {
            *result = function(first[a as usize], second[b as usize], third[c as usize]);
            a += strides[0];
            b += strides[1];
            c += strides[2];
        }
    });
    Ok(())
}
