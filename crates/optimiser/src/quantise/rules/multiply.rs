//! mul of two activations -> q_multiply.

use ediacara_graph::ops::{Activation, Mul, QMultiply};
use ediacara_graph::{Node, NodeId, Rescaling, Tensor, TensorType};

use super::{Rule, bounds, constant_beside};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "multiply",
    documentation: "mul of two stored values becomes q_multiply (N-MULTIPLY): of one shape, or [N,C,H,W] by [N,C,1,1]; and so does \
        mul of a stored value and a constant.",
    check,
};

#[derive(Debug)]
struct QuantisedMultiply {
    /// What the only operand is multiplied by, if it is a constant.
    constant: Option<Tensor>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Mul>().is_none() {
        return Verdict::NotMine;
    }
    let (mut x, mut y) = (node.inputs[0], node.inputs[1]);
    let (layout, other) = match (plan.layout(x), plan.layout(y)) {
        (Some(layout), Some(other)) => (layout, other),
        (of_x, of_y) => {
            let (stored, constant) = if of_x.is_some() { (x, y) } else { (y, x) };
            let ty = plan.graph.ty(node.outputs[0]);
            let layout = of_x.or(of_y).filter(|layout| !matches!(layout, Layout::Flat { .. }));
            let constant = constant_beside(plan, constant, ty)
                .filter(|_| plan.graph.ty(stored) == ty && plan.leads_to_products(node.outputs[0]));
            let (Some(layout), Some(constant)) = (layout, constant) else {
                return Verdict::Refused(
                    "its factor is neither stored in int8 nor a constant of its shape".to_owned(),
                );
            };
            let emit = QuantisedMultiply { constant: Some(constant) };
            return plan.accept_bounded(id, Activation::None, vec![stored], (layout, Scales::Free), emit);
        }
    };
    if per_channel(plan.graph.ty(y), plan.graph.ty(x)) && !per_channel(plan.graph.ty(x), plan.graph.ty(y)) {
        (x, y) = (y, x);
    }
    let (x_type, y_type) = (plan.graph.ty(x), plan.graph.ty(y));
    let channels = layout == Layout::ChannelsLast && per_channel(x_type, y_type);
    if layout != other || !(x_type == y_type || channels) {
        return Verdict::Refused("its operands have different shapes or layouts".to_owned());
    }
    let emit = QuantisedMultiply { constant: None };
    plan.accept_bounded(id, Activation::None, vec![x, y], (layout, Scales::Free), emit)
}

/// Whether `y` has one number for each image and channel of `x`[N,C,H,W].
fn per_channel(x: &TensorType, y: &TensorType) -> bool {
    x.rank() == 4 && y.rank() == 4 && x.shape[..2] == y.shape[..2] && y.shape[2..] == [1, 1]
}

impl Emit for QuantisedMultiply {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        rescaling.factors.len() == 1 && rescaling.offsets == [0.0]
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = operands[0];
        let name = emitter.name(lowering);
        let y = match &self.constant {
            Some(constant) => emitter.stored_constant(format!("{name}.constant"), constant, x.layout)?,
            None => operands[1],
        };
        let out = emitter.encoding(lowering)?;
        let factor = lowering.rescaling.as_ref().map_or(1.0, |rescaling| rescaling.of_channel(0).0);
        let product = f64::from(x.encoding.scale) * f64::from(y.encoding.scale) * factor;
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
        let value = emitter.add(name, op, &[x.value, y.value])?;
        Ok(Stored { value, encoding: out, layout: lowering.layout })
    }
}
