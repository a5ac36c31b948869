//! mul of two activations -> q_multiply.

use ediacara_graph::ops::{Activation, Mul, QMultiply};
use ediacara_graph::{Node, NodeId, TensorType};

use super::{Rule, bounds};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "multiply",
    documentation: "mul of two stored values becomes q_multiply (N-MULTIPLY): of one shape, or [N,C,H,W] by [N,C,1,1].",
    check,
};

#[derive(Debug)]
struct QuantisedMultiply;

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Mul>().is_none() {
        return Verdict::NotMine;
    }
    let (mut x, mut y) = (node.inputs[0], node.inputs[1]);
    let (Some(layout), Some(other)) = (plan.layout(x), plan.layout(y)) else {
        return Verdict::Refused(
            "its factor is a constant that is neither one number nor one a channel".to_owned(),
        );
    };
    if per_channel(plan.graph.ty(y), plan.graph.ty(x)) && !per_channel(plan.graph.ty(x), plan.graph.ty(y)) {
        (x, y) = (y, x);
    }
    let (x_type, y_type) = (plan.graph.ty(x), plan.graph.ty(y));
    let channels = layout == Layout::ChannelsLast && per_channel(x_type, y_type);
    if layout != other || !(x_type == y_type || channels) {
        return Verdict::Refused("its operands have different shapes or layouts".to_owned());
    }
    plan.accept_bounded(id, Activation::None, vec![x, y], (layout, Scales::Free), QuantisedMultiply)
}

/// Whether `y` has one number for each image and channel of `x`[N,C,H,W].
fn per_channel(x: &TensorType, y: &TensorType) -> bool {
    x.rank() == 4 && y.rank() == 4 && x.shape[..2] == y.shape[..2] && y.shape[2..] == [1, 1]
}

impl Emit for QuantisedMultiply {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let [x, y] = [operands[0], operands[1]];
        let out = emitter.encoding(lowering)?;
        let product = f64::from(x.encoding.scale) * f64::from(y.encoding.scale);
        let multiplier = emitter.multiplier(lowering, product / f64::from(out.scale))?;
        let (low, high) = bounds(lowering.activation, out);
        let op = QMultiply {
            x_zero: x.encoding.zero,
            y_zero: y.encoding.zero,
            multiplier: multiplier.value,
            shift: multiplier.shift,
            out_zero: out.zero,
            low,
            high,
        };
        let name = emitter.name(lowering);
        let value = emitter.add(name, op, &[x.value, y.value])?;
        Ok(Stored { value, encoding: out, layout: lowering.layout })
    }
}
