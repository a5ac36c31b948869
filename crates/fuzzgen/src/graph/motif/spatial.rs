use ediacara_graph::ValueId;
use ediacara_graph::ops::PoolKind;

use super::{Layers, Motif};

/// Maxima over growing windows, one after the other, joined, and now and then in a cross-stage branch.
pub(super) const MOTIF: Motif = Motif {
    name: "spatial pyramid pooling",
    source: "He et al., arXiv 1406.4729; in series as YOLOv5's SPPF; branches of Wang et al., CSPNet, arXiv 1911.11929",
    side: 5,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let half = net.channels(x).div_ceil(2);
    let mut y = net.point(x, half);
    y = net.relu(y);
    let kernel = net.random().pick(&[3, 5, 5]);
    let mut known = vec![y];
    for _ in 0..net.random().between(2, 3) {
        y = net.pool(y, PoolKind::Max, kernel, 1, kernel / 2);
        known.push(y);
    }
    if net.random().chance(40) {
        let beside = net.point(x, half);
        known.push(net.relu(beside));
    }
    let y = net.concat(&known);
    let wanted = net.channels(x);
    let y = net.point(y, wanted);
    let gate = net.sigmoid(y);
    // The gate makes this a SiLU, which YOLOv5 has everywhere.
    net.multiply(y, gate)
}
