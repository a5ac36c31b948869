use ediacara_graph::ValueId;
use ediacara_graph::ops::PoolKind;

use super::{Layers, Motif};

/// Layers that each read all before them, and a transition to half the sides and channels.
///
/// Concatenations grow in place, and each has several readers.
pub(super) const MOTIF: Motif = Motif {
    name: "dense block",
    source: "Huang et al., Densely Connected Convolutional Networks, arXiv 1608.06993",
    side: 2,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let layers = net.random().between(2, 6);
    let growth = net.random().pick(&[4, 8, 12, 16, 24, 32]);
    let growth = net.window_width(x, growth);
    // DenseNet-B squeezes to four times the growth first. The heirs of MobileNet and SqueezeNet leave out the
    // normalisation.
    let (squeezes, normalises) = (net.random().chance(60), net.random().chance(60));
    let mut known = x;
    for _ in 0..layers {
        let mut y = known;
        if normalises {
            y = net.normalise(y);
            y = net.relu(y);
        }
        if squeezes {
            let width = net.width(known, 4 * growth);
            y = net.point(y, width);
            y = net.relu(y);
        }
        y = net.square(y, growth, 3, 1);
        known = net.concat(&[known, y]);
    }
    if net.random().chance(60) {
        let width = net.channels(known).div_ceil(2);
        let y = net.point(known, width);
        return net.pool(y, PoolKind::Average, 2, 2, 0);
    }
    known
}
