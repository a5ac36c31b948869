//! tensor_scatter of stored values.

use ediacara_graph::ops::TensorScatter;
use ediacara_graph::{Node, NodeId, ValueId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "tensor_scatter",
    documentation: "tensor_scatter stays so along the stored axis; cache and update are brought to the result's encoding.",
    check,
};

#[derive(Debug)]
struct Write {
    /// The stored axis.
    axis: usize,
    /// Where each batch is written, in the real graph.
    indices: ValueId,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(scatter) = node.op_as::<TensorScatter>() else { return Verdict::NotMine };
    let (cache, update) = (node.inputs[0], node.inputs[1]);
    let Some(layout) = plan.layout(cache).filter(|&layout| plan.layout(update) == Some(layout)) else {
        return Verdict::Refused("its cache and its update are not stored in int8 in one layout".to_owned());
    };
    let Some(axis) = layout.axis(plan.graph.ty(cache).rank(), scatter.axis) else {
        return Verdict::Refused("flattened images have no rows to write".to_owned());
    };
    plan.accept(id, vec![cache, update], (layout, Scales::Joins), Write { axis, indices: node.inputs[2] })
}

impl Emit for Write {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let indices = emitter.real(self.indices)?;
        let name = emitter.name(lowering);
        let operand = [operands[0].value, operands[1].value, indices];
        let value = emitter.add(name, TensorScatter { axis: self.axis }, &operand)?;
        Ok(Stored { value, encoding: operands[0].encoding, layout: lowering.layout })
    }
}
