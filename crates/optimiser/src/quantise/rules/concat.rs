//! concat of stored values.

use ediacara_graph::ops::Concat;
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::ChannelMap;
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "concat",
    documentation: "concat stays concat along the stored axis; its operands are brought to the result's encoding.",
    check,
};

#[derive(Debug)]
struct Stack {
    /// The stored axis.
    axis: usize,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(concat) = node.op_as::<Concat>() else { return Verdict::NotMine };
    let Some(layout) = plan.layout(node.inputs[0]) else {
        return Verdict::Refused("its first operand is not stored in int8".to_owned());
    };
    if node.inputs.iter().any(|&input| plan.layout(input) != Some(layout)) {
        return Verdict::Refused("not all its operands are stored in int8 in one layout".to_owned());
    }
    if plan.is_only_reduced(node.outputs[0]) {
        return Verdict::Refused(
            "a reduction on the host would add up the rounding of one scale for all".to_owned(),
        );
    }
    let axis = match layout {
        // The columns of a flattened image have no order to append to.
        Layout::Flat { .. } if concat.axis != 0 => None,
        _ => layout.axis(plan.graph.ty(node.inputs[0]).rank(), concat.axis),
    };
    let Some(axis) = axis else {
        return Verdict::Refused("flattened images cannot be joined in int8".to_owned());
    };
    plan.accept(id, node.inputs.to_vec(), (layout, Scales::Joins), Stack { axis })
}

impl Emit for Stack {
    fn channel_maps(&self, channels: &[usize], place: usize) -> Option<Vec<ChannelMap>> {
        let mut first = 0;
        let mut map = |&count: &usize| {
            let map = (first..first + count).map(Some).collect();
            first += if self.axis == place { count } else { 0 };
            map
        };
        Some(channels.iter().map(&mut map).collect())
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let values: Vec<_> = operands.iter().map(|operand| operand.value).collect();
        let name = emitter.name(lowering);
        let value = emitter.add(name, Concat { axis: self.axis }, &values)?;
        Ok(Stored { value, encoding: operands[0].encoding, layout: lowering.layout })
    }
}
