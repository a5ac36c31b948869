//! resize by linear interpolation -> float instructions on gathered int8 images.

use ediacara_graph::ops::{FRow, Gather, Reading, Resize, ResizeMode, Writing};
use ediacara_graph::{Node, NodeId, ValueId};
use ediacara_kernels::ordered::RowOperation;

use super::{Rule, unreadable_image};
use crate::Result;
use crate::interpolation::{Corner, corners};
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

impl Emit for Interpolation {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = emitter.with_channels_last(lowering, operands[0], 4)?;
        let (y, name) = (emitter.encoding(lowering)?, emitter.name(lowering));
        let shape = emitter.source.ty(lowering.operands[0]).shape.clone();
        let corners = corners(&self.0, &shape, &Layout::ChannelsLast.permutation(shape.len()))?;
        let reading = Reading { scale: x.encoding.scale, zero: x.encoding.zero };
        let last = corners.len() - 1;
        let mut sum: Option<ValueId> = None;
        for (corner, Corner { gathers, weights }) in corners.into_iter().enumerate() {
            let mut value = x.value;
            for (axis, picks) in gathers {
                let picks = emitter.constant(format!("{name}.indices.{corner}.{axis}"), picks);
                let step = format!("{name}.neighbours.{corner}.{axis}");
                value = emitter.add(step, Gather { axis }, &[value, picks])?;
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
