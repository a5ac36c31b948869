use ediacara_graph::ValueId;
use ediacara_graph::ops::{Conv, PoolKind};

use super::{Layers, Motif};

/// Branches of different depth side by side, from a 1 x 1 to a chain of six, joined.
pub(super) const MOTIF: Motif = Motif {
    name: "parallel branches",
    source: "Szegedy et al., arXiv 1409.4842 (5 x 5) and arXiv 1512.00567 (factorised and asymmetric windows)",
    side: 3,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let mut branches = Vec::new();
    for _ in 0..net.random().between(2, 4) {
        let width = net.random().between(1, 48);
        let width = net.window_width(x, width);
        let y = match net.random().below(5) {
            0 => net.point(x, width),
            1 => {
                let reduced = net.width(x, width.div_ceil(2));
                let y = net.point(x, reduced);
                let y = net.relu(y);
                let kernel = net.random().pick(&[3, 5]);
                net.square(y, width, kernel, 1)
            }
            2 => asymmetric(net, x, width),
            3 => deep(net, x, width),
            _ => {
                let kind = net.random().pick(&[PoolKind::Average, PoolKind::Max]);
                let y = net.pool(x, kind, 3, 1, 1);
                net.point(y, width)
            }
        };
        branches.push(net.relu(y));
    }
    net.concat(&branches)
}

/// A chain of 3 x 3 windows, or of 1 x 1.
///
/// Its input stays alive all along, where a later branch reads it again.
fn deep(net: &mut Layers, x: ValueId, width: usize) -> ValueId {
    let mut y = net.point(x, width.div_ceil(2));
    for _ in 0..net.random().between(2, 5) {
        y = net.relu(y);
        let kernel = net.random().pick(&[1, 3, 3]);
        y = net.square(y, width, kernel, 1);
    }
    y
}

/// `1 x n` and then `n x 1`, once or twice.
fn asymmetric(net: &mut Layers, x: ValueId, width: usize) -> ValueId {
    let n = net.random().pick(&[3, 7]);
    let mut y = net.point(x, width.div_ceil(2));
    for _ in 0..net.random().between(1, 2) {
        let across = Conv { padding: [0, n / 2, 0, n / 2], ..Conv::default() };
        let down = Conv { padding: [n / 2, 0, n / 2, 0], ..Conv::default() };
        y = net.conv(y, width, [1, n], across);
        y = net.relu(y);
        y = net.conv(y, width, [n, 1], down);
    }
    y
}
