use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// A squeeze, and two expansions side by side, with a bypass where the width stays.
pub(super) const MOTIF: Motif =
    Motif { name: "fire module", source: "Iandola et al., SqueezeNet, arXiv 1602.07360", side: 1, append };

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut x = x;
    for _ in 0..net.random().between(1, 3) {
        let channels = net.channels(x);
        let expanded =
            if net.random().chance(40) { channels.div_ceil(2) } else { net.random().between(1, 64) };
        let expanded = net.window_width(x, expanded);
        // The paper's squeeze ratio is an eighth; others go to a half.
        let ratio = net.random().pick(&[8, 8, 4, 2]);
        let squeezed = net.width(x, (2 * expanded).div_ceil(ratio));
        let y = net.point(x, squeezed);
        let y = net.relu(y);
        let points = net.point(y, expanded);
        let points = net.relu(points);
        let squares = net.square(y, expanded, 3, 1);
        let squares = net.relu(squares);
        let y = net.concat(&[points, squares]);
        x = if net.channels(y) == channels { net.add(x, y) } else { y };
    }
    x
}
