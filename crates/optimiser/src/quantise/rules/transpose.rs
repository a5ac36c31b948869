//! transpose of stored values.

use ediacara_graph::ops::Transpose;
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "transpose",
    documentation: "transpose of a stored value only changes what its axes are called if the result can be stored as the operand \
        lies, in the order of its axes or with one of them last; else it stays a transpose.",
    check,
};

#[derive(Debug)]
struct Transposed {
    /// The stored shape of the result.
    shape: Vec<usize>,
    /// How the stored axes move; nothing if no element does.
    permutation: Option<Vec<usize>>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(transpose) = node.op_as::<Transpose>() else { return Verdict::NotMine };
    let x = node.inputs[0];
    let Some(from @ (Layout::Plain | Layout::ChannelsLast | Layout::AxisLast(_))) = plan.layout(x) else {
        return Verdict::Refused("its operand is not stored in int8 in an order of its own axes".to_owned());
    };
    let result = plan.graph.ty(node.outputs[0]);
    let stored = |to: Layout| stored_permutation(&transpose.permutation, from, to);
    let shape = &plan.graph.ty(x).shape;
    let is_still = |to: &Layout| moves_nothing(&transpose.permutation, [from, *to], shape);
    let last = if result.rank() > 2 { 1..result.rank() } else { 0..0 };
    let orders: Vec<Layout> = [Layout::Plain].into_iter().chain(last.map(Layout::with_last)).collect();
    let still = orders.iter().copied().find(is_still);
    let wanted = plan.demanded(node.outputs[0]).filter(|wanted| orders.contains(wanted));
    let to = still.or(wanted).unwrap_or(Layout::Plain);
    let permutation = still.is_none().then(|| stored(to));
    let emit = Transposed { shape: to.store(&result.shape), permutation };
    plan.accept(id, vec![x], (to, Scales::Keeps), emit)
}

/// How the stored axes move: for each of the result's, which of the operand's it is.
fn stored_permutation(permutation: &[usize], from: Layout, to: Layout) -> Vec<usize> {
    let rank = permutation.len();
    let place = |axis: usize| from.axis(rank, axis).unwrap_or(axis);
    to.permutation(rank).into_iter().map(|axis| place(permutation[axis])).collect()
}

/// Whether no stored element moves when a value of that shape is transposed and stored in another layout.
pub(crate) fn moves_nothing(permutation: &[usize], [from, to]: [Layout; 2], shape: &[usize]) -> bool {
    let shape = from.store(shape);
    stored_permutation(permutation, from, to).iter().filter(|&&axis| shape[axis] != 1).is_sorted()
}

impl Emit for Transposed {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        Some(vec![unmoved(channels[0])])
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = operands[0];
        let name = emitter.name(lowering);
        let value = match &self.permutation {
            Some(permutation) => {
                emitter.add(name, Transpose { permutation: permutation.clone() }, &[x.value])?
            }
            None if emitter.graph.ty(x.value).shape == self.shape => x.value,
            None => {
                let shape = self.shape.clone();
                emitter.add(name, ediacara_graph::ops::Reshape { shape }, &[x.value])?
            }
        };
        Ok(Stored { value, encoding: x.encoding, layout: lowering.layout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_move_last_may_lie_there_already() {
        // [N,C,H,W] to [N,H,W,C] and back.
        let (there, back) = ([0, 2, 3, 1], [0, 3, 1, 2]);
        let still = |permutation: &[usize], from, to| moves_nothing(permutation, [from, to], &[2, 3, 5, 7]);
        assert!(still(&there, Layout::ChannelsLast, Layout::Plain));
        assert!(still(&back, Layout::Plain, Layout::ChannelsLast));
        assert!(!still(&there, Layout::Plain, Layout::Plain));
        // Heads [1,T,4,16] to [1,4,T,16].
        assert_eq!(stored_permutation(&[0, 2, 1, 3], Layout::Plain, Layout::Plain), [0, 2, 1, 3]);
        // Axes of one element do not count.
        assert!(moves_nothing(&[0, 2, 1, 3], [Layout::Plain; 2], &[4, 1, 6, 8]));
    }
}
