//! add of two activations -> q_add.

use ediacara_graph::ops::{Activation, Add, QAdd};
use ediacara_graph::{Node, NodeId};
use ediacara_kernels::int8::Multiplier;

use super::{Rule, bounds};
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::ChannelMap;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::{Encoding, Result};

pub(crate) const RULE: Rule = Rule {
    name: "add",
    documentation: "add of two stored values of one shape becomes q_add (N-ADD); a relu or clamp behind it becomes \
        the clamp.",
    check,
};

#[derive(Debug)]
struct QuantisedAdd;

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Add>().is_none() {
        return Verdict::NotMine;
    }
    let (x, y) = (node.inputs[0], node.inputs[1]);
    let (Some(layout), Some(other)) = (plan.layout(x), plan.layout(y)) else {
        return Verdict::Refused(
            "it adds a constant that is neither one number nor one a channel".to_owned(),
        );
    };
    if plan.graph.ty(x) != plan.graph.ty(y) || layout != other {
        return Verdict::Refused("its operands have different shapes or layouts".to_owned());
    }
    plan.accept_bounded(id, Activation::None, vec![x, y], (layout, Scales::Free), QuantisedAdd)
}

/// The multipliers and the shift of N-ADD.
///
/// The shift is that of the larger ratio, for which `multiplier` stands.
fn multipliers(
    [x, y, out]: [Encoding; 3],
    multiplier: impl Fn(f64) -> Result<Multiplier>,
) -> Result<([i32; 2], u8)> {
    let ratios = [x, y].map(|operand| f64::from(operand.scale) / f64::from(out.scale));
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
    fn channel_maps(&self, channels: &[usize]) -> Option<Vec<ChannelMap>> {
        Some(channels.iter().map(|&count| (0..count).map(Some).collect()).collect())
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let [x, y] = [operands[0], operands[1]];
        let out = emitter.encoding(lowering)?;
        let ([x_multiplier, y_multiplier], shift) =
            multipliers([x.encoding, y.encoding, out], |ratio| emitter.multiplier(lowering, ratio))?;
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
        let name = emitter.name(lowering);
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
            multipliers(scales.map(encoding), |ratio| Ok(quantize_multiplier(ratio)?)).unwrap()
        };
        let found = of([0.5, 0.125, 1.0]);
        assert_eq!(found, ([1 << 30, 1 << 28], 31));
        let found = of([0.125, 0.5, 1.0]);
        assert_eq!(found, ([1 << 28, 1 << 30], 31));
    }
}
