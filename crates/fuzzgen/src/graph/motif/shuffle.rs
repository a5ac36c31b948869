use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// Half of the channels goes through three convolutions beside the other half, and then all are shuffled.
/// shuffled.
pub(super) const MOTIF: Motif =
    Motif { name: "shuffle unit", source: "Ma et al., ShuffleNet V2, arXiv 1807.11164", side: 3, append };

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut x = x;
    for _ in 0..net.random().between(1, 3) {
        let channels = net.channels(x);
        let is_even = channels.is_multiple_of(2);
        let halves = is_even && net.random().chance(70);
        let (beside, through) = if halves {
            (net.channels_of(x, 0, channels / 2), net.channels_of(x, channels / 2, channels))
        } else {
            // The unit that halves the sides has a branch in place of the half that goes beside.
            let y = net.depthwise(x, 3, 2);
            let y = net.point(y, channels);
            (net.relu(y), x)
        };
        let stride = if halves { 1 } else { 2 };
        let width = net.channels(through);
        let y = net.point(through, width);
        let y = net.relu(y);
        let y = net.depthwise(y, 3, stride);
        let y = net.point(y, width);
        let y = net.relu(y);
        let y = net.concat(&[beside, y]);
        x = net.shuffle(y, 2);
        if net.sides(x).iter().any(|&side| side < 3) {
            break;
        }
    }
    x
}
