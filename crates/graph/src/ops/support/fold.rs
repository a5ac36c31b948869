//! Loops that fold a tensor along axes.

use ediacara_tensor::{Element, Tensor, TensorError};
use rayon::prelude::*;

use super::walk::{CHUNK_ELEMENTS, offsets};

/// Partial results of one contiguous fold, so that the loop vectorises; the order of a sum depends on the
/// shape alone.
const LANES: usize = 16;

/// Folds `x` along `axes` into `result`, dense over the other axes, starting from `identity`.
pub(crate) fn fold<T: Element>(
    x: &Tensor,
    axes: &[usize],
    result: &mut [T],
    identity: T,
    combine: impl Fn(T, T) -> T + Sync,
) -> Result<(), TensorError> {
    if x.is_empty() {
        result.fill(identity);
        return Ok(());
    }
    let (values, start) = x.as_storage::<T>()?;
    let axis_of = |axis: usize| (x.shape()[axis], x.strides()[axis]);
    let kept: Vec<(usize, isize)> = (0..x.rank()).filter(|axis| !axes.contains(axis)).map(axis_of).collect();
    let mut reduced: Vec<(usize, isize)> =
        (0..x.rank()).filter(|axis| axes.contains(axis)).map(axis_of).collect();
    let count: usize = reduced.iter().map(|axis| axis.0).product();
    let walks_rows = kept.iter().rfind(|axis| axis.0 > 1).is_some_and(|axis| axis.1 == 1);
    if walks_rows {
        // The kept axis is the dense one: whole rows are combined element by element.
        let (mut outer, mut row) = (kept, (1, 1));
        while let Some(axis) = outer.pop() {
            if axis.0 > 1 {
                row = axis;
                break;
            }
        }
        let (row_starts, steps) = (offsets(&outer), offsets(&reduced));
        let rows = result
            .par_chunks_mut(row.0)
            .zip(&row_starts)
            .with_min_len((CHUNK_ELEMENTS / (row.0 * count)).max(1));
        rows.for_each(|(results, &row_start)| {
            results.fill(identity);
            for &step in &steps {
                let line = &values[(start as isize + row_start + step) as usize..][..results.len()];
                results.iter_mut().zip(line).for_each(|(result, &value)| *result = combine(*result, value));
            }
        });
        return Ok(());
    }
    let inner = match reduced.iter().rposition(|axis| axis.0 > 1) {
        Some(position) => reduced.remove(position),
        None => (1, 1),
    };
    let (starts, steps) = (offsets(&kept), offsets(&reduced));
    let results = result.par_iter_mut().zip(&starts).with_min_len((CHUNK_ELEMENTS / count).max(1));
    results.for_each(|(result, &result_start)| {
        let mut folded = identity;
        for &step in &steps {
            let position = start as isize + result_start + step;
            folded = combine(folded, fold_line(values, position, inner, identity, &combine));
        }
        *result = folded;
    });
    Ok(())
}

fn fold_line<T: Element>(
    values: &[T],
    position: isize,
    (length, stride): (usize, isize),
    identity: T,
    combine: impl Fn(T, T) -> T,
) -> T {
    if stride != 1 {
        let at = |index: usize| values[(position + index as isize * stride) as usize];
        return (0..length).fold(identity, |folded, index| combine(folded, at(index)));
    }
    let line = &values[position as usize..][..length];
    let mut lanes = [identity; LANES];
    let chunks = line.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = combine(*lane, value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The index along `axis` of the element that is `better(new, best)` than all before it.
pub(crate) fn best_index<T: Element>(
    x: &Tensor,
    axis: usize,
    output: &mut Tensor,
    better: impl Fn(T, T) -> bool + Sync,
) -> Result<(), TensorError> {
    let (values, start) = x.as_storage::<T>()?;
    let (size, stride) = (x.shape()[axis], x.strides()[axis]);
    let kept = (0..x.rank()).filter(|&other| other != axis).map(|axis| (x.shape()[axis], x.strides()[axis]));
    let starts = offsets(&kept.collect::<Vec<_>>());
    let results = output.as_mut_slice::<i64>()?.par_iter_mut().zip(&starts);
    results.with_min_len((CHUNK_ELEMENTS / size.max(1)).max(1)).for_each(|(result, &row)| {
        let at = |index: usize| values[(start as isize + row + index as isize * stride) as usize];
        let mut best = 0;
        for index in 1..size {
            if better(at(index), at(best)) {
                best = index;
            }
        }
        *result = best as i64;
    });
    Ok(())
}
