//! max of two activations -> q_maximum.

use ediacara_graph::ops::{Activation, Max, QMaximum};
use ediacara_graph::{Node, NodeId};

use super::{Rule, bounds};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "maximum",
    documentation: "max of two stored values of one shape becomes q_maximum (N-MAXIMUM); its operands are brought to the \
        result's encoding. A relu or clamp behind it becomes the clamp.",
    check,
};

#[derive(Debug)]
struct QuantisedMaximum;

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Max>().is_none() {
        return Verdict::NotMine;
    }
    let (x, y) = (node.inputs[0], node.inputs[1]);
    let (Some(layout), Some(other)) = (plan.layout(x), plan.layout(y)) else {
        return Verdict::Refused("an operand is not stored in int8".to_owned());
    };
    if plan.graph.ty(x) != plan.graph.ty(y) || layout != other {
        return Verdict::Refused("its operands have different shapes or layouts".to_owned());
    }
    plan.accept_bounded(id, Activation::None, vec![x, y], (layout, Scales::Joins), QuantisedMaximum)
}

impl Emit for QuantisedMaximum {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        Some(channels.iter().copied().map(unmoved).collect())
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let [x, y] = [operands[0], operands[1]];
        let out = emitter.encoding(lowering)?;
        let (low, high) = bounds(lowering.activation, out);
        let name = emitter.name(lowering);
        let value = emitter.add(name, QMaximum { low, high }, &[x.value, y.value])?;
        Ok(Stored { value, encoding: out, layout: lowering.layout })
    }
}
