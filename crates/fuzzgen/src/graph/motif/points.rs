use ediacara_graph::ValueId;

use super::{Layers, Motif};

/// A chain of 1 x 1 convolutions with residuals over one to six of them: values whose lives start together
/// and end apart.
pub(super) const MOTIF: Motif = Motif {
    name: "chain of 1 x 1 with residuals",
    source: "Lin et al., Network In Network, arXiv 1312.4400; residuals of He et al., arXiv 1603.05027",
    side: 1,
    append,
};

fn append(net: &mut Layers, x: ValueId) -> ValueId {
    let channels = net.channels(x);
    // All have one width, so that any two may be added, or each has its own.
    let is_even = net.random().chance(70);
    let mut known = vec![x];
    for _ in 0..net.random().between(3, 8) {
        let last = known[known.len() - 1];
        let width = if is_even { channels } else { net.random().between(1, 2 * channels) };
        let width = if is_even { width } else { net.width(x, width) };
        let mut y = net.point(last, width);
        if net.random().chance(60) {
            y = net.relu(y);
        }
        if net.random().chance(45) {
            let from = known.len() - net.random().between(1, known.len().min(6));
            if net.channels(known[from]) == width {
                y = net.add(y, known[from]);
            }
        }
        known.push(y);
    }
    known[known.len() - 1]
}
