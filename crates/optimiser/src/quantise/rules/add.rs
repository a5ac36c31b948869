//! add of two activations -> q_add.

use ediacara_graph::ops::{Activation, Add, QAdd};
use ediacara_graph::{Node, NodeId, Rescaling, Tensor};
use ediacara_kernels::int8::Multiplier;

use super::{Rule, bounds, constant_beside};
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::{Encoding, Result};

pub(crate) const RULE: Rule = Rule {
    name: "add",
    documentation: "add of two stored values of one shape becomes q_add (N-ADD), and so does add of a stored value and a \
        constant; a relu or clamp behind it becomes the clamp.",
    check,
};

#[derive(Debug)]
struct QuantisedAdd {
    /// What is added to the only operand, if it is a constant.
    constant: Option<Tensor>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Add>().is_none() {
        return Verdict::NotMine;
    }
    let (x, y) = (node.inputs[0], node.inputs[1]);
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
                    "it adds what is neither stored in int8 nor a constant of its shape".to_owned(),
                );
            };
            let emit = QuantisedAdd { constant: Some(constant) };
            return plan.accept_bounded(id, Activation::None, vec![stored], (layout, Scales::Free), emit);
        }
    };
    if plan.graph.ty(x) != plan.graph.ty(y) || layout != other {
        return Verdict::Refused("its operands have different shapes or layouts".to_owned());
    }
    let emit = QuantisedAdd { constant: None };
    plan.accept_bounded(id, Activation::None, vec![x, y], (layout, Scales::Free), emit)
}

/// The multipliers and the shift of N-ADD, for a sum that is multiplied by a factor.
///
/// The shift is that of the larger ratio, for which `multiplier` stands.
fn multipliers(
    [x, y, out]: [Encoding; 3],
    factor: f64,
    multiplier: impl Fn(f64) -> Result<Multiplier>,
) -> Result<([i32; 2], u8)> {
    let ratios = [x, y].map(|operand| f64::from(operand.scale) * factor / f64::from(out.scale));
    let larger = multiplier(ratios[0].max(ratios[1]))?;
    if larger.value == 0 {
        return Ok(([0, 0], larger.shift));
    }
    let scaled = ratios.map(|ratio| (ratio * 2f64.powi(i32::from(larger.shift))).round() as i32);
    let multipliers =
        if ratios[0] >= ratios[1] { [larger.value, scaled[1]] } else { [scaled[0], larger.value] };
    Ok((multipliers, larger.shift))
}

impl Emit for QuantisedAdd {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        rescaling.factors.len() == 1 && rescaling.offsets == [0.0]
    }

    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        // Factors of channels would have to go to the constant, too.
        self.constant.is_none().then(|| channels.iter().copied().map(unmoved).collect())
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
        let ([x_multiplier, y_multiplier], shift) =
            multipliers([x.encoding, y.encoding, out], factor, |ratio| emitter.multiplier(lowering, ratio))?;
        let (low, high) = bounds(lowering.activation, out);
        let op = QAdd {
            x_zero: x.encoding.zero,
            y_zero: y.encoding.zero,
            x_multiplier,
            y_multiplier,
            shift,
            out_zero: out.zero,
            low,
            high,
        };
        let value = emitter.add(name, op, &[x.value, y.value])?;
        Ok(Stored { value, encoding: out, layout: lowering.layout })
    }
}

#[cfg(test)]
mod tests {
    use ediacara_kernels::int8::quantize_multiplier;

    use super::*;

    #[test]
    fn the_larger_ratio_decides_the_shift() {
        let encoding = |scale| Encoding { scale, zero: 0 };
        // Ratios 1/2 and 1/8: 0.5 = 2^30 / 2^31, so 1/8 = 2^28 / 2^31.
        let of = |scales: [f32; 3]| {
            multipliers(scales.map(encoding), 1.0, |ratio| Ok(quantize_multiplier(ratio)?)).unwrap()
        };
        let found = of([0.5, 0.125, 1.0]);
        assert_eq!(found, ([1 << 30, 1 << 28], 31));
        let found = of([0.125, 0.5, 1.0]);
        assert_eq!(found, ([1 << 28, 1 << 30], 31));
    }
}
