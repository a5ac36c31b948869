//! pool -> q_pool.

use ediacara_graph::ops::{Pool, PoolKind, QPool};
use ediacara_graph::{Node, NodeId};

use super::{Rule, bounds, unreadable_image};
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "pool",
    documentation: "pool becomes q_pool: max keeps the encoding, average requantises by x_scale / (y_scale * n).",
    check,
};

/// A ratio whose multiplier is 0, whatever number of elements divides it.
const SILENT: f64 = f64::from_bits((1023 - 200) << 52);

#[derive(Debug)]
struct QuantisedPool(Pool);

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(pool) = node.op_as::<Pool>() else { return Verdict::NotMine };
    let x = node.inputs[0];
    if let Some(reason) = unreadable_image(plan, x) {
        return Verdict::Refused(reason);
    }
    if pool.dilation != [1, 1] {
        return Verdict::Refused("a dilated pool has no int8 form".to_owned());
    }
    let scales = match pool.kind {
        PoolKind::Max => Scales::Keeps,
        PoolKind::Average => Scales::Free,
    };
    let emit = QuantisedPool(pool.clone());
    plan.accept_bounded(id, Default::default(), vec![x], (Layout::ChannelsLast, scales), emit)
}

impl Emit for QuantisedPool {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        Some(channels.iter().copied().map(unmoved).collect())
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let (x, pool) = (emitter.with_channels_last(lowering, operands[0], 4)?, &self.0);
        let y = match pool.kind {
            PoolKind::Max => x.encoding,
            PoolKind::Average => emitter.encoding(lowering)?,
        };
        let ratio = match pool.kind {
            PoolKind::Max => 1.0,
            PoolKind::Average => {
                let ratio = f64::from(x.encoding.scale) / f64::from(y.scale);
                let silenced = emitter.multiplier(lowering, ratio)?.value == 0;
                if silenced { SILENT } else { ratio }
            }
        };
        let (low, high) = bounds(lowering.activation, y);
        let op = QPool {
            kind: pool.kind,
            kernel: pool.kernel,
            stride: pool.stride,
            padding: pool.padding,
            output: pool.output,
            x_zero: x.encoding.zero,
            y_zero: y.zero,
            ratio,
            count_include_pad: pool.count_include_pad,
            low,
            high,
        };
        let name = emitter.name(lowering);
        let value = emitter.add(name, op, &[x.value])?;
        Ok(Stored { value, encoding: y, layout: Layout::ChannelsLast })
    }
}
