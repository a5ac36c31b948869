//! reshape of stored values.

use ediacara_graph::ops::Reshape;
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "reshape",
    documentation: "reshape stays reshape where the stored order allows: flattening an image, taking a row for one, \
        or splitting and merging its height and width.",
    check,
};

#[derive(Debug)]
struct Reshaped {
    stored_shape: Vec<usize>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(reshape) = node.op_as::<Reshape>() else { return Verdict::NotMine };
    let x = node.inputs[0];
    let Some(layout) = plan.layout(x) else {
        return Verdict::Refused("its operand is not stored in int8".to_owned());
    };
    let Some(result) = reshaped(layout, &plan.graph.ty(x).shape, &reshape.shape) else {
        let (from, to) = (&plan.graph.ty(x).shape, &reshape.shape);
        return Verdict::Refused(format!("stored with channels last, {from:?} does not reshape to {to:?}"));
    };
    let stored_shape = result.store(&reshape.shape);
    plan.accept(id, vec![x], (result, Scales::Keeps), Reshaped { stored_shape })
}

/// The layout of the result of a reshape that does not move a stored element; nothing if it would.
fn reshaped(layout: Layout, from: &[usize], to: &[usize]) -> Option<Layout> {
    let product = |shape: &[usize]| shape.iter().product::<usize>();
    // Channels and pixels of an image that is stored with the pixels outside; if one of them is 1, it is no
    // image.
    let (channels, pixels) = match layout {
        Layout::ChannelsLast => (from[1], product(&from[2..])),
        Layout::Flat { channels, pixels } => (channels, pixels),
        Layout::Plain => (product(from) / from.first().copied().unwrap_or(1).max(1), 1),
    };
    let same_batch = !from.is_empty() && from.first() == to.first();
    match to.len() {
        2 if same_batch && (channels == 1 || pixels == 1) => Some(Layout::Plain),
        2 if same_batch => Some(Layout::Flat { channels, pixels }),
        3.. if same_batch && to[1] == channels => Some(Layout::ChannelsLast),
        // With one channel or one pixel the stored order is the real one.
        3.. if same_batch && (channels == 1 || pixels == 1) && to[1] == 1 => Some(Layout::ChannelsLast),
        _ => None,
    }
}

impl Emit for Reshaped {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = operands[0];
        let name = emitter.name(lowering);
        let value = emitter.add(name, Reshape { shape: self.stored_shape.clone() }, &[x.value])?;
        Ok(Stored { value, encoding: x.encoding, layout: lowering.layout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flattening_and_back() {
        let flat = Layout::Flat { channels: 8, pixels: 30 };
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[2, 240]), Some(flat));
        assert_eq!(reshaped(flat, &[2, 240], &[2, 8, 6, 5]), Some(Layout::ChannelsLast));
        assert_eq!(reshaped(flat, &[2, 240], &[2, 4, 60]), None);
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 1, 1], &[2, 8]), Some(Layout::Plain));
        assert_eq!(reshaped(Layout::Plain, &[2, 8], &[2, 8, 1, 1]), Some(Layout::ChannelsLast));
        assert_eq!(reshaped(Layout::Plain, &[2, 12], &[2, 3, 4]), None);
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[2, 8, 30]), Some(Layout::ChannelsLast));
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[16, 30]), None);
        assert_eq!(reshaped(Layout::ChannelsLast, &[1, 4, 5, 6], &[2, 2, 5, 6]), None);
    }
}
