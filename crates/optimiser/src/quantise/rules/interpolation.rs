//! resize by linear interpolation -> float instructions on gathered int8 images.

use ediacara_graph::ops::{FRow, Gather, Reading, Resize, ResizeMode, Writing};
use ediacara_graph::{Node, NodeId, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation;

use super::{Rule, unreadable_image};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "interpolation",
    documentation: "resize by linear interpolation, for a DLP with float lanes: the int8 neighbours of each element, gathered, \
        times their weights, summed in f32 and stored.",
    check,
};

#[derive(Debug)]
struct Interpolation(Resize);

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(resize) = node.op_as::<Resize>() else { return Verdict::NotMine };
    if resize.mode != ResizeMode::Linear || !plan.has_floats() {
        return Verdict::NotMine;
    }
    let x = node.inputs[0];
    if plan.graph.ty(x).rank() != 4 {
        return Verdict::NotMine;
    }
    if plan.comes_from_outside(x) {
        // There it costs no bit of accuracy.
        return Verdict::Refused("the host resizes the network's inputs".to_owned());
    }
    if let Some(reason) = unreadable_image(plan, x) {
        return Verdict::Refused(reason);
    }
    let emit = Interpolation(resize.clone());
    plan.accept_bounded(id, Default::default(), vec![x], (Layout::ChannelsLast, Scales::Free), emit)
}

/// For each index of a result along a stored axis, an element of the operand and its weight.
struct Neighbours {
    axis: usize,
    indices: Vec<i64>,
    weights: Vec<f32>,
}

impl Interpolation {
    /// The first and the second neighbours along each axis that changes, which is given in stored order.
    fn neighbours(&self, shape: &[usize]) -> Vec<[Neighbours; 2]> {
        let resize = &self.0;
        let axes = Layout::ChannelsLast.permutation(shape.len());
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
        axes.iter().enumerate().filter(changes).map(along).collect()
    }
}

impl Emit for Interpolation {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = emitter.with_channels_last(lowering, operands[0], 4)?;
        let (y, name) = (emitter.encoding(lowering)?, emitter.name(lowering));
        let axes = self.neighbours(&emitter.source.ty(lowering.operands[0]).shape.clone());
        let reading = Reading { scale: x.encoding.scale, zero: x.encoding.zero };
        let last = (1_usize << axes.len()) - 1;
        let mut sum: Option<ValueId> = None;
        // Bit k of a corner says which of the two neighbours along the k-th axis it is.
        for corner in 0..=last {
            let own: Vec<&Neighbours> =
                axes.iter().enumerate().map(|(bit, pair)| &pair[corner >> bit & 1]).collect();
            let (mut value, mut weights) = (x.value, Tensor::from_vec(&[1; 4], vec![1.0_f32])?);
            for Neighbours { axis, indices, weights: along } in own {
                let picks = Tensor::from_vec(&[indices.len()], indices.clone())?;
                let picks = emitter.constant(format!("{name}.indices.{corner}.{axis}"), picks);
                let step = format!("{name}.neighbours.{corner}.{axis}");
                value = emitter.add(step, Gather { axis: *axis }, &[value, picks])?;
                weights = outer(&weights, *axis, along)?;
            }
            let weights = emitter.constant(format!("{name}.weights.{corner}"), weights);
            let writing = |done: bool| match done {
                true => Writing::quantised(y.scale, y.zero),
                false => Writing::default(),
            };
            let multiply =
                FRow { a: reading, result: writing(last == 0), ..FRow::new(RowOperation::Multiply) };
            let part = emitter.add(format!("{name}.weighted.{corner}"), multiply, &[value, weights])?;
            sum = Some(match sum {
                None => part,
                Some(sum) => {
                    let add = FRow { result: writing(corner == last), ..FRow::new(RowOperation::Add) };
                    emitter.add(format!("{name}.sum.{corner}"), add, &[sum, part])?
                }
            });
        }
        let value = sum.unwrap_or(x.value);
        Ok(Stored { value, encoding: y, layout: Layout::ChannelsLast })
    }
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
