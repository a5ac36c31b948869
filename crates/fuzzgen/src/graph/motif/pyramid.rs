use ediacara_graph::ValueId;
use ediacara_graph::ops::PoolKind;

use super::{Layers, Motif};

/// Images of halved sides, then back: each is enlarged to the one before it, and added or joined.
///
/// All but the first may be outputs.
pub(super) const MOTIF: Motif = Motif {
    name: "feature pyramid",
    source: "Lin et al., arXiv 1612.03144 (sums); Redmon and Farhadi, YOLOv3, arXiv 1804.02767 (joined)",
    side: 4,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut levels = vec![x];
    for _ in 0..net.random().between(1, 3) {
        let last = levels[levels.len() - 1];
        if net.sides(last).iter().any(|&side| side < 2) {
            break;
        }
        let wanted = net.channels(last) + net.random().below(24);
        let width = net.window_width(last, wanted);
        let y = if net.random().chance(70) {
            net.square(last, width, 3, 2)
        } else {
            net.pool(last, PoolKind::Max, 2, 2, 0)
        };
        levels.push(net.relu(y));
    }
    let sums = net.random().chance(50);
    let shows = net.random().chance(50);
    let width = net.channels(x).min(32);
    let mut top = levels[levels.len() - 1];
    top = net.point(top, width);
    for &level in levels.iter().rev().skip(1) {
        if shows {
            net.show(top);
        }
        let sides = net.sides(level);
        let enlarged = net.resize(top, sides);
        let lateral = net.point(level, width);
        let joined = if sums { net.add(lateral, enlarged) } else { net.concat(&[enlarged, lateral]) };
        let y =
            if net.random().chance(50) { net.square(joined, width, 3, 1) } else { net.point(joined, width) };
        top = net.relu(y);
    }
    top
}
