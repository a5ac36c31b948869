//! reshape of stored values.

use ediacara_graph::ops::Reshape;
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "reshape",
    documentation: "reshape stays reshape where the stored order allows: flattening an image, taking a row for one, \
        splitting and merging its height and width, or anything if the stored order is the real one.",
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
    let wanted = plan.demanded(node.outputs[0]);
    let Some(result) = reshaped(layout, &plan.graph.ty(x).shape, &reshape.shape, wanted) else {
        let (from, to) = (&plan.graph.ty(x).shape, &reshape.shape);
        return Verdict::Refused(format!("stored with channels last, {from:?} does not reshape to {to:?}"));
    };
    let stored_shape = result.store(&reshape.shape);
    plan.accept(id, vec![x], (result, Scales::Keeps), Reshaped { stored_shape })
}

/// The layout of the result of a reshape that does not move a stored element; nothing if it would.
///
/// Of several, `wanted` is what products and convolutions would have.
pub(crate) fn reshaped(
    layout: Layout,
    from: &[usize],
    to: &[usize],
    wanted: Option<Layout>,
) -> Option<Layout> {
    let product = |shape: &[usize]| shape.iter().product::<usize>();
    // Channels and pixels of an image that is stored with the pixels outside; if one of them is 1, it is no
    // image.
    let (channels, pixels) = match layout {
        Layout::ChannelsLast => (from[1], product(&from[2..])),
        Layout::Flat { channels, pixels } => (channels, pixels),
        Layout::Plain => (product(from) / from.first().copied().unwrap_or(1).max(1), 1),
        Layout::AxisLast(axis) => return with_last(axis, from, to),
    };
    if layout == Layout::Plain && wanted == Some(Layout::Plain) {
        return Some(Layout::Plain);
    }
    let same_batch = !from.is_empty() && from.first() == to.first();
    match to.len() {
        2 if same_batch && (channels == 1 || pixels == 1) => Some(Layout::Plain),
        2 if same_batch => Some(Layout::Flat { channels, pixels }),
        3.. if same_batch && to[1] == channels => Some(Layout::ChannelsLast),
        // With one channel or one pixel the stored order is the real one.
        3.. if same_batch && (channels == 1 || pixels == 1) && to[1] == 1 => Some(Layout::ChannelsLast),
        2.. if layout == Layout::Plain || channels == 1 || pixels == 1 => Some(Layout::Plain),
        // A convolution would not take it with another axis last.
        _ if layout == Layout::ChannelsLast && wanted != Some(Layout::ChannelsLast) => with_last(1, from, to),
        _ => None,
    }
}

/// The layout of the result of a reshape of a value that is stored with an axis last: that axis, whatever the axes before and
/// behind it are split or merged into.
fn with_last(axis: usize, from: &[usize], to: &[usize]) -> Option<Layout> {
    let product = |shape: &[usize]| shape.iter().product::<usize>();
    let fits = |&place: &usize| {
        to[place] == from[axis]
            && product(&to[..place]) == product(&from[..axis])
            && product(&to[place + 1..]) == product(&from[axis + 1..])
    };
    (1..to.len()).find(fits).map(Layout::with_last)
}

impl Emit for Reshaped {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        Some(vec![unmoved(channels[0])])
    }

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
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[2, 240], None), Some(flat));
        assert_eq!(reshaped(flat, &[2, 240], &[2, 8, 6, 5], None), Some(Layout::ChannelsLast));
        assert_eq!(reshaped(flat, &[2, 240], &[2, 4, 60], None), None);
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 1, 1], &[2, 8], None), Some(Layout::Plain));
        assert_eq!(reshaped(Layout::Plain, &[2, 8], &[2, 8, 1, 1], None), Some(Layout::ChannelsLast));
        assert_eq!(reshaped(Layout::Plain, &[2, 12], &[2, 3, 4], None), Some(Layout::Plain));
        assert_eq!(reshaped(Layout::Plain, &[1, 32, 128], &[1, 32, 4, 32], None), Some(Layout::Plain));
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 1, 1], &[4, 4], None), Some(Layout::Plain));
        assert_eq!(
            reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[2, 8, 30], None),
            Some(Layout::ChannelsLast)
        );
        assert_eq!(reshaped(Layout::ChannelsLast, &[2, 8, 5, 6], &[16, 30], None), None);
        assert_eq!(reshaped(Layout::ChannelsLast, &[1, 4, 5, 6], &[2, 2, 5, 6], None), None);
        // The batch splits and merges.
        assert_eq!(
            reshaped(Layout::ChannelsLast, &[8, 4, 5, 6], &[2, 4, 4, 5, 6], None),
            Some(Layout::AxisLast(2))
        );
        assert_eq!(
            reshaped(Layout::AxisLast(2), &[2, 4, 3, 5, 6], &[8, 3, 5, 6], None),
            Some(Layout::ChannelsLast)
        );
        // Directions of a recurrence in front of its units.
        let plain = Some(Layout::Plain);
        assert_eq!(reshaped(Layout::Plain, &[32, 1, 64], &[32, 1, 1, 64], plain), plain);
    }
}
