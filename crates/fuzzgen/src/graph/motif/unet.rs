use ediacara_graph::ValueId;
use ediacara_graph::ops::PoolKind;

use super::{Layers, Motif};

/// Down and up again, with skips over all that lies between, of which the first is the longest.
pub(super) const MOTIF: Motif =
    Motif { name: "long skips", source: "Ronneberger et al., U-Net, arXiv 1505.04597", side: 4, append };

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut skips = Vec::new();
    let mut y = x;
    for _ in 0..net.random().between(1, 3) {
        if net.sides(y).iter().any(|&side| side < 2) {
            break;
        }
        y = pair(net, y);
        skips.push(y);
        y = net.pool(y, PoolKind::Max, 2, 2, 0);
    }
    y = pair(net, y);
    for skip in skips.into_iter().rev() {
        let sides = net.sides(skip);
        let doubled = net.sides(y).map(|side| 2 * side);
        let width = net.channels(skip);
        y = if doubled == sides && net.random().chance(50) {
            net.conv_transpose(y, width)
        } else {
            net.resize(y, sides)
        };
        // Most networks join the image to the skip. LinkNet (arXiv 1707.03718) adds it.
        y = if net.channels(y) == width && net.random().chance(30) {
            net.add(y, skip)
        } else {
            net.concat(&[skip, y])
        };
        y = net.point(y, width);
        y = net.relu(y);
    }
    y
}

/// One or two 3 x 3 convolutions that keep the width.
fn pair(net: &mut Layers, x: ValueId) -> ValueId {
    let width = net.channels(x);
    let mut y = x;
    for _ in 0..net.random().between(1, 2) {
        y = net.square(y, width, 3, 1);
        y = net.relu(y);
    }
    y
}
