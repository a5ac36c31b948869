//! Linear interpolation as sums of gathered neighbours times constant weights.

use ediacara_graph::Tensor;
use ediacara_graph::ops::Resize;

use crate::Result;

/// One of the neighbours of each element of a result.
pub(crate) struct Corner {
    /// What picks it: gathers along stored axes, one after the other.
    pub(crate) gathers: Vec<(usize, Tensor)>,
    /// Its weights, that broadcast over the result as it is stored.
    pub(crate) weights: Tensor,
}

/// The neighbours of a resize by linear interpolation of an operand of `shape`, two along each axis that changes. Stored axis `k`
/// is axis `order[k]` of the operand.
///
/// # Errors
/// A tensor that cannot be made.
pub(crate) fn corners(resize: &Resize, shape: &[usize], order: &[usize]) -> Result<Vec<Corner>> {
    let axes = neighbours(resize, shape, order);
    // Bit k of a corner says which of the two neighbours along the k-th axis it is.
    let corner = |corner: usize| {
        let (mut gathers, mut weights) =
            (Vec::new(), Tensor::from_vec(&vec![1; shape.len()], vec![1.0_f32])?);
        for (bit, pair) in axes.iter().enumerate() {
            let Neighbours { axis, indices, weights: along } = &pair[corner >> bit & 1];
            gathers.push((*axis, Tensor::from_vec(&[indices.len()], indices.clone())?));
            weights = outer(&weights, *axis, along)?;
        }
        Ok(Corner { gathers, weights })
    };
    (0..1_usize << axes.len()).map(corner).collect()
}

/// For each index of a result along a stored axis, an element of the operand and its weight.
struct Neighbours {
    axis: usize,
    indices: Vec<i64>,
    weights: Vec<f32>,
}

/// The first and the second neighbours along each axis that changes, which is given in stored order.
fn neighbours(resize: &Resize, shape: &[usize], order: &[usize]) -> Vec<[Neighbours; 2]> {
    let changes = |&(_, &axis): &(usize, &usize)| !resize.keeps(axis, shape[axis]);
    let along = |(stored, &axis): (usize, &usize)| {
        let taps: Vec<Vec<(usize, f64)>> =
            (0..resize.shape[axis]).map(|index| resize.taps(axis, index, shape[axis])).collect();
        [0, 1].map(|which| {
            let one = |taps: &Vec<(usize, f64)>| taps.get(which).copied().unwrap_or((taps[0].0, 0.0));
            let pairs = || taps.iter().map(one);
            Neighbours {
                axis: stored,
                indices: pairs().map(|(index, _)| index as i64).collect(),
                weights: pairs().map(|(_, weight)| weight as f32).collect(),
            }
        })
    };
    order.iter().enumerate().filter(changes).map(along).collect()
}

/// Weights `[..]` with an axis of 1, times weights along this axis.
fn outer(weights: &Tensor, axis: usize, along: &[f32]) -> Result<Tensor> {
    let mut shape = weights.shape().to_vec();
    let (inner, outer): (usize, usize) = (shape[axis + 1..].iter().product(), shape[..axis].iter().product());
    let before = weights.to_vec::<f32>()?;
    let mut values = Vec::with_capacity(before.len() * along.len());
    for block in 0..outer {
        for &weight in along {
            values.extend(before[block * inner..][..inner].iter().map(|&value| value * weight));
        }
    }
    shape[axis] = along.len();
    Ok(Tensor::from_vec(&shape, values)?)
}
