//! slice, pad and resize of stored values.

use ediacara_graph::ops::{Pad, PadMode, Resize, ResizeMode, Slice};
use ediacara_graph::{Node, NodeId};

use super::Rule;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::{ChannelMap, unmoved};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};

pub(crate) const RULE: Rule = Rule {
    name: "movement",
    documentation: "slice, pad by a constant and resize to the nearest stay what they are, axes in the stored order; \
        a padding value is stored like any other, so that zero becomes the zero point.",
    check,
};

#[derive(Debug)]
enum Movement {
    Slice(Slice),
    Pad(Pad),
    Resize(Resize),
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let movement = if let Some(slice) = node.op_as::<Slice>() {
        Movement::Slice(slice.clone())
    } else if let Some(pad) = node.op_as::<Pad>() {
        Movement::Pad(pad.clone())
    } else if let Some(resize) = node.op_as::<Resize>() {
        Movement::Resize(resize.clone())
    } else {
        return Verdict::NotMine;
    };
    let x = node.inputs[0];
    let Some(layout @ (Layout::Plain | Layout::ChannelsLast | Layout::AxisLast(_))) = plan.layout(x) else {
        return Verdict::Refused("its operand is not stored in int8 in an order of its own axes".to_owned());
    };
    match stored_order(movement, layout) {
        Ok(movement) => plan.accept(id, vec![x], (layout, Scales::Keeps), movement),
        Err(reason) => Verdict::Refused(reason),
    }
}

/// The movement with its axes in the stored order.
fn stored_order(movement: Movement, layout: Layout) -> std::result::Result<Movement, String> {
    match movement {
        Movement::Slice(slice) if slice.steps.iter().any(|&step| step < 1) => {
            Err("a slice that runs backwards has no int8 form".to_owned())
        }
        Movement::Slice(Slice { starts, ends, steps }) => Ok(Movement::Slice(Slice {
            starts: layout.store(&starts),
            ends: layout.store(&ends),
            steps: layout.store(&steps),
        })),
        Movement::Pad(pad) => Ok(Movement::Pad(Pad {
            before: layout.store(&pad.before),
            after: layout.store(&pad.after),
            ..pad
        })),
        Movement::Resize(resize) if resize.mode != ResizeMode::Nearest => {
            Err(format!("a resize of mode {} has no int8 form", resize.mode))
        }
        Movement::Resize(resize) => {
            let (shape, scales) = (layout.store(&resize.shape), layout.store(&resize.scales));
            Ok(Movement::Resize(Resize { shape, scales, ..resize }))
        }
    }
}

impl Emit for Movement {
    fn channel_maps(&self, channels: &[usize], place: usize) -> Option<Vec<ChannelMap>> {
        let map = match self {
            Movement::Slice(slice) => {
                let (start, end, step) = (slice.starts[place], slice.ends[place], slice.steps[place]);
                let position = |channel: usize| {
                    let offset = channel as i64 - start;
                    let taken = (channel as i64) < end && offset >= 0 && offset % step == 0;
                    taken.then_some((offset / step) as usize)
                };
                (0..channels[0]).map(position).collect()
            }
            Movement::Pad(pad) if pad.before[place] + pad.after[place] == 0 => unmoved(channels[0]),
            Movement::Pad(pad) if pad.value == 0.0 && pad.mode == PadMode::Constant => {
                let before = pad.before[place];
                (before..before + channels[0]).map(Some).collect()
            }
            Movement::Pad(_) => return None,
            Movement::Resize(resize) if resize.shape[place] == channels[0] => unmoved(channels[0]),
            Movement::Resize(_) => return None,
        };
        Some(vec![map])
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = operands[0];
        let name = emitter.name(lowering);
        let value = match self {
            Movement::Slice(slice) => emitter.add(name, slice.clone(), &[x.value])?,
            Movement::Pad(pad) => {
                let value = f64::from(x.encoding.encode(pad.value as f32));
                emitter.add(name, Pad { value, ..pad.clone() }, &[x.value])?
            }
            Movement::Resize(resize) => emitter.add(name, resize.clone(), &[x.value])?,
        };
        Ok(Stored { value, encoding: x.encoding, layout: lowering.layout })
    }
}
