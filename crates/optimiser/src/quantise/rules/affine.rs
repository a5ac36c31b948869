//! Chains of per-channel mul, add, sub and div by constants -> depthwise q_conv 1x1.

use ediacara_graph::ops::{Activation, Add, Conv, Div, Mul, Sub};
use ediacara_graph::{Node, NodeId, Tensor, ValueId};

use super::Rule;
use super::conv::QuantisedConv;
use crate::Result;
use crate::known::channel_numbers;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::quantise::weights::{Bias, Weights};

pub(crate) const RULE: Rule = Rule {
    name: "affine",
    documentation: "A chain of mul, add, sub and div by constants, one number or one a channel of [N,C,H,W] (a \
        normalisation that no convolution took up), becomes a depthwise q_conv 1x1 with its scale and offset.",
    check,
};

/// `y[c] = scale[c] * x[c] + offset[c]`.
#[derive(Debug, Clone, PartialEq)]
struct Affine {
    scale: Vec<f32>,
    offset: Vec<f32>,
}

impl Affine {
    fn then(&self, next: &Affine) -> Affine {
        let scale = self.scale.iter().zip(&next.scale).map(|(a, b)| a * b).collect();
        let offset =
            self.offset.iter().zip(&next.scale).zip(&next.offset).map(|((a, b), c)| a * b + c).collect();
        Affine { scale, offset }
    }
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some((x, mut affine)) = affine_of(plan, node) else { return Verdict::NotMine };
    if plan.layout(x) != Some(Layout::ChannelsLast) || plan.graph.ty(x).rank() != 4 {
        return Verdict::Refused("only a per-channel change of [N,C,H,W] has an int8 form".to_owned());
    }
    let mut last = id;
    let mut chain = Vec::new();
    while let Some(next) = plan.graph.only_consumer(plan.graph.output_of(last)) {
        let Some((_, step)) = affine_of(plan, plan.graph.node(next)) else { break };
        affine = affine.then(&step);
        chain.push(next);
        last = next;
    }
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    if !finite(&affine.scale) || !finite(&affine.offset) {
        return Verdict::Refused("its constants are not all finite".to_owned());
    }
    // The last node of the chain names the lowering's result, the first its place.
    match plan.accept_bounded(last, Activation::None, vec![x], (Layout::ChannelsLast, Scales::Free), affine) {
        Verdict::Accepted(mut lowering) => {
            lowering.node = id;
            chain.into_iter().for_each(|node| plan.absorb(node));
            Verdict::Accepted(lowering)
        }
        other => other,
    }
}

/// The stored operand and the change that a node makes to it.
fn affine_of(plan: &Plan, node: &Node) -> Option<(ValueId, Affine)> {
    let &[left, right] = node.inputs.as_slice() else { return None };
    let (x, constant, reversed) = match (plan.is_constant(left), plan.is_constant(right)) {
        (false, true) => (left, right, false),
        (true, false) => (right, left, true),
        _ => return None,
    };
    let ty = plan.graph.ty(x);
    if plan.graph.ty(node.outputs[0]) != ty || ty.rank() != 4 {
        return None;
    }
    let numbers = channel_numbers(plan.graph, constant, &ty.shape)?;
    let ones = || vec![1.0; numbers.len()];
    let zeros = || vec![0.0; numbers.len()];
    let affine = if node.op_as::<Mul>().is_some() {
        Affine { offset: zeros(), scale: numbers }
    } else if node.op_as::<Add>().is_some() {
        Affine { scale: ones(), offset: numbers }
    } else if node.op_as::<Sub>().is_some() && reversed {
        Affine { scale: numbers.iter().map(|_| -1.0).collect(), offset: numbers }
    } else if node.op_as::<Sub>().is_some() {
        Affine { scale: ones(), offset: numbers.iter().map(|number| -number).collect() }
    } else if node.op_as::<Div>().is_some() && !reversed {
        Affine { offset: zeros(), scale: numbers.iter().map(|number| 1.0 / number).collect() }
    } else {
        return None;
    };
    Some((x, affine))
}

impl Emit for Affine {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let channels = self.scale.len();
        let weights = Weights::Real(Tensor::from_vec(&[channels, 1, 1, 1], self.scale.clone())?);
        let conv = Conv { groups: channels, ..Conv::default() };
        let bias = Some(Bias::Real(self.offset.clone()));
        QuantisedConv { conv, weights, bias, input: lowering.operands[0], gathered: None }
            .emit(emitter, lowering, operands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_compose_in_order() {
        let double = Affine { scale: vec![2.0], offset: vec![0.0] };
        let plus_one = Affine { scale: vec![1.0], offset: vec![1.0] };
        assert_eq!(double.then(&plus_one), Affine { scale: vec![2.0], offset: vec![1.0] });
        assert_eq!(plus_one.then(&double), Affine { scale: vec![2.0], offset: vec![2.0] });
    }
}
