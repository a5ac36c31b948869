//! quantize_linear and dequantize_linear of a graph that is quantised already.

use ediacara_graph::ops::{DequantizeLinear, QuantizeLinear};
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "markers",
    documentation: "quantize_linear and dequantize_linear of a stored value vanish: they say what it is stored as.",
    check,
};

/// Keeps the stored integers as they are.
///
/// A dequantize_linear may even read them with another scale than the one that made them.
#[derive(Debug)]
enum Mark {
    Quantise,
    Dequantise,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let mark = if node.op_as::<QuantizeLinear>().is_some() {
        Mark::Quantise
    } else if node.op_as::<DequantizeLinear>().is_some() {
        Mark::Dequantise
    } else {
        return Verdict::NotMine;
    };
    let Some(layout) = plan.layout(node.inputs[0]) else {
        return Verdict::Refused("its operand is not stored in int8".to_owned());
    };
    if !plan.has_scale(node.outputs[0]) {
        return Verdict::Refused("its scale is not constant, not one number, or not of 8 bits".to_owned());
    }
    plan.accept(id, vec![node.inputs[0]], (layout, Scales::Keeps), mark)
}

impl Emit for Mark {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        match self {
            Mark::Quantise => Ok(operands[0]),
            Mark::Dequantise => Ok(Stored { encoding: emitter.encoding(lowering)?, ..operands[0] }),
        }
    }
}
