//! gemm -> q_matmul.

use ediacara_graph::ops::{Gemm, QMatMul};
use ediacara_graph::{Node, NodeId, Rescaling, Tensor};

use super::{Rule, bounds};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layer::Layer;
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::quantise::weights::{Bias, Weights};

pub(crate) const RULE: Rule = Rule {
    name: "matmul",
    documentation: "gemm with constant weights becomes q_matmul, symmetric per row of the weights. Behind a flattened \
        image the weights' columns are brought to the order of [H,W,C] instead of transposing activations.",
    check,
};

#[derive(Debug)]
struct QuantisedGemm {
    weights: Weights,
    bias: Option<Bias>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(gemm) = node.op_as::<Gemm>() else { return Verdict::NotMine };
    let x = node.inputs[0];
    if !matches!(plan.layout(x), Some(Layout::Plain | Layout::Flat { .. })) {
        return Verdict::Refused("its operand is not stored in int8".to_owned());
    }
    let bias = node.inputs.get(2).map(|&bias| Bias::read(plan.graph, bias)).transpose();
    match (Weights::read(plan.graph, node.inputs[1]), bias) {
        (Ok(weights), Ok(bias)) => {
            let emit = QuantisedGemm { weights, bias };
            plan.accept_bounded(id, gemm.activation, vec![x], (Layout::Plain, Scales::Free), emit)
        }
        (Err(reason), _) | (_, Err(reason)) => Verdict::Refused(reason),
    }
}

impl Emit for QuantisedGemm {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        rescaling.factors.len() == 1
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let (x, y) = (operands[0], emitter.encoding(lowering)?);
        let constants = emitter.constants(lowering, |emitter| {
            let (bias, rescaling) = (self.bias.as_ref(), lowering.rescaling.as_ref());
            let layer = Layer { weights: &self.weights, bias, groups: 1, rescaling };
            let knowledge = emitter.knowledge(lowering, lowering.operands[0]);
            let (integers, records) = layer.quantise([x.encoding.scale, y.scale], &knowledge, |ratio| {
                emitter.multiplier(lowering, ratio)
            })?;
            let shape = self.weights.shape();
            let mut weights = Tensor::from_vec(shape, integers.values)?;
            if let Layout::Flat { channels, pixels } = x.layout {
                let image = weights.reshape(&[shape[0], channels, pixels])?.transpose(&[0, 2, 1])?;
                weights = image.to_contiguous().reshape(shape)?;
            }
            Ok((weights, integers.zero, records))
        })?;
        let (low, high) = bounds(lowering.activation, y);
        let op = QMatMul { x_zero: x.encoding.zero, w_zero: constants.w_zero, y_zero: y.zero, low, high };
        let [weight, bias, multiplier, shift] = constants.values;
        let name = emitter.name(lowering);
        let value = emitter.add(name, op, &[x.value, weight, bias, multiplier, shift])?;
        Ok(Stored { value, encoding: y, layout: Layout::Plain })
    }
}
